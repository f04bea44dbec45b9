import { bufferSizes, bufferTable, type Fragment, identifier, join, literal, raw, sql, STANDING } from '@freshet/core'
import { logTable, packTable, tailFunction } from './capture-names.ts'
import type { SourceColumn } from './source-facts.ts'

/**
 * Where captured changes lie: a log and packs, and over them the change buffer as a view.
 *
 *   log_<stable name>      one row for a row that was inserted, deleted or updated
 *   pack_<stable name>     one row for many rows of one statement: an array for each column
 *   changes_<stable name>  both as a Z-set
 *   sizes_<stable name>    how many rows that has, of each row of the log and each pack, without unpacking
 *
 * `__new` and `__old` say which values a row has: an INSERT has new ones (+1), a DELETE old ones (−1), an UPDATE both,
 * side by side: one heap row and one index entry, not two. A pack with neither is the marker of a TRUNCATE (0). In the
 * view each weight is a constant of its branch, so who looks for markers reads nothing else.
 *
 * A row of the log with neither is a note of so many rows, `__n`, that were moved elsewhere (`citus/queues.ts`).
 *
 * A statement that changed many rows writes packs. That is what makes capture cheap: a heap row with its index entry
 * and its log record costs a writer 1.3 µs or more, an element of an array 0.1 µs.
 *
 * Columns are named by position, so no source column can be in the way. Types are those of the source without length,
 * precision or domain: a declaration that becomes stricter or laxer there can never make a writer fail here.
 */
export const RESERVED_COLUMNS: ReadonlySet<string> = new Set(['__x', '__n', '__w'])

/** The column for the new value of the captured column at this position. */
export function newColumn(position: number): Fragment {
  return identifier(`new_${position + 1}`)
}

/** The column for its old value. */
export function oldColumn(position: number): Fragment {
  return identifier(`old_${position + 1}`)
}

export function createLog(stableName: string, columns: readonly SourceColumn[]): readonly Fragment[] {
  const log = logTable(stableName)
  const pack = packTable(stableName)
  const shared = sql`(
      __x xid8 not null default pg_catalog.pg_current_xact_id(),
      __n int not null default 0,
      __new boolean not null default false,
      __old boolean not null default false
    ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_insert_threshold = -1)`
  return [
    sql`create table ${log} ${shared}`,
    sql`create index on ${log} (__x)`,
    sql`create table ${pack} ${shared}`,
    sql`create index on ${pack} (__x)`,
    ...growLog(stableName, columns, 0),
  ]
}

/** Adds the columns from position `from` on. */
export function growLog(stableName: string, columns: readonly SourceColumn[], from: number): readonly Fragment[] {
  const log = logTable(stableName)
  const pack = packTable(stableName)
  const added = columns.flatMap((column, position) =>
    position < from ? [] : [newColumn(position), oldColumn(position)].map((name) => ({ ...column, name })),
  )
  const packed = added.filter(({ packing }) => packing !== 'never')
  const inLog = added.map(({ name, type }) => sql`add column ${name} ${raw(type)}`)
  // arrays as they are: compressing them would cost the writer more than it saves
  const inPack = packed.flatMap(({ name, type }) => [
    sql`add column ${name} ${raw(type)}[]`,
    sql`alter column ${name} set storage external`,
  ])
  return [
    ...(inLog.length === 0 ? [] : [sql`alter table ${log} ${join(inLog)}`]),
    ...(inPack.length === 0 ? [] : [sql`alter table ${pack} ${join(inPack)}`]),
    createBuffer(stableName, columns),
    createSizes(stableName, columns),
  ]
}

export function dropLog(stableName: string): readonly Fragment[] {
  return [
    sql`drop view if exists ${bufferTable(stableName)}, ${bufferSizes(stableName)}`,
    sql`drop function if exists ${tailFunction(stableName)}(pg_snapshot)`,
    sql`drop table if exists ${logTable(stableName)}, ${packTable(stableName)}`,
  ]
}

/** Whoever reads the window that this row falls into must recompute in full. */
export function writeMarker(stableName: string): Fragment {
  return sql`insert into ${packTable(stableName)} default values`
}

/** The same of every window, until it is taken away. */
export function writeStandingMarker(stableName: string): Fragment {
  return sql`insert into ${packTable(stableName)} (__x) values (${literal(STANDING)}::xid8)`
}

export function removeStandingMarker(stableName: string): Fragment {
  return sql`delete from ${packTable(stableName)} where __x = ${literal(STANDING)}::xid8`
}

function createBuffer(stableName: string, columns: readonly SourceColumn[]): Fragment {
  const log = logTable(stableName)
  return createBufferView(stableName, columns, [
    { weight: `'1'::smallint`, from: log, condition: '__new', value: (_, i) => newColumn(i) },
    { weight: `'-1'::smallint`, from: log, condition: '__old', value: (_, i) => oldColumn(i) },
    ...packBranches(stableName),
  ])
}

/** A part of the buffer: rows of one weight, or with their own. */
export interface BufferBranch {
  readonly weight: string
  readonly from: Fragment
  readonly condition: string
  readonly value: (column: SourceColumn, position: number) => Fragment
}

export function createBufferView(
  stableName: string,
  columns: readonly SourceColumn[],
  branches: readonly BufferBranch[],
): Fragment {
  const selects = branches.map(({ weight, from, condition, value }) => {
    const values = columns.map((column, i) => sql`, ${value(column, i)} as ${identifier(column.name)}`)
    return sql`select __x, __n, ${raw(`${weight} as __w`)}
      ${join(values, '')}
      from ${from} where ${raw(condition)}`
  })
  return sql`create or replace view ${bufferTable(stableName)} as ${join(selects, ' union all ')}`
}

export function packBranches(stableName: string): readonly BufferBranch[] {
  const pack = packTable(stableName)
  // a column that can not be packed came after the last pack was written
  const packed = (name: (position: number) => Fragment) => (column: SourceColumn, i: number) =>
    column.packing === 'never' ? missing(column) : sql`unnest(${name(i)})`
  return [
    { weight: `'1'::smallint`, from: pack, condition: '__new', value: packed(newColumn) },
    { weight: `'-1'::smallint`, from: pack, condition: '__old', value: packed(oldColumn) },
    { weight: `'0'::smallint`, from: pack, condition: 'not __new and not __old', value: missing },
  ]
}

/** A marker has no values. */
export function missing({ type }: SourceColumn): Fragment {
  return sql`cast(null as ${raw(type)})`
}

function createSizes(stableName: string, columns: readonly SourceColumn[]): Fragment {
  return sql`create or replace view ${bufferSizes(stableName)} as
    select __x, __n, greatest(__new::int + __old::int, __n) as __rows from ${logTable(stableName)}
    union all
    select __x, __n, ${packSize(columns)} from ${packTable(stableName)}`
}

/** How many change rows are in a pack. */
export function packSize(columns: readonly SourceColumn[]): Fragment {
  const length = (name: Fragment) => sql`coalesce(cardinality(${name}), 0)`
  // packs are written only where every column can be packed, so the first one is in each
  return columns[0]?.packing === 'never' || columns.length === 0
    ? raw('0')
    : sql`${length(newColumn(0))} + ${length(oldColumn(0))}`
}

/** Whether statements over many rows may write packs: every captured column must fit into an array. */
export function canPack(columns: readonly SourceColumn[]): boolean {
  return columns.length > 0 && columns.every(({ packing }) => packing !== 'never')
}
