import type { Queryable } from '../database.ts'
import { CHANGES_SCHEMA } from '../names.ts'
import { identifier, raw, sql } from '../sql.ts'
import { STANDING } from '../standing-marker.ts'

/**
 * Which cluster the catalog was written in. Frontiers are snapshots, and a snapshot means nothing in another cluster:
 * after a dump was restored elsewhere, every stream table must be filled anew.
 */

/** The system identifier; where the role may not read it, the database's oid and its creation's place in the catalog. */
async function clusterIdentity(database: Queryable): Promise<string> {
  const [right] = await database.query<{ allowed: boolean }>(
    raw(`select has_function_privilege('pg_catalog.pg_control_system()', 'execute') as allowed`),
  )
  if (right?.allowed === true) {
    const [row] = await database.query<{ identity: string }>(
      raw(`select 'system:' || system_identifier as identity from pg_control_system()`),
    )
    if (row !== undefined) return row.identity
  }
  const [row] = await database.query<{ identity: string }>(
    raw(`select 'database:' || oid || ':' || xmin as identity from pg_database where datname = current_database()`),
  )
  return row?.identity ?? 'unknown'
}

/** Whether the catalog belongs to this cluster, as `adoptCluster` last recorded. */
export async function isInstalledHere(database: Queryable): Promise<boolean> {
  const identity = await clusterIdentity(database)
  const rows = await database.query(sql`select from freshet.installation where system_identifier = ${identity}`)
  return rows.length > 0
}

/**
 * Records this cluster. When another one was recorded before, every stream table is marked to be filled anew and the
 * change buffers are emptied: their rows carry transaction ids of the other cluster, which would look like the future.
 * Only the standing markers of paused sources stay: they are to look like the future everywhere.
 */
export async function adoptCluster(transaction: Queryable): Promise<void> {
  const identity = await clusterIdentity(transaction)
  const stored = await transaction.query<{ name: string }>(sql`
    select c.relname as name from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${CHANGES_SCHEMA} and c.relkind = 'r' and c.relname ~ '^(log|pack|changes)_'
      and exists (select from freshet.installation where system_identifier <> ${identity})`)
  for (const { name } of stored)
    await transaction.query(sql`delete from ${identifier(CHANGES_SCHEMA, name)} where __x <> ${STANDING}::xid8`)
  await transaction.query(sql`
    with moved as (
      select from freshet.installation where system_identifier <> ${identity} for update
    )
    update freshet.stream_table_state set reinitialize = 'cluster_changed', version = version + 1
    where exists (select from moved)`)
  // a slot of that name here, if there is one, has other changes; whoever streams next begins anew
  await transaction.query(sql`
    delete from freshet.wal_stream
    where exists (select from freshet.installation where system_identifier <> ${identity})`)
  // Oids mean nothing here either: relations are found by their names, and what queries refer to is read anew.
  await transaction.query(sql`
    with moved as (select from freshet.installation where system_identifier <> ${identity}),
    source as (
      update freshet.source set relation = coalesce(to_regclass(format('%I.%I', schema_name, table_name))::oid, 0)
      where exists (select from moved)
    ),
    reference as (delete from freshet.reference where exists (select from moved))
    update freshet.stream_table set relation = to_regclass(format('%I.%I', schema_name, table_name))::oid,
      plan = jsonb_set(plan, '{compiler}', '0')
    where exists (select from moved)`)
  await transaction.query(sql`
    update freshet.installation set system_identifier = ${identity}, database_name = current_database()`)
}
