import { type Fragment, isFreshetError, type Queryable, type Sql, sql } from '@freshet/core'
import type { RelationFacts } from '@freshet/dvm'

/**
 * What a query refers to, by oid: its relations, views included, with the columns that are read or are in a key; and the
 * functions that it calls, with those that these are made of. PostgreSQL's own do not change and are left out.
 *
 * It is read where the query is resolved and kept beside the plan; `freshet.changed_reference` compares it with the
 * catalog. So whatever changes the answer without a change row (a view or function replaced, values converted), or makes
 * the plan's names and types wrong, is noticed by the next refresh.
 */
export interface Reference {
  readonly class: number
  readonly object: number
  readonly part: number
  readonly schema_name: string
  readonly name: string
  readonly shape: string
  readonly mark: string | null
  readonly columns: readonly (readonly [number: number, name: string])[] | null
  readonly keys: readonly string[] | null
  readonly indexes: readonly number[] | null
}

export async function readReferences(
  transaction: Queryable,
  relations: Iterable<RelationFacts>,
  functions: readonly number[],
): Promise<readonly Reference[]> {
  const read = [...relations]
    .filter(({ kind }) => kind !== 'system')
    .map(({ oid, columns, keys }) => {
      const used = columns.filter((column) => column.used).map(({ name }) => name)
      return { oid, columns: [...new Set([...used, ...keys.flat()])] }
    })
  const parts = read.flatMap(({ oid, columns }) => columns.map((column) => ({ oid, column })))
  return transaction.query<Reference>(sql`
    with recursive called as (
      select unnest(${[...functions]}::oid[]) as oid
      union
      select d.refobjid from called join pg_catalog.pg_depend d
        on d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = called.oid and d.refclassid = 'pg_catalog.pg_proc'::regclass
    )
    select 'pg_catalog.pg_class'::regclass::int8::float8 as class, c.oid::int8::float8 as object, 0 as part,
      c.schema_name, c.name, c.shape, null as mark,
      (
        select jsonb_agg(jsonb_build_array(a.attnum, a.attname) order by a.attnum)
        from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      ) as columns,
      freshet.keys_of(c.oid) as keys,
      (
        select coalesce(jsonb_agg(i.indexrelid::int8), '[]') from pg_catalog.pg_index i
        where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
      ) as indexes
    from freshet.relation_now c
    where c.oid = any (${read.map(({ oid }) => oid)}::oid[])
    union all
    select 'pg_catalog.pg_class'::regclass::int8::float8, a.attrelid::int8::float8, a.attnum, '', a.attname,
      freshet.column_shape(a), a.xmin::text, null, null, null
    from unnest(${parts.map(({ oid }) => oid)}::oid[], ${parts.map(({ column }) => column)}::text[]) p (relation, name)
    join pg_catalog.pg_attribute a on a.attrelid = p.relation and a.attname = p.name and a.attnum > 0 and not a.attisdropped
    union all
    select 'pg_catalog.pg_proc'::regclass::int8::float8, p.oid::int8::float8, 0, n.nspname, p.proname,
      freshet.function_shape(p), p.xmin::text, null, null, null
    from called join pg_catalog.pg_proc p using (oid) join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where p.oid >= ${FIRST_USER_OID}::oid`)
}

/** Composite types with their fields, by their relations. */
export function readFields(transaction: Queryable, composites: readonly number[]): Promise<readonly Reference[]> {
  return transaction.query<Reference>(sql`
    select 'pg_catalog.pg_class'::regclass::int8::float8 as class, c.oid::int8::float8 as object, 0 as part, c.schema_name,
      c.name, c.shape, null as mark, null as columns, null as keys, null as indexes
    from freshet.relation_now c where c.oid = any (${[...composites]}::oid[])
    union all
    select 'pg_catalog.pg_class'::regclass::int8::float8, a.attrelid::int8::float8, a.attnum, '', a.attname,
      freshet.column_shape(a), a.xmin::text, null, null, null
    from pg_catalog.pg_attribute a
    where a.attrelid = any (${[...composites]}::oid[]) and a.attnum > 0 and not a.attisdropped`)
}

/** From here on the database's own objects are numbered. */
const FIRST_USER_OID = 16_384

/** In place of what the stream table referred to before. Its own relation is among them: it may be renamed, too. */
export async function recordReferences(
  transaction: Queryable,
  streamTable: number,
  references: readonly Reference[],
): Promise<void> {
  await transaction.batch(recordedReferences(streamTable, references))
}

/** The same, as statements. */
export function recordedReferences(streamTable: number, references: readonly Reference[]): readonly Fragment[] {
  return [
    sql`delete from freshet.reference where stream_table_id = ${streamTable}`,
    sql`
    insert into freshet.reference (stream_table_id, class, object, part, schema_name, name, shape, mark, columns, keys, indexes)
    select ${streamTable}::int, class, object, part, schema_name, name, shape, mark, columns, keys, indexes
    from jsonb_to_recordset(${JSON.stringify(references)}::jsonb)
      as r (class oid, object oid, part int, schema_name text, name text, shape text, mark text, columns jsonb, keys text[], indexes oid[])
    union all
    select t.stream_table_id, 'pg_catalog.pg_class'::regclass, c.oid, 0, c.schema_name, c.name, c.shape, null, null, null, null
    from freshet.stream_table t join freshet.relation_now c on c.oid = t.relation
    where t.stream_table_id = ${streamTable}`,
  ]
}

/** Whether something that the stream table refers to is not as it was when its query was compiled. */
export async function queryChanged(queryable: Queryable, streamTable: number): Promise<boolean> {
  const [row] = await queryable.query<{ changed: boolean }>(queryChangedStatement(streamTable), { prepared: true })
  return row?.changed === true
}

export function queryChangedStatement(streamTable: number): Sql {
  return sql`select freshet.query_changed(${streamTable}::int) as changed`
}

/** Whether a statement failed because it names what is called otherwise by now, or is gone. */
export async function isRenamed(
  queryable: Queryable,
  { id }: { readonly id: number },
  error: unknown,
): Promise<boolean> {
  const unknown = isFreshetError(error) && error.sqlState?.startsWith('42') === true
  return unknown && (await queryChanged(queryable, id))
}

/** What is not as it was, as sentences without their end. */
export async function changesOf(queryable: Queryable, streamTable: number): Promise<readonly string[]> {
  const rows = await queryable.query<{ name: string; change: string }>(sql`
    select name, change from freshet.changed_reference where stream_table_id = ${streamTable} order by class, object, part`)
  return rows.map(({ name, change }) => `${name} ${change}`)
}
