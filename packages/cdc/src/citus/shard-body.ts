import { type Fragment, identifier, isSharded, join, literal, type Placement, raw, sql } from '@freshet/core'
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
 *   TRUNCATE   on the table that people name, on the node that was asked: a mark, which every node can write. It fires on
 *              shards as well where Citus has made them anew, for a move or a copy, with all triggers of their table;
 *              there nothing could be written, and nothing has to be
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
  if exists (select from pg_catalog.pg_dist_partition p where p.logicalrelid operator(pg_catalog.=) tg_relid) then
    insert into ${marksTable(stableName)} default values;
  end if;
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
 *
 * One row, which is the common case, is read by a statement whose plan is kept, and only its values are written by a dynamic
 * one. Citus 14, a shard of three captured columns, time of the trigger of an INSERT of one row: 54 µs where all of it is
 * dynamic 95; of that the look for the shard beside is 25.
 */
function shardBody(
  event: RowEvent,
  stableName: string,
  placement: Placement,
  columns: readonly SourceColumn[],
): Fragment {
  const rows = dynamic(sql` ${target(event, placement, columns)} ${read(event, stableName, placement, columns)}`)
  return sql`
#variable_conflict use_column
<<freshet>>
declare
  few bigint := ${atMostTwo(event)};
  beside record;
  one record;
begin
  if freshet.few operator(pg_catalog.=) 0 then
    return new;
  end if;
  ${siblingShard(stableName, placement)} into freshet.beside;
  if not found then
    return new;
  end if;
  ${writeOne(event, stableName, placement, columns)}execute 'insert into ' || freshet.beside.shard || ${rows};
  return new;
end freshet`
}

/** Nothing where there is no value: of such a source, rows are counted, and that is all. */
function writeOne(
  event: RowEvent,
  stableName: string,
  placement: Placement,
  columns: readonly SourceColumn[],
): Fragment {
  const key = placement.kind === 'distributed' ? placement.column : null
  const values = [...(key === null ? [] : ['k']), ...written(event, columns).map((_, i) => `v${i + 1}`)]
  if (values.length === 0) return sql``
  const parameters = values.map((_, i) => raw(`$${i + 1}`))
  const one = dynamic(sql` ${target(event, placement, columns)} values (${join([FLAGS[event], ...parameters])})`)
  const known = key === null ? sql`` : sql` and freshet.beside.key operator(pg_catalog.=) quote_ident(${literal(key)})`
  return sql`if freshet.few operator(pg_catalog.=) 1${known} then
    ${readOne(event, stableName, key, columns)} into freshet.one;
    if found then
      execute 'insert into ' || freshet.beside.shard || ${one}
        using ${join(values.map((name) => raw(`freshet.one.${name}`)))};
    end if;
    return new;
  end if;
  `
}

/** A statement as the text that it is when it runs. */
function dynamic(statement: Fragment): Fragment {
  const pieces = statement.text.split(KEY)
  return raw(pieces.map((piece) => literal(piece).text).join(' || freshet.beside.key || '))
}

const FLAGS: Readonly<Record<RowEvent, Fragment>> = {
  insert: raw('true, false'),
  update: raw('true, true'),
  delete: raw('false, true'),
}

/** The columns of the log that hold values. */
function written(event: RowEvent, columns: readonly SourceColumn[]): readonly Fragment[] {
  const named = (column: (position: number) => Fragment) => columns.map((_, i) => column(i))
  return [...(event === 'delete' ? [] : named(newColumn)), ...(event === 'insert' ? [] : named(oldColumn))]
}

function target(event: RowEvent, placement: Placement, columns: readonly SourceColumn[]): Fragment {
  const key = placement.kind === 'distributed' ? [raw('__k')] : []
  return sql`(${join([raw('__new, __old'), ...key, ...written(event, columns)])})`
}

function read(event: RowEvent, stableName: string, placement: Placement, columns: readonly SourceColumn[]): Fragment {
  const keyed = placement.kind === 'distributed'
  const reading = keyed ? { more: [raw(`${KEY} as k`)] } : {}
  const value = (flags: Fragment, key: string, ...rows: readonly string[]) =>
    join([flags, ...(keyed ? [raw(key)] : []), ...valuesOf(columns, ...rows)])
  if (event !== 'update')
    return sql`select ${value(FLAGS[event], 'r.k', 'r')}
      from ${nulls(stableName, columns)}, ${values(stableName, TABLES[event], 'r', columns, reading)}`
  const side = (row: string, table: string) => values(stableName, table, row, columns, { ...NUMBERED, ...reading })
  return sql`select ${value(raw('n.i is not null, o.i is not null'), 'coalesce(n.k, o.k)', 'n', 'o')}
      from ${nulls(stableName, columns)}, ${side('o', '__old')} full join ${side('n', '__new')} on o.i = n.i
      where o.i is null or n.i is null or ${differ(columns)}`
}

/** Of the only row, unless it is as it was: the value of the distribution column as `k`, the captured ones as v1, v2, … */
function readOne(event: RowEvent, stableName: string, key: string | null, columns: readonly SourceColumn[]): Fragment {
  const reading = key === null ? {} : { more: [sql`${identifier(key)} as k`] }
  const side = (row: string, table: string) => values(stableName, table, row, columns, reading)
  const rows = event === 'update' ? ['n', 'o'] : ['r']
  const named = valuesOf(columns, ...rows).map((value, i) => sql`${value} as ${raw(`v${i + 1}`)}`)
  const selected = join([...(key === null ? [] : [raw(`${rows[0]}.k`)]), ...named])
  if (event !== 'update') return sql`select ${selected} from ${nulls(stableName, columns)}, ${side('r', TABLES[event])}`
  return sql`select ${selected}
      from ${nulls(stableName, columns)}, ${side('o', '__old')}, ${side('n', '__new')} where ${differ(columns)}`
}

const TABLES = { insert: '__new', delete: '__old' } as const

/** How many rows there are, up to two. An UPDATE has as many old as new ones, unless a row left for another partition. */
function atMostTwo(event: RowEvent): Fragment {
  const few = (table: string) => sql`(select count(*) from (select from ${raw(table)} limit 2) as few)`
  return event === 'update' ? sql`greatest(${few('__old')}, ${few('__new')})` : few(TABLES[event])
}

function valuesOf(columns: readonly SourceColumn[], ...rows: readonly string[]): readonly Fragment[] {
  return rows.flatMap((row) => columns.map((_, i) => valueOf(row)(i)))
}
