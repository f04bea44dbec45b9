import { readdir, readFile } from 'node:fs/promises'

/**
 * The corpus: each file of `tests/corpus` is a query that somebody would write, and the changes that are hard for it.
 *
 *   -- a sentence on what it shows
 *   -- setup                 statements beyond the schema that all share (optional)
 *   -- query[: name]         a stream table; several make a stack
 *   -- step: a sentence      statements of one round, after which every stream table is refreshed and compared
 */
export interface CorpusFile {
  readonly name: string
  readonly setup: string
  readonly queries: readonly { readonly name: string; readonly text: string }[]
  readonly steps: readonly { readonly title: string; readonly text: string }[]
}

const FOLDER = new URL('../corpus/', import.meta.url)

export async function corpus(): Promise<{ readonly schema: string; readonly files: readonly CorpusFile[] }> {
  const names = (await readdir(FOLDER)).filter((file) => file.endsWith('.sql')).toSorted()
  const files = names.map(async (file) =>
    parse(file.replace(/\.sql$/, ''), await readFile(new URL(file, FOLDER), 'utf8')),
  )
  return { schema: await readFile(new URL('schema/shop.sql', FOLDER), 'utf8'), files: await Promise.all(files) }
}

export function parse(name: string, text: string): CorpusFile {
  const [, ...sections] = text.split(/^-- (?=(?:setup|query|step)\b)/m)
  const parts = sections.map((section) => {
    const [head = '', ...body] = section.split('\n')
    const [kind = '', ...title] = head.split(':')
    return { kind: kind.trim(), title: title.join(':').trim(), text: body.join('\n').trim() }
  })
  const of = (kind: string) => parts.filter((part) => part.kind === kind)
  const own = name.replaceAll('-', '_')
  const queries = of('query').map(({ title, text: query }) => ({
    name: title === '' ? own : title,
    text: query.replace(/;$/, ''),
  }))
  if (queries.length === 0 || of('step').length === 0) throw new Error(`${name}.sql has no query, or no step`)
  return {
    name,
    setup: of('setup')
      .map((part) => part.text)
      .join('\n'),
    queries,
    steps: of('step'),
  }
}

/**
 * The part of a refresh statement that the query alone decides: the frame (windows, lock, gate, frontier, history) is
 * the same for all.
 */
export function deltaOf(statement: string): string {
  const [chain = ''] = statement.split(/^\)\nselect /m)
  const parts = chain.replace(/^with /, '').split(/^\),\n/m)
  const frame = /^(?:"(?:size|window) of |(?:marks|state|gate|advanced|recorded) as )/
  return parts
    .filter((part) => !frame.test(part))
    .map((part) => `${part.trimEnd()}\n)`)
    .join(',\n')
}
