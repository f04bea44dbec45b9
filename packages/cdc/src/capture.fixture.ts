import {
  bufferTable,
  type Database,
  identifier,
  raw,
  sourceIdentifier,
  type SourceIdentifier,
  sql,
} from '@freshet/core'
import { logTable, packTable } from './capture-names.ts'
import { triggerCapture } from './trigger-capture.ts'

/** What the tests of capture share: a captured table, its buffer's rows, and the law that ties both together. */
export const capture = triggerCapture()

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

/** The buffer as `weight value,value,…` lines, sorted. */
export async function changes(
  database: Database,
  source: SourceIdentifier,
  columns: readonly string[],
): Promise<string[]> {
  const list = columns.map((column) => `coalesce(${identifier(column).text}::text, 'null')`)
  const rows = await database.query<{ line: string }>(
    raw(`select concat_ws(' ', __w, ${list.length === 0 ? 'null' : list.join(` || ',' || `)}) as line
      from ${bufferTable(source.stableName).text}`),
  )
  return rows.map(({ line }) => line).sort()
}

/** Rows that statements left in the log and in packs. */
export async function written(database: Database, source: SourceIdentifier): Promise<{ log: number; packs: number }> {
  const [row] = await database.query<{ log: number; packs: number }>(
    sql`select (select count(*) from ${logTable(source.stableName)})::int as log,
      (select count(*) from ${packTable(source.stableName)})::int as packs`,
  )
  return row ?? { log: 0, packs: 0 }
}

export async function clear(database: Database, source: SourceIdentifier): Promise<void> {
  await database.query(sql`truncate ${logTable(source.stableName)}, ${packTable(source.stableName)}`)
}

/** A new table whose columns are captured; `after` runs a statement and returns what it left in the buffer. */
export async function captured(database: Database, create: string, name: string, columns: readonly string[]) {
  await run(database, create)
  const source = await sourceOf(database, name)
  await capture.ensure(database, source, columns)
  return {
    source,
    after: async (statement: string) => {
      await clear(database, source)
      await run(database, statement)
      return changes(database, source, columns)
    },
  }
}

/** Remembers the contents; the returned function counts where they and the buffer do not add up to the table. */
export async function sumLaw(
  database: Database,
  source: SourceIdentifier,
  columns: readonly string[],
): Promise<() => Promise<number>> {
  const list = columns.map((column) => `${identifier(column).text}::text`).join(', ')
  const table = identifier(source.schema, source.table).text
  const initial = `initial_${source.stableName}`
  await run(database, `drop table if exists ${initial}; create table ${initial} as select ${list} from ${table}`)
  const buffer = bufferTable(source.stableName).text
  return async () => {
    const [row] = await database.query<{ differences: number }>(
      raw(`with captured as (select * from ${initial} union all select ${list} from ${buffer} where __w = 1),
        held as (select ${list} from ${table} union all select ${list} from ${buffer} where __w = -1)
      select count(*)::int as differences from (
        (select * from captured except all select * from held)
        union all (select * from held except all select * from captured)
      ) as d`),
    )
    return row?.differences ?? -1
  }
}

/** `name` partitioned by `a`: low (0–9), high (10–99) which is partitioned itself, the last with a column order of its own. */
export const partitionedTable = (name: string) => `create table ${name} (id int, a int, b text) partition by range (a);
  create table ${name}_low partition of ${name} for values from (0) to (10);
  create table ${name}_high partition of ${name} for values from (10) to (100) partition by list (b);
  create table ${name}_x partition of ${name}_high for values in ('x');
  create table ${name}_y (gone int, b text, a int, id int);
  alter table ${name}_y drop gone;
  alter table ${name}_high attach partition ${name}_y for values in ('y')`
