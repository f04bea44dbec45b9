import { type Fragment, join, raw, sql } from '@freshet/core'
import { canPack, newColumn, oldColumn, writeMarker } from './capture-log.ts'
import { type CaptureEvent, logTable, packTable } from './capture-names.ts'
import { differ, each, nulls, NUMBERED, type Reading, valueOf, values } from './captured-rows.ts'
import type { SourceColumn } from './source-facts.ts'

/**
 * What a statement did to the source, as rows of the log or packs: the body of one trigger function for each event.
 *
 *   INSERT    new                       DELETE    −old
 *   UPDATE    new − old, and nothing for a row whose captured columns kept their binary image
 *   TRUNCATE  a marker
 *
 * Binary image, not equality: 1.0 = 1.00 and 0.0 = −0.0, but a query can tell them apart; and json, xml or point have
 * no equality at all. `record_image_ne` compares every type.
 *
 * Old and new rows are paired by their order in the two transition tables. PostgreSQL fills both row by row, but does
 * not promise it, so nothing but cancellation rests on it: with any other pairing the log holds the same sum, and
 * perhaps a pair that cancels out. Where a BEFORE trigger swallowed a row on its way into another partition, the counts
 * differ, and an outer join keeps what has no partner.
 *
 * Columns are named bare, with nulls of the same names one level outside: where a column has been dropped or renamed,
 * its name finds the null, and the writer's statement goes on. `inspect` reports it, and what depends on it is refilled.
 * The same of a column whose type is another (`kept-value.ts`).
 *
 * The first LOG_ROWS rows of an INSERT or DELETE go to the log in one statement, and so does an UPDATE of one row: the
 * common cases. What touched more writes packs of PACK_ROWS rows when the values are short, for a pack lies in memory;
 * else a row for each. The limits say to the planner that there is little to do: a session keeps the plan that it makes
 * at its first statement, and one that reckoned with many rows, or a product of many, would be compiled just in time
 * again for each small statement that follows.
 *
 * Chosen by measurement, PostgreSQL 18: 1 M orders, three captured columns, processor time of the backend against no
 * capture. 100 k rows, three indexes:
 *
 *                                                   INSERT   UPDATE   DELETE
 *   this                                             1.06     1.13     1.39   (of which the transition table 1.25)
 *   a log row for each row, old beside new           1.48     1.59     2.84
 *
 * UPDATE with rows instead of packs, two indexes: two buffer rows, nothing left out 1.35; paired by a full join on
 * row_number() 1.56; the same with old beside new in one row 1.28; union all, group by, having sum(w) <> 0 was as slow
 * as the join, and needs equality. A row trigger whose WHEN notes unchanged rows was as fast as leaving nothing out,
 * but it doubles what a single-row UPDATE costs.
 *
 * Single rows, share of the trigger in the processor time of the writer's whole statement (sampled):
 *
 *                                                                              INSERT   UPDATE
 *   this                                                                           32 %     33 %
 *   a search_path of its own                                                       34       36
 *   one function that asks tg_op, one row told from many by `not exists`           40       40
 *   a trigger that does nothing                                                             10
 *
 * The executor's start is the most of it, so each node and each target column counts. A condition that no row decides gets
 * a node of its own, hence the CASE around it in UPDATE: 1 less. `return new`, which is null here, is no expression to be
 * prepared as `return null` is: 1 less. No index on the log saves 2; a comparison column by column costs 1 more than
 * `record_image_ne`.
 */
const PACK_ROWS = 131_072
/** Up to here a row in the log costs less than another statement that gathers a pack. */
const LOG_ROWS = 8
/** Reading the nth pack passes over those before: beyond this many rows that costs more than packing saves. */
const PACKED_ROWS = 16 * PACK_ROWS
/** Of all text of a row together; so a pack takes 64 MiB at most. */
const SHORT_BYTES = 500

export function captureBody(
  event: CaptureEvent,
  stableName: string,
  columns: readonly SourceColumn[],
  first: Fragment = sql``,
): Fragment {
  return sql`
#variable_conflict use_column
<<freshet>>
declare
  written bigint;
  packed bigint;
  partnered boolean;
  long boolean;
  path text;
begin
  ${first}${statements(event, stableName, columns)}
  return new;
end freshet`
}

function statements(event: CaptureEvent, stableName: string, columns: readonly SourceColumn[]): Fragment {
  switch (event) {
    case 'insert':
      return oneSided(stableName, columns, { table: '__new', flag: '__new', column: newColumn })
    case 'update':
      return update(stableName, columns)
    case 'delete':
      return oneSided(stableName, columns, { table: '__old', flag: '__old', column: oldColumn })
    case 'truncate':
      return sql`${writeMarker(stableName)};`
  }
}

interface Side {
  readonly table: '__new' | '__old'
  readonly flag: string
  readonly column: (position: number) => Fragment
}

/** INSERT and DELETE: the rows of one transition table. */
function oneSided(stableName: string, columns: readonly SourceColumn[], { table, flag, column }: Side): Fragment {
  const target = list(raw(flag), columns, column)
  const toLog = sql`insert into ${logTable(stableName)} (${target})
    select ${list(raw('true'), columns, valueOf('r'))} from ${nulls(stableName, columns)}, ${values(stableName, table, 'r', columns)}`
  if (!canPack(columns)) return sql`${toLog};`
  const packs = sql`<<page>> for skipped in ${raw(`${LOG_ROWS} .. ${LOG_ROWS + PACKED_ROWS - 1} by ${PACK_ROWS}`)} loop
        insert into ${packTable(stableName)} (${target})
        select ${list(raw('true'), columns, arrayOf('r'))} from ${nulls(stableName, columns)}, ${values(stableName, table, 'r', columns, PAGE)}
        having count(*) > 0
        returning cardinality(${column(0)}) into freshet.packed;
        exit when freshet.packed is distinct from ${raw(`${PACK_ROWS}`)};
      end loop;
      if freshet.packed = ${raw(`${PACK_ROWS}`)} then
        ${toLog} offset ${raw(`${LOG_ROWS + PACKED_ROWS}`)};
      end if;`
  const long = anyLong(columns, 'r')
  const manyRows =
    long === null
      ? packs
      : sql`select ${long} into freshet.long from ${nulls(stableName, columns)}, ${values(stableName, table, 'r', columns)};
    if freshet.long then
      ${toLog} offset ${raw(`${LOG_ROWS}`)};
    else
      ${packs}
    end if;`
  return sql`${toLog} limit ${raw(`${LOG_ROWS}`)};
  get diagnostics written = row_count;
  if freshet.written operator(pg_catalog.=) ${raw(`${LOG_ROWS}`)} then
    ${underSafePath(manyRows)}
  end if;`
}

function update(stableName: string, columns: readonly SourceColumn[]): Fragment {
  const target = sql`__new, __old, ${each(columns, newColumn)}, ${each(columns, oldColumn)}`
  const oneRow = sql`insert into ${logTable(stableName)} (${target})
    select true, true, ${each(columns, valueOf('n'))}, ${each(columns, valueOf('o'))}
    from ${nulls(stableName, columns)}, ${values(stableName, '__old', 'o', columns, FIRST)}, ${values(stableName, '__new', 'n', columns)}
    where case when exists (select from __old offset 1) then false else ${differ(columns)} end`
  const manyRows = canPack(columns)
    ? packedUpdate(stableName, columns, target)
    : loggedUpdate(stableName, columns, target)
  return sql`${oneRow};
    if not found then
      if exists (select from __old offset 1) or not exists (select from __new) then
        ${underSafePath(manyRows)}
      end if;
    end if;`
}

/**
 * What names functions and operators bare. The writer's own path is put back; a statement that fails puts it back as well.
 * Outside of this, every name in the body is qualified, or that of a transition table, which comes before any other.
 */
export function underSafePath(statements: Fragment): Fragment {
  return sql`freshet.path := pg_catalog.current_setting('search_path');
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    ${statements}
    perform pg_catalog.set_config('search_path', freshet.path, true);`
}

function packedUpdate(stableName: string, columns: readonly SourceColumn[], target: Fragment): Fragment {
  const arrays = (table: string, row: string) => sql`(
            select ${join(columns.map((_, i) => sql`${arrayOf(row)(i)} as ${raw(`c${i + 1}`)}`))}
            from ${nulls(stableName, columns)}, ${values(stableName, table, row, columns, PAGE)}) as ${raw(`${row}s`)}`
  const pairs = join(
    columns.flatMap((_, i) => ['o', 'n'].map((row) => raw(`unnest(${row}s.c${i + 1}) as ${row}${i + 1}`))),
  )
  const side = (row: string) => join(columns.map((_, i) => raw(`p.${row}${i + 1} as c${i + 1}`)))
  const long = anyLong(columns, 'r') ?? raw('false')
  return sql`select count(*), ${long} into freshet.written, freshet.long
          from ${nulls(stableName, columns)}, ${values(stableName, '__new', 'r', columns)};
        select count(*) = freshet.written, freshet.long or ${long} into freshet.partnered, freshet.long
          from ${nulls(stableName, columns)}, ${values(stableName, '__old', 'r', columns)};
        if freshet.written > ${raw(`${PACKED_ROWS}`)} or freshet.long or not freshet.partnered then
          ${loggedUpdate(stableName, columns, target)}
        else
          <<page>> for skipped in 0 .. freshet.written - 1 by ${raw(`${PACK_ROWS}`)} loop
            insert into ${packTable(stableName)} (${target})
            select true, true, ${each(columns, arrayOf('n'))}, ${each(columns, arrayOf('o'))}
            from (select ${pairs} from ${arrays('__old', 'o')}, ${arrays('__new', 'n')}) as p,
              lateral (select ${side('o')}) as o, lateral (select ${side('n')}) as n
            where ${differ(columns)}
            having count(*) > 0;
          end loop;
        end if;`
}

function loggedUpdate(stableName: string, columns: readonly SourceColumn[], target: Fragment): Fragment {
  return sql`insert into ${logTable(stableName)} (${target})
          select n.i is not null, o.i is not null, ${each(columns, valueOf('n'))}, ${each(columns, valueOf('o'))}
          from ${nulls(stableName, columns)},
            ${values(stableName, '__old', 'o', columns, NUMBERED)} full join ${values(stableName, '__new', 'n', columns, NUMBERED)} on o.i = n.i
          where o.i is null or n.i is null or ${differ(columns)};`
}

const FIRST: Reading = { last: raw('limit 1') }

/** One pack's rows. The variable has its label with it: a column may have its name. */
const PAGE: Reading = { last: raw(`offset page.skipped limit ${PACK_ROWS}`) }

/** Whether some row has values too long to gather in memory; null when none can be. `octet_length` of a text does not fetch it. */
function anyLong(columns: readonly SourceColumn[], row: string): Fragment | null {
  const lengths = columns.flatMap(({ packing }, position) =>
    packing === 'when short' ? [sql`coalesce(octet_length(${valueOf(row)(position)}), 0)`] : [],
  )
  if (lengths.length === 0) return null
  return sql`coalesce(max(${join(lengths, ' + ')}) > ${raw(`${SHORT_BYTES}`)}, false)`
}

function arrayOf(row: string): (position: number) => Fragment {
  return (position) => raw(`array_agg(${row}.c${position + 1})`)
}

function list(first: Fragment, columns: readonly SourceColumn[], column: (position: number) => Fragment): Fragment {
  return join([first, ...columns.map((_, position) => column(position))])
}
