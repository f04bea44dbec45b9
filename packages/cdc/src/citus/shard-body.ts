import { type Fragment, isSharded, join, literal, type Placement, raw, sql } from '@freshet/core'
import { captureBody } from '../capture-body.ts'
import { newColumn, oldColumn } from '../capture-log.ts'
import type { CaptureEvent } from '../capture-names.ts'
import { differ, nulls, NUMBERED, valueOf, values } from '../captured-rows.ts'
import type { SourceColumn } from '../source-facts.ts'
import { siblingShard } from './shard-log.ts'
import { marksTable } from './shard-names.ts'

/**
 * The body of a trigger function of a source that Citus has placed. It runs on every node, and never does there what a
 * prepared transaction forbids, for each write to several nodes is one: no NOTIFY, nothing temporary.
 *
 *   sharded    into the shard of the buffer beside this one: the same node, the same local transaction
 *   reference  a statement runs on each copy of the table; the coordinator's alone is captured, into the log there
 *   TRUNCATE   fires once, on the node that was asked: a mark, which every node can write
 */
export function placedBody(
  event: CaptureEvent,
  stableName: string,
  placement: Placement,
  columns: readonly SourceColumn[],
): Fragment {
  if (event === 'truncate')
    return sql`
begin
  insert into ${marksTable(stableName)} default values;
  return null;
end`
  if (isSharded(placement)) return shardBody(event, stableName, placement, columns)
  return captureBody(event, stableName, columns, ELSEWHERE)
}

type RowEvent = Exclude<CaptureEvent, 'truncate'>

const ELSEWHERE = sql`if (select groupid from pg_catalog.pg_dist_local_group) operator(pg_catalog.<>) 0 then
    return null;
  end if;
  `

/** Where the name of the distribution column goes: it is looked up, for it may be renamed. No name holds a null byte. */
const KEY = '\0'

/**
 * Dynamic, because Citus finds no transition table in a query over its own tables. Where there is no shard beside this one
 * any more, the writer goes on: whoever collects sees that the two tables are not co-located, and recomputes.
 */
function shardBody(
  event: RowEvent,
  stableName: string,
  placement: Placement,
  columns: readonly SourceColumn[],
): Fragment {
  const pieces = written(event, stableName, placement, columns).text.split(KEY)
  const statement = raw(pieces.map((piece) => literal(` ${piece}`).text).join(' || beside.key || '))
  return sql`
declare
  beside record;
begin
  ${siblingShard(stableName, placement)} into beside;
  if found then
    execute 'insert into ' || beside.shard || ${statement};
  end if;
  return null;
end`
}

function written(
  event: RowEvent,
  stableName: string,
  placement: Placement,
  columns: readonly SourceColumn[],
): Fragment {
  const keyed = placement.kind === 'distributed'
  const reading = keyed ? { more: [raw(`${KEY} as k`)] } : {}
  const target = (...names: readonly (readonly Fragment[])[]) =>
    join([raw('__new, __old'), ...(keyed ? [raw('__k')] : []), ...names.flat()])
  const value = (flags: string, key: string, ...rows: readonly string[]) =>
    join([raw(flags), ...(keyed ? [raw(key)] : []), ...rows.flatMap((row) => columns.map((_, i) => valueOf(row)(i)))])
  const named = (column: (position: number) => Fragment) => columns.map((_, i) => column(i))
  if (event !== 'update') {
    const inserted = event === 'insert'
    return sql`(${target(named(inserted ? newColumn : oldColumn))})
      select ${value(inserted ? 'true, false' : 'false, true', 'r.k', 'r')}
      from ${nulls(stableName, columns)}, ${values(stableName, inserted ? '__new' : '__old', 'r', columns, reading)}`
  }
  const side = (row: string, table: string) => values(stableName, table, row, columns, { ...NUMBERED, ...reading })
  return sql`(${target(named(newColumn), named(oldColumn))})
      select ${value('n.i is not null, o.i is not null', 'coalesce(n.k, o.k)', 'n', 'o')}
      from ${nulls(stableName, columns)}, ${side('o', '__old')} full join ${side('n', '__new')} on o.i = n.i
      where o.i is null or n.i is null or ${differ(columns)}`
}
