import type { Capture } from '../capture.ts'
import type { Database } from '../database.ts'
import { FreshetError } from '../errors.ts'
import { displayName } from '../names.ts'
import { sql } from '../sql.ts'

/**
 * Looks whether the capture of a source is sound and mends it where it is not: triggers that were dropped or disabled,
 * partitions that were attached, a buffer that is gone. A mended capture leaves a marker in the buffer, so every stream
 * table that reads it is recomputed: changes may have been missed meanwhile. What can not be mended (the source was
 * dropped) is an error. A source is found by its oid as long as that lives, whatever it is called now; columns that are
 * gone are the matter of those who read them, and the others go on.
 *
 * `gates: 'as they are'`: a source that is to be paused or resumed is sound. Opening a gate waits for its writers, and
 * who only wants to refresh need not: until it is open, refreshes are full ones.
 */
export async function mendCapture(
  database: Database,
  capture: Capture,
  stableName: string,
  gates: 'as wanted' | 'as they are' = 'as wanted',
): Promise<'sound' | 'mended'> {
  const faults = await capture.inspect(database, stableName)
  if (faults.every(({ kind }) => kind === 'paused' && gates === 'as they are')) return 'sound'
  const [source] = await database.query<{ oid: number | null; schema: string; table: string; columns: string[] }>(sql`
    select c.oid::int8::float8 as oid, coalesce(n.nspname, s.schema_name) as schema, coalesce(c.relname, s.table_name) as table,
      array(
        select distinct a.attname::text
        from freshet.dependency d cross join unnest(d.columns) wanted
        join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = wanted and a.attnum > 0 and not a.attisdropped
        where d.stable_name = s.stable_name order by 1
      ) as columns
    from freshet.source s
    left join pg_catalog.pg_class c on c.oid = coalesce(
      (select k.oid from pg_catalog.pg_class k where k.oid = s.relation),
      to_regclass(format('%I.%I', s.schema_name, s.table_name))::oid)
    left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where s.stable_name = ${stableName} and s.capture in ('trigger', 'wal')`)
  if (source === undefined) return 'sound'
  if (source.oid === null) {
    throw new FreshetError('SOURCE_DROPPED', `the source ${displayName(source)} was dropped`)
  }
  await capture.ensure(
    database,
    { oid: source.oid, schema: source.schema, table: source.table, stableName },
    source.columns,
  )
  return 'mended'
}
