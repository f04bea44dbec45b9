import { type Queryable, raw } from '@freshet/core'

/**
 * All that Freshet keeps in a database, as lines: relations, functions, triggers, what is recorded, slots, publications.
 * Rows, versions and positions are left out, and numbers in names: after a fault and what follows it there must be the
 * same as when nothing had happened.
 */
export async function inventory(database: Queryable): Promise<readonly string[]> {
  const rows = await database.query<{ line: string }>(raw(INVENTORY))
  return rows.map(({ line }) => line.replaceAll(/(?<=[a-z]_)\d+(?=_|\b)/g, '#')).sort()
}

const INVENTORY = `
  select format('relation %s %s.%s', c.relkind, n.nspname, c.relname) as line
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('public', 'freshet_changes', 'freshet')
  union all
  select format('function %s.%s', n.nspname, p.proname)
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('public', 'freshet_changes', 'freshet')
  union all
  select format('trigger %s on %s %s', t.tgname, t.tgrelid::regclass, t.tgenabled) from pg_trigger t where not t.tgisinternal
  union all
  select format('event trigger %s', evtname) from pg_event_trigger
  union all
  select format('source %s %s %s %s paused %s', schema_name, table_name, capture, gate, paused) from freshet.source
  union all
  select format('stream table %s %s %s %s %s emits %s: %s', t.table_name, t.mode, t.effective_mode, s.status, s.reinitialize,
    t.emits_changes, md5(t.query))
  from freshet.stream_table t left join freshet.stream_table_state s using (stream_table_id)
  union all
  select format('dependency %s on %s', t.table_name, coalesce(s.table_name, d.stable_name))
  from freshet.dependency d left join freshet.stream_table t using (stream_table_id) left join freshet.source s on s.stable_name = d.stable_name
  union all
  select format('reference of %s', coalesce(t.table_name, 'nobody'))
  from freshet.reference r left join freshet.stream_table t using (stream_table_id) group by t.table_name
  union all
  select format('slot %s', slot_name) from pg_replication_slots where database = current_database()
  union all
  select 'stream ' || slot_name from freshet.wal_stream
  union all
  select format('publication %s', pubname) from pg_publication
  union all
  select format('published %s by %s', tablename, pubname) from pg_publication_tables
  union all
  select format('replica identity of %s: %s', oid::regclass, relreplident)
  from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
  union all
  select format('temporary %s', relname) from pg_class where relpersistence = 't'
  union all
  select format('migration %s', name) from freshet.migration
  union all
  select format('setting %s', name) from freshet.setting`
