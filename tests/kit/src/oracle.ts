import type { Queryable } from '@freshet/core'

/**
 * The oracle: `table EXCEPT ALL query` and its reverse are both empty, as of one statement's snapshot.
 *
 * Columns are compared as PostgreSQL compares them (1.0 is 1.00), except those whose type has no equality
 * (json, xml, point, and what is built of them), which are compared as text. Internal columns (`__…`) are left out.
 */
export interface Difference {
  /** `extra`: only in the table. `missing`: only in the query's answer. */
  readonly side: 'extra' | 'missing'
  /** The row as JSON text. */
  readonly row: string
}

/** `table` is a name as in SQL, quoted where it needs to be. */
export async function differences(db: Queryable, table: string, query: string): Promise<Difference[]> {
  return differencesFrom(db, await heldBy(db, table), query, true)
}

/** What is compared: a table and its columns, for whoever compares it often. */
export interface Held {
  readonly table: string
  readonly columns: readonly OracleColumn[]
}

export async function heldBy(db: Queryable, table: string): Promise<Held> {
  return { table, columns: await columnsOf(db, table) }
}

/** `shape`: whether it has the query's columns and types is looked at too, which need not be done twice. */
export function differencesFrom(db: Queryable, held: Held, query: string, shape: boolean): Promise<Difference[]> {
  return db.query<Difference>({ text: differenceStatement(held, query, shape), values: [] })
}

/** So many rows of each side come back, at the most. */
const LIMIT = 10

/** Throws when table and query differ, showing a few of the rows. */
export async function assertEqualToQuery(db: Queryable, table: string, query: string): Promise<void> {
  const found = await differences(db, table, query)
  if (found.length === 0) return
  const rows = found.map(({ side, row }) => `  ${side === 'extra' ? '+' : '-'} ${row}`).join('\n')
  throw new Error(`${table} is not what its query says (+ only in the table, - only in the answer):\n${rows}\n${query}`)
}

export interface OracleColumn {
  readonly name: string
  readonly comparable: boolean
}

/**
 * One statement, so that both sides and both directions are read in one snapshot. The CTE `shape` is never run: it
 * makes the parser refuse a table that has not as many columns as its query, or other types.
 */
function differenceStatement({ table, columns }: Held, query: string, looksAtShape: boolean): string {
  const body = query.trim().replace(/;\s*$/, '')
  const names = columns.map(({ name }) => quote(name)).join(', ')
  const list = columns.map(({ name, comparable }) => (comparable ? quote(name) : `${quote(name)}::text`)).join(', ')
  const shape = `shape as (select ${names} from ${table} as held union all select * from (\n${body}\n) as answer),`
  return `
    with ${looksAtShape ? shape : ''}
      answer as materialized (select ${list} from (\n${body}\n) as answer),
      held as materialized (select ${list} from ${table} as held),
      extra as (select * from held except all select * from answer),
      missing as (select * from answer except all select * from held)
    (select 'extra' as side, to_jsonb(extra)::text as row from extra limit ${LIMIT})
    union all
    (select 'missing', to_jsonb(missing)::text from missing limit ${LIMIT})`
}

/** The table's own columns, and whether their types have an equality that EXCEPT can use. */
async function columnsOf(db: Queryable, table: string): Promise<OracleColumn[]> {
  const columns = await db.query<{ name: string; comparable: boolean }>({ text: COLUMNS, values: [table] })
  if (columns.length === 0) throw new Error(`${table} has no columns to compare`)
  return columns
}

/** A type has an equality when each type that it is made of has: domain → base, array → element, composite → fields. */
const COLUMNS = `
  with recursive part (attnum, type) as (
    select attnum, atttypid from pg_attribute
    where attrelid = $1::regclass and attnum > 0 and not attisdropped and not starts_with(attname, '__')
    union
    select part.attnum, inner_type.type
    from part join pg_type t on t.oid = part.type
      cross join lateral (
        select t.typbasetype where t.typtype = 'd'
        union all select t.typelem where t.typcategory = 'A'
        union all select a.atttypid from pg_attribute a
          where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
      ) as inner_type (type)
  )
  select a.attname as name, not exists (
    select from part join pg_type t on t.oid = part.type
    where part.attnum = a.attnum and t.typtype = 'b' and t.typcategory <> 'A' and not exists (
      select from pg_operator o
      where o.oprname = '=' and (o.oprcanmerge or o.oprcanhash) and o.oprleft = o.oprright
        and (o.oprleft = t.oid or exists (
          select from pg_cast c where c.castsource = t.oid and c.casttarget = o.oprleft and c.castmethod = 'b' and c.castcontext = 'i'))
    )
  ) as comparable
  from pg_attribute a
  where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped and not starts_with(a.attname, '__')
  order by a.attnum`

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
