import { bufferSizes, type Fragment, literal, raw, sql } from '@freshet/core'
import { createBufferView, missing, newColumn, oldColumn, packBranches, packSize } from '../capture-log.ts'
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
  const log = logTable(stableName)
  const tail = sql`${tailFunction(stableName)}(pg_current_snapshot()) t
    cross join lateral (
      values ('1'::smallint, t.__new), ('-1'::smallint, t.__old), ('0'::smallint, not t.__new and not t.__old)
    ) as kind (w, there)`
  return createBufferView(stableName, columns, [
    { weight: `'1'::smallint`, from: log, condition: `__new and ${VISIBLE}`, value: (_, i) => newColumn(i) },
    { weight: `'-1'::smallint`, from: log, condition: `__old and ${VISIBLE}`, value: (_, i) => oldColumn(i) },
    { weight: `'0'::smallint`, from: log, condition: `not __new and not __old and ${VISIBLE}`, value: missing },
    ...packBranches(stableName),
    {
      weight: 'kind.w',
      from: tail,
      condition: 'kind.there',
      value: (_, i) => sql`case kind.w when 1 then t.${newColumn(i)} when -1 then t.${oldColumn(i)} end`,
    },
  ])
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
