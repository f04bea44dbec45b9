import { bufferTable, type Database, identifier, raw, sourceIdentifier, type SourceIdentifier, sql } from '@freshet/core'

/** What the tests of capture share: a source by name, its buffer's rows, and the law that ties both together. */
export async function sourceOf(database: Database, name: string): Promise<SourceIdentifier> {
  const [row] = await database.query<{ oid: number; schema: string; table: string }>(
    sql`select c.oid, n.nspname as schema, c.relname as table
      from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = ${name}::regclass`,
  )
  if (row === undefined) throw new Error(`no relation ${name}`)
  return sourceIdentifier(row.oid, row.schema, row.table)
}

export function run(database: Database, text: string): Promise<unknown> {
  return database.query(raw(text))
}

/** The buffer as `weight column,column,…` lines, sorted. */
export async function changes(database: Database, source: SourceIdentifier, columns: readonly string[]): Promise<string[]> {
  const rows = await database.query<{ line: string }>({
    text: `select __w::text || ' ' || concat_ws(',', ${columns
      .map((column) => `coalesce(${identifier(column).text}::text, 'null')`)
      .concat("''")
      .join(', ')}) as line from ${bufferTable(source.stableName).text}`,
    values: [],
  })
  return rows.map(({ line }) => line.replace(/,$/, '').trim()).sort()
}

/** Remembers the contents; the returned function throws unless they and the buffer add up to the table. */
export async function sumLaw(database: Database, source: SourceIdentifier, columns: readonly string[]): Promise<() => Promise<void>> {
  const list = columns.map((column) => `${identifier(column).text}::text`).join(', ')
  const table = identifier(source.schema, source.table).text
  await run(database, `drop table if exists initial; create table initial as select ${list} from ${table}`)
  const buffer = bufferTable(source.stableName).text
  return async () => {
    const [row] = await database.query<{ differences: number }>(
      raw(`with captured as (select ${list} from initial union all select ${list} from ${buffer} where __w = 1),
        held as (select ${list} from ${table} union all select ${list} from ${buffer} where __w = -1)
      select count(*)::int as differences from (
        (select * from captured except all select * from held) union all (select * from held except all select * from captured)
      ) as d`),
    )
    if (row?.differences !== 0) throw new Error(`the buffer and the table differ in ${row?.differences} rows`)
  }
}
