import { checkDatabaseUrl, FreshetError } from '@freshet/core'

/** What distinguishes the databases of one scheduler in logs, metrics and answers. */
export interface NamedDatabase {
  readonly name: string
  readonly url: string
}

/** By the name of the database alone; with host and port where two have the same. */
export function nameDatabases(urls: readonly string[]): readonly NamedDatabase[] {
  const parsed = urls.map((url) => new URL(checkDatabaseUrl(url).replace('@/', '@localhost/')))
  const short = parsed.map((url) => decodeURIComponent(url.pathname.slice(1)) || decodeURIComponent(url.username))
  const long = parsed.map((url, i) => `${url.hostname}:${url.port || '5432'}/${short[i]}`)
  const named = urls.map((url, i) => {
    const [brief = '', full = ''] = [short[i], long[i]]
    return { url, name: short.filter((name) => name === brief).length === 1 ? brief : full }
  })
  const twice = named.find(({ name }, i) => named.findIndex((other) => other.name === name) !== i)
  if (twice !== undefined)
    throw new FreshetError('USAGE', `the database ${twice.name} is given twice`, { hint: 'Give each database once.' })
  return named
}

/** Several in one text: a database URL has no white space in it. */
export function splitUrls(text: string): readonly string[] {
  return text.split(/\s+/).filter((url) => url !== '')
}
