import { bufferSizes, bufferTable, type Fragment, identifier, join, literal, raw, sql } from '@freshet/core'
import { newColumn, oldColumn, packSize } from '../capture-log.ts'
import { logTable, packTable, tailFunction } from '../capture-names.ts'
import type { SourceColumn } from '../source-facts.ts'

/**
 * The log of a source that is captured by WAL, and the change buffer over it.
 *
 * The stream writes a transaction's rows into the log after that transaction has committed, in a transaction of its own.
 * So visibility of a row says nothing, and the view asks for that of the transaction `__x` that made the change. What a
 * statement at snapshot F sees in the buffer are exactly the changes of the transactions visible in F, in two parts:
 *
 *   rows that were in the log at F                        as the statement sees them
 *   rows that came since, of transactions visible in F    by the tail function, which waits until they all came
 *
 * `__a` is the transaction that put the row into the log: what F sees of it is in the first part, the rest in the second.
 * Rows without it were written by triggers, before the source was switched.
 */

export function extendLog(stableName: string): readonly Fragment[] {
  const log = logTable(stableName)
  return [
    // rows that are there get none
    sql`alter table ${log} add column if not exists __a xid8`,
    sql`alter table ${log} alter column __a set default pg_catalog.pg_current_xact_id()`,
    sql`create index on ${log} (__a)`,
  ]
}

export function createWalBuffer(stableName: string, columns: readonly SourceColumn[]): readonly Fragment[] {
  const log = logTable(stableName)
  const body = `begin
  if not freshet.await_wal(seen) then
    return;
  end if;
  return query select l.* from ${log.text} l
    where l.__a >= pg_snapshot_xmin(seen) and not pg_visible_in_snapshot(l.__a, seen) and pg_visible_in_snapshot(l.__x, seen);
end`
  return [
    sql`create or replace function ${tailFunction(stableName)}(seen pg_snapshot) returns setof ${log}
      language plpgsql volatile rows 10 set search_path = pg_catalog, pg_temp as ${literal(body)}`,
    createView(stableName, columns),
    createSizes(stableName, columns),
  ]
}

const VISIBLE = 'pg_visible_in_snapshot(__x, pg_current_snapshot())'

function createView(stableName: string, columns: readonly SourceColumn[]): Fragment {
  const branch = (
    weight: string,
    from: Fragment,
    condition: string,
    value: (column: SourceColumn, i: number) => Fragment,
  ) =>
    sql`select __x, __n, ${raw(`${weight} as __w`)}
      ${join(
        columns.map((column, i) => sql`, ${value(column, i)} as ${identifier(column.name)}`),
        '',
      )}
      from ${from} where ${raw(condition)}`
  const missing = ({ type }: SourceColumn) => sql`cast(null as ${raw(type)})`
  const packed = (name: (position: number) => Fragment) => (column: SourceColumn, i: number) =>
    column.packing === 'never' ? missing(column) : sql`unnest(${name(i)})`
  const log = logTable(stableName)
  const pack = packTable(stableName)
  const tail = sql`${tailFunction(stableName)}(pg_current_snapshot()) t
    cross join lateral (
      values ('1'::smallint, t.__new), ('-1'::smallint, t.__old), ('0'::smallint, not t.__new and not t.__old)
    ) as kind (w, there)`
  const branches = [
    branch(`'1'::smallint`, log, `__new and ${VISIBLE}`, (_, i) => newColumn(i)),
    branch(`'-1'::smallint`, log, `__old and ${VISIBLE}`, (_, i) => oldColumn(i)),
    branch(`'0'::smallint`, log, `not __new and not __old and ${VISIBLE}`, missing),
    branch(`'1'::smallint`, pack, '__new', packed(newColumn)),
    branch(`'-1'::smallint`, pack, '__old', packed(oldColumn)),
    branch(`'0'::smallint`, pack, 'not __new and not __old', missing),
    branch(
      'kind.w',
      tail,
      'kind.there',
      (_, i) => sql`case kind.w when 1 then t.${newColumn(i)} when -1 then t.${oldColumn(i)} end`,
    ),
  ]
  return sql`create or replace view ${bufferTable(stableName)} as ${join(branches, ' union all ')}`
}

/** The same for the sizes of the log's rows, with packs that triggers wrote. */
function createSizes(stableName: string, columns: readonly SourceColumn[]): Fragment {
  return sql`create or replace view ${bufferSizes(stableName)} as
    select __x, __n, __new::int + __old::int as __rows from ${logTable(stableName)} where ${raw(VISIBLE)}
    union all
    select __x, __n, ${packSize(columns)} from ${packTable(stableName)}
    union all
    select t.__x, t.__n, t.__new::int + t.__old::int from ${tailFunction(stableName)}(pg_current_snapshot()) t`
}
