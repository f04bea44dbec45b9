import { CHANGES_SCHEMA, type Fragment, identifier, join, literal, raw, sql } from '@freshet/core'
import type { SourceColumn } from './source-facts.ts'

/**
 * A captured value, if it still has the type that it was captured with; else null. So a column that is given another
 * type makes no writer fail, whatever its values are now: what it loses here is in no stream table, for whoever reads a
 * column that was retyped recomputes in full.
 *
 * PostgreSQL decides it where it plans the capture function, and plans it anew when the column's type changes: a function
 * is overloaded by the type of its argument, and both bodies are so simple that the plan holds none of it.
 *
 *   kept(D)            the value
 *   kept()             null
 *   kept(anyelement)   null
 *   kept(S)            null, for each S that PostgreSQL would convert to D by itself: it could not choose between the two
 *
 * Asking pg_typeof for each value instead costs a single-row UPDATE five points of its throughput.
 */
export function createKeptFunctions(stableName: string, columns: readonly SourceColumn[]): readonly Fragment[] {
  if (columns.length === 0) return []
  const kept = columns.flatMap(({ type }, position) =>
    firstOfType(columns, position) === position
      ? [sql`(${literal(keptName(stableName, position))}, ${literal(type)})`]
      : [],
  )
  const body = sql`
declare
  kept record;
begin
  for kept in
    with recursive
    wanted as (
      select w.name, t.oid, t.typelem, t.typelem <> 0 and e.typarray = t.oid as is_array
      from (values ${join(kept)}) w (name, type)
      join pg_type t on t.oid = w.type::regtype
      left join pg_type e on e.oid = t.typelem
    ),
    based (oid, base) as (
      select oid, typbasetype from pg_type where typtype = 'd'
      union
      select b.oid, t.typbasetype from based b join pg_type t on t.oid = b.base where t.typtype = 'd'
    ),
    other as (
      select w.name, c.castsource as argument from wanted w
      join pg_cast c on c.casttarget = w.oid and c.castcontext = 'i'
      union
      select w.name, e.typarray from wanted w
      join pg_cast c on c.casttarget = w.typelem and c.castcontext = 'i'
      join pg_type e on e.oid = c.castsource
      where w.is_array and e.typarray <> 0
      union
      select w.name, d.typarray from wanted w
      join based b on b.base = w.typelem
      join pg_type d on d.oid = b.oid
      where w.is_array and d.typarray <> 0
    )
    select w.name, format_type(w.oid, null) as result, format_type(w.oid, null) as argument, 'return $1' as body, 1 as turn
    from wanted w
    union all
    select w.name, format_type(w.oid, null), '', format('return null::%s', format_type(w.oid, null)), 2
    from wanted w
    union all
    select w.name, format_type(w.oid, null), format_type(o.argument, null), format('return null::%s', format_type(w.oid, null)), 3
    from wanted w join other o using (name) where o.argument <> w.oid
    union all
    -- a polymorphic body is read anew each time, and so must not have the name of a type
    select w.name, format_type(w.oid, null), 'anyelement', format('as %L', format('select ${raw(CHANGES_SCHEMA)}.%I()', w.name)), 4
    from wanted w
    order by turn
  loop
    execute format('create or replace function ${raw(CHANGES_SCHEMA)}.%I(%s) returns %s language sql immutable parallel safe %s',
      kept.name, kept.argument, kept.result, kept.body);
    execute format('revoke all on function ${raw(CHANGES_SCHEMA)}.%I(%s) from public', kept.name, kept.argument);
  end loop;
end`
  return [sql`do ${literal(body.text)}`]
}

/** The column's value as the log takes it. */
export function keptValue(
  stableName: string,
  columns: readonly SourceColumn[],
  position: number,
  value: Fragment,
): Fragment {
  return sql`${identifier(CHANGES_SCHEMA, keptName(stableName, firstOfType(columns, position)))}(${value})`
}

/** A null of the column's type. Not by the name of the type, which may be renamed. */
export function typedNull(stableName: string, columns: readonly SourceColumn[], position: number): Fragment {
  return keptValue(stableName, columns, position, raw(''))
}

/** One function for each type, named by the first column that has it: columns that are captured later come after. */
function keptName(stableName: string, position: number): string {
  return `kept_${position + 1}_${stableName}`
}

function firstOfType(columns: readonly SourceColumn[], position: number): number {
  return columns.findIndex(({ type }) => type === columns[position]?.type)
}
