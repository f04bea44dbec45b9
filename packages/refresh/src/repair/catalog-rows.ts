import { displayName, FreshetError, type Queryable, sql } from '@freshet/core'
import { recordDependencies } from '../dependencies.ts'
import { type Definition, nameOf } from '../definition.ts'
import { markReinitialize } from '../recompile.ts'

/** Rows of the catalog that follow from others: the state of a stream table, what it reads, and which relation it is. */

/**
 * A state that nobody can know: to be filled anew. Its version is one that no process remembers, or a refresher with an
 * old frontier might take the new row for the one that it knew.
 */
export async function rebuildStates(queryable: Queryable): Promise<readonly { readonly name: string }[]> {
  const rebuilt = await queryable.query<{ schema: string; table: string }>(sql`
    with lost as (
      insert into freshet.stream_table_state (stream_table_id, status, reinitialize, version)
      select t.stream_table_id, 'active', 'REPAIRED', (extract(epoch from clock_timestamp()) * 1000000)::bigint
      from freshet.stream_table t
      where not exists (select from freshet.stream_table_state s where s.stream_table_id = t.stream_table_id)
      on conflict do nothing
      returning stream_table_id
    )
    select t.schema_name as schema, t.table_name as table from lost join freshet.stream_table t using (stream_table_id)`)
  return rebuilt.map((table) => ({ name: displayName(table) }))
}

/** Without a dependency, clean-up does not know that somebody has yet to read a source's changes. */
export async function rebuildDependencies(queryable: Queryable, definition: Definition): Promise<readonly string[]> {
  const known = await queryable.query<{ name: string }>(
    sql`select stable_name as name from freshet.dependency where stream_table_id = ${definition.id}`,
  )
  const names = new Set(known.map(({ name }) => name))
  const missing = definition.plan.sources.filter(({ stableName }) => !names.has(stableName))
  if (missing.length === 0) return []
  await recordDependencies(queryable, definition.id, { ...definition.plan, sources: missing })
  await markReinitialize(queryable, definition.id, 'REPAIRED')
  return missing.map((source) => `that it reads ${displayName(source)} was not recorded`)
}

/** The relation of that name takes the place of one that is gone, if it has the columns. */
export async function relocateTable(queryable: Queryable, definition: Definition): Promise<readonly string[]> {
  const columns = definition.plan.tables.at(-1)?.visibleColumns ?? []
  const [found] = await queryable.query<{ known: boolean; oid: number | null; fits: boolean }>(sql`
    select exists (select from pg_catalog.pg_class c where c.oid = t.relation) as known,
      r.oid::int8::float8 as oid,
      r.relkind = 'r' and ${columns.length}::int = (
        select count(*) from pg_catalog.pg_attribute a
        where a.attrelid = r.oid and not a.attisdropped and a.attname = any(${[...columns]}::text[])
      ) as fits
    from freshet.stream_table t
    left join pg_catalog.pg_class r on r.oid = to_regclass(format('%I.%I', t.schema_name, t.table_name))
    where t.stream_table_id = ${definition.id}`)
  if (found === undefined || found.known) return []
  if (found.oid === null || !found.fits) {
    throw new FreshetError('UNKNOWN_RELATION', `the table ${nameOf(definition)} itself was dropped`, {
      hint: `freshet drop ${nameOf(definition)}, and create it again if it is wanted.`,
    })
  }
  await queryable.query(
    sql`update freshet.stream_table set relation = ${found.oid}::oid where stream_table_id = ${definition.id}`,
  )
  await markReinitialize(queryable, definition.id, 'REPAIRED')
  return ['it is another relation than the one that was recorded']
}
