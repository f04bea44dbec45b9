import type { Queryable } from '../database.ts'
import { CHANGES_SCHEMA, fnv1a64 } from '../names.ts'
import { identifier, raw, sql } from '../sql.ts'
import { STANDING } from '../standing-marker.ts'

/**
 * Which database the catalog was written in. Frontiers are snapshots, and a snapshot means nothing in another cluster;
 * in another database of the same cluster the relations have other OIDs, and were filled by writes of their own. After a
 * dump was restored elsewhere, every stream table must be filled anew.
 *
 * A base backup, a replica that was promoted, and a recovery to a point in time have the same identity: there,
 * frontiers, changes and tables belong together as they did. `pg_upgrade` gives the cluster another one.
 */
interface Identity {
  readonly current: string
  /** What versions recorded that did not tell the databases of a cluster apart. */
  readonly earlier: string
}

/** The system identifier and the database's OID; where the role may not read the former, the place of its creation in the catalog. */
async function databaseIdentity(database: Queryable): Promise<Identity> {
  const [right] = await database.query<{ allowed: boolean }>(
    raw(`select has_function_privilege('pg_catalog.pg_control_system()', 'execute') as allowed`),
  )
  if (right?.allowed === true) {
    const [row] = await database.query<Identity>(
      raw(`select 'system:' || c.system_identifier || ':' || d.oid as current, 'system:' || c.system_identifier as earlier
        from pg_catalog.pg_control_system() c, pg_catalog.pg_database d where d.datname = current_database()`),
    )
    if (row !== undefined) return row
  }
  const [row] = await database.query<{ identity: string }>(
    raw(
      `select 'database:' || oid || ':' || xmin as identity from pg_catalog.pg_database where datname = current_database()`,
    ),
  )
  const identity = row?.identity ?? 'unknown'
  return { current: identity, earlier: identity }
}

/** The database as a word, which is another one in every other database. */
export async function databaseWord(database: Queryable): Promise<string> {
  const { current } = await databaseIdentity(database)
  return fnv1a64(current)
}

/** Whether the catalog belongs to this database, as `adoptCluster` last recorded. */
export async function isInstalledHere(database: Queryable): Promise<boolean> {
  const { current, earlier } = await databaseIdentity(database)
  const rows = await database.query(
    sql`select from freshet.installation where system_identifier in (${current}, ${earlier})`,
  )
  return rows.length > 0
}

/**
 * Records this database. When another one was recorded before, every stream table is marked to be filled anew and the
 * change buffers are emptied: their rows carry transaction ids of the other cluster, which would look like the future.
 * Only the standing markers of paused sources stay: they are to look like the future everywhere.
 */
export async function adoptCluster(transaction: Queryable): Promise<void> {
  // One at a time: who came second would empty buffers that the first one's refreshes have yet to read.
  await transaction.query(raw('select from freshet.installation for update'))
  const { current, earlier } = await databaseIdentity(transaction)
  const elsewhere = sql`select from freshet.installation where system_identifier not in (${current}, ${earlier})`
  const stored = await transaction.query<{ name: string }>(sql`
    select c.relname as name from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${CHANGES_SCHEMA} and c.relkind = 'r' and c.relname ~ '^(log|pack|changes)_'
      and exists (${elsewhere})`)
  for (const { name } of stored)
    await transaction.query(sql`delete from ${identifier(CHANGES_SCHEMA, name)} where __x <> ${STANDING}::xid8`)
  await transaction.query(sql`
    update freshet.stream_table_state set reinitialize = 'cluster_changed', version = freshet.next_version(version)
    where exists (${elsewhere})`)
  // Whether this copy is to tell anybody what its outboxes hold, a person says. What they hold is of one transaction then.
  const outboxes = await transaction.query<{ schema: string; table: string }>(sql`
    select schema_name as schema, table_name as table from freshet.outbox
    where to_regclass(format('%I.%I', schema_name, table_name)) is not null and exists (${elsewhere})`)
  for (const { schema, table } of outboxes)
    await transaction.query(sql`update ${identifier(schema, table)} set __x = pg_current_xact_id()`)
  await transaction.query(sql`update freshet.consumer set position = null, frontier = null,
    generation = nextval('freshet.consumer_generation') where exists (${elsewhere})`)
  // what feeds have acknowledged means nothing here, and what they have not is gone
  await transaction.query(sql`delete from freshet.subscription where channel is null and exists (${elsewhere})`)
  await transaction.query(
    sql`update freshet.source set began = pg_current_xact_id(), trimmed = null where exists (${elsewhere})`,
  )
  // a slot of that name here, if there is one, has other changes; whoever streams next begins anew
  await transaction.query(sql`delete from freshet.wal_stream where exists (${elsewhere})`)
  // An OID of there may be any other relation's here. Plans hold some, too: they are compiled again.
  await transaction.query(sql`
    update freshet.source set members = '{}', relation = coalesce(to_regclass(format('%I.%I', schema_name, table_name))::oid, 0)
    where exists (${elsewhere})`)
  await transaction.query(sql`delete from freshet.reference where exists (${elsewhere})`)
  await transaction.query(sql`
    update freshet.stream_table set relation = to_regclass(format('%I.%I', schema_name, table_name)),
      plan = jsonb_set(plan, '{compiler}', '0')
    where exists (${elsewhere})`)
  await transaction.query(sql`
    update freshet.installation set system_identifier = ${current}, database_name = current_database()`)
}
