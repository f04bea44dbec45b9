import { FreshetError } from './errors.ts'

/**
 * Database URLs: `postgres://user:password@host:port/database?sslmode=…`. Checked here, because the driver takes
 * nearly any text, and because an error about a URL must never show the password in it.
 */
export function checkDatabaseUrl(url: string): string {
  if (url.trim() === '') throw refused('the database URL is empty')
  const parsed = parse(url) ?? parse(url.replace('@/', '@localhost/')) // a socket's URL may have no host
  if (parsed === null) throw refused('the database URL can not be parsed')
  if (!hasOurScheme(parsed)) throw refused('a database URL starts with postgres:// or postgresql://')
  return url
}

/** The URL without its password, for messages and logs. */
export function redactUrl(url: string): string {
  const parsed = parse(url)
  if (parsed === null || !hasOurScheme(parsed)) return '(not a database URL)'
  if (parsed.password !== '') parsed.password = '***'
  if (parsed.searchParams.has('password')) parsed.searchParams.set('password', '***')
  return parsed.toString()
}

function refused(message: string): FreshetError {
  return new FreshetError('USAGE', message, {
    hint: 'Give postgres://user:password@host:port/database; signs such as @ / : % in a password are written as %40 %2F %3A %25.',
  })
}

function hasOurScheme(url: URL): boolean {
  return url.protocol === 'postgres:' || url.protocol === 'postgresql:'
}

function parse(url: string): URL | null {
  return URL.canParse(url) ? new URL(url) : null
}
