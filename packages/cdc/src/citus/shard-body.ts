import {
  type Fragment,
  identifier,
  isSharded,
  join,
  literal,
  type Placement,
  quoteIdentifier,
  raw,
  sql,
} from '@freshet/core'
import { captureBody, underSafePath } from '../capture-body.ts'
import { newColumn, oldColumn } from '../capture-log.ts'
import type { CaptureEvent } from '../capture-names.ts'
import { differ, nulls, NUMBERED, valueOf, values } from '../captured-rows.ts'
import type { SourceColumn } from '../source-facts.ts'
import { shardOf, siblingShard } from './shard-log.ts'
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
 * one. Its shard is that of its value, and needs no query; only where that says nothing is it looked for (`siblingShard`).
 * Citus 14, a shard of three captured columns, what the trigger of an INSERT of one row adds to it in a loop: 16 µs (of which
 * a trigger that does nothing 2, the dynamic statement 11); with a statement to count, one to look for the shard and one to
 * read 35. Between other work, with cold caches, all of it takes more than twice as long. A static INSERT into the
 * distributed log, which Citus sends to its shard, takes 36 instead of the 11.
 *
 * The function has the writer's search_path, and qualifies what it names; the statement over many rows runs under a safe one.
 */
function shardBody(
  event: RowEvent,
  stableName: string,
  placement: Placement,
  columns: readonly SourceColumn[],
): Fragment {
  const many = dynamic(sql` ${target(event, placement, columns)} ${read(event, stableName, placement, columns)}`)
  const nameOfKey =
    placement.kind === 'distributed'
      ? sql`else
      key := ${literal(quoteIdentifier(placement.column))};
    `
      : sql``
  return sql`
#variable_conflict use_column
<<freshet>>
declare
  one record;
  rows int := 0;
  shard text;
  key text;
  path text;
begin
  ${writeOne(event, stableName, placement, columns)}if ${isEmpty(event)} then
    return new;
  end if;
  ${underSafePath(sql`if freshet.shard is null then
      ${siblingShard(stableName, placement)} into freshet.shard, freshet.key;
    ${nameOfKey}end if;
    if freshet.shard is not null then
      execute 'insert into ' || freshet.shard || ${many};
    end if;`)}
  return new;
end freshet`
}

/**
 * Goes on where there is not one row, or where its shard is not known: the distribution column has been renamed, or nothing
 * lies beside. Nothing at all where there is no value: of such a source, rows are counted.
 */
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
  const one = sql` ${target(event, placement, columns)} values (${join([FLAGS[event], ...parameters])})`
  const write = sql`execute pg_catalog.concat('insert into ', freshet.shard, ${literal(one.text)})
        using ${join(values.map((name) => raw(`freshet.one.${name}`)))};`
  const beside = shardOf(key === null ? null : raw('freshet.one.k'), stableName, placement)
  return sql`for one in ${readTwo(event, stableName, placement, columns)} loop
    rows := freshet.rows operator(pg_catalog.+) 1;
  end loop;
  if freshet.rows operator(pg_catalog.>) 0 then
    shard := ${beside};
    if freshet.rows operator(pg_catalog.=) 1 and freshet.shard is not null then
      ${event === 'update' ? sql`if freshet.one.changed then ${write} end if;` : write}
      return new;
    end if;
  end if;
  `
}

/** A statement as the text that it is when it runs. */
function dynamic(statement: Fragment): Fragment {
  const pieces = statement.text.split(KEY)
  return raw(pieces.map((piece) => literal(piece).text).join(' || freshet.key || '))
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

/**
 * One row or two, where there are more: the value of the distribution column as `k`, the captured ones as v1, v2, …; of an
 * UPDATE pairs, one where there is one old row and one new, and whether that is another than before. Two say only that there
 * is not one.
 */
function readTwo(
  event: RowEvent,
  stableName: string,
  placement: Placement,
  columns: readonly SourceColumn[],
): Fragment {
  const key = placement.kind === 'distributed' ? placement : null
  const reading = key === null ? {} : { more: [sql`${identifier(key.column)} as k`] }
  const side = (row: string, table: string) => values(stableName, table, row, columns, reading)
  const rows = event === 'update' ? ['n', 'o'] : ['r']
  const named = valuesOf(columns, ...rows).map((value, i) => sql`${value} as ${raw(`v${i + 1}`)}`)
  const isCaptured = columns.some(({ name }) => name === key?.column)
  const selected = join([
    ...(key === null ? [] : [raw(`${rows[0]}.k`)]),
    ...named,
    ...(event === 'update' ? [sql`${differ(columns)} as changed`] : []),
  ])
  const from = join([
    nulls(stableName, columns),
    ...(key === null || isCaptured
      ? []
      : [sql`(select null::${raw(key.type)} as ${identifier(key.column)}) as renamed`]),
    ...(event === 'update' ? [side('o', '__old'), side('n', '__new')] : [side('r', TABLES[event])]),
  ])
  return sql`select ${selected} from ${from} limit 2`
}

const TABLES = { insert: '__new', delete: '__old' } as const

function isEmpty(event: RowEvent): Fragment {
  const none = (table: string) => sql`not exists (select from ${raw(table)})`
  return event === 'update' ? sql`${none('__old')} and ${none('__new')}` : none(TABLES[event])
}

function valuesOf(columns: readonly SourceColumn[], ...rows: readonly string[]): readonly Fragment[] {
  return rows.flatMap((row) => columns.map((_, i) => valueOf(row)(i)))
}
