import { type Fragment, type Placement, sql } from '@freshet/core'

/** A distribution column whose text is the same in every session, and for PostgreSQL immutable. */
export function hasSameText(placement: Placement): boolean {
  return placement.kind !== 'distributed' || SAME_TEXT.has(placement.type)
}

/** A value of the distribution column as a text that every session reads as that value. */
export function keyText(value: Fragment, { type }: { readonly type: string }): Fragment {
  // as text, they would have the DateStyle of the node that prints them
  return DATES.has(type) ? sql`(pg_catalog.to_json(${value}) #>> '{}')` : sql`${value}::text`
}

const SAME_TEXT: ReadonlySet<string> = new Set([
  'smallint',
  'integer',
  'bigint',
  'numeric',
  'text',
  'character varying',
  'character',
  'uuid',
  'boolean',
])

const DATES: ReadonlySet<string> = new Set(['date', 'timestamp without time zone', 'timestamp with time zone'])
