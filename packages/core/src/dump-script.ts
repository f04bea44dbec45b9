import { createHash } from 'node:crypto'

/**
 * A dump as an SQL script: every query as its author wrote it, to be read, searched and compared as SQL is, and the rest
 * of the document in comments before it.
 *
 *   -- freshet dump 1
 *   -- freshet 5f3a9c01 {"takenAt": …, "settings": …}        the document without its stream tables
 *   -- freshet 5f3a9c01 {"schema": "public", "table": …}     a stream table without its query
 *   select …
 *   ;
 *
 * The mark is one that no query holds, so a comment or a text in a query is never taken for the next entry.
 */
const FIRST_LINE = '-- freshet dump 1'
const END = '\n;\n'

/** Of a dump, whose only part that matters here is where its queries are. */
export function writeDumpScript({ streamTables, ...rest }: Written): string {
  const mark = `-- freshet ${markFor(streamTables.map(({ query }) => query))}`
  const entries = streamTables.map(({ query, ...table }) => `${mark} ${JSON.stringify(table)}\n${query}${END}`)
  return [`${FIRST_LINE}\n${mark} ${JSON.stringify(rest)}\n`, ...entries].join('\n')
}

interface Written {
  readonly streamTables: readonly { readonly query: string }[]
}

export function isDumpScript(text: string): boolean {
  return text.startsWith(FIRST_LINE)
}

/** The document, not yet checked. Throws a SyntaxError where a comment is not what was written. */
export function readDumpScript(text: string): unknown {
  const mark = /^-- freshet [0-9a-f]{8} /m.exec(text)?.[0]
  if (mark === undefined) throw new SyntaxError('the script has no entry')
  const [, head, ...entries] = `\n${text}`.split(`\n${mark}`)
  const streamTables = entries.map((entry) => {
    const endOfLine = entry.indexOf('\n')
    const end = entry.lastIndexOf(END)
    if (endOfLine < 0 || end < endOfLine) throw new SyntaxError('an entry has no query that ends with a line `;`')
    return { ...asObject(entry.slice(0, endOfLine)), query: entry.slice(endOfLine + 1, end) }
  })
  return { ...asObject(head ?? ''), streamTables }
}

function asObject(json: string): object {
  const value: unknown = JSON.parse(json)
  if (typeof value !== 'object' || value === null) throw new SyntaxError('an entry is not an object')
  return value
}

function markFor(queries: readonly string[]): string {
  for (let attempt = 0; ; attempt++) {
    const mark = createHash('sha256')
      .update(JSON.stringify([attempt, queries]))
      .digest('hex')
      .slice(0, 8)
    if (!queries.some((query) => query.includes(mark))) return mark
  }
}
