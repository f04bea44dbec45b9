import { atomicUnits, type UnitTable } from '../atomic-units.ts'
import type { Database, Queryable } from '../database.ts'
import { DEFAULT_PATIENCE, withPatience } from '../lock-patience.ts'
import { raw, sql } from '../sql.ts'

/**
 * Writes down which stream tables are refreshed together, by what was asked for and who reads whom. Whose unit changes
 * gets a new version, so that nobody refreshes it alone by what it remembers. Whoever creates, alters or drops calls this;
 * where that process ended too early, the scheduler does. One at a time, each after what the other committed.
 */
export async function settleUnits(database: Database): Promise<void> {
  const [needed] = await database.query<{ some: boolean }>(
    raw('select exists (select from freshet.stream_table where atomic is not null or unit is not null) as some'),
    { prepared: true },
  )
  if (needed?.some !== true) return
  if ((await changes(database)).length === 0) return
  await withPatience(database, DEFAULT_PATIENCE, async (transaction) => {
    await transaction.query(sql`select pg_advisory_xact_lock(${UNITS}::int, 0)`)
    for (const { id, unit } of await changes(transaction)) {
      await transaction.query(sql`
        update freshet.stream_table_state set version = freshet.next_version(version) where stream_table_id = ${id}`)
      await transaction.query(sql`update freshet.stream_table set unit = ${unit}::int where stream_table_id = ${id}`)
    }
  })
}

/** Of Freshet's advisory locks with two keys, the first one of this. */
const UNITS = 0x46_52_55_4e

interface Row extends UnitTable {
  readonly unit: number | null
}

async function changes(
  queryable: Queryable,
): Promise<readonly { readonly id: number; readonly unit: number | null }[]> {
  const tables = await queryable.query<Row>(
    raw(`
    select t.stream_table_id as id, t.atomic, t.unit,
      coalesce((
        select jsonb_agg(coalesce(to_jsonb(u.stream_table_id), to_jsonb(d.stable_name)))
        from freshet.dependency d left join freshet.stream_table u on u.stable_name = d.stable_name
        where d.stream_table_id = t.stream_table_id
      ), '[]') as reads
    from freshet.stream_table t join freshet.stream_table_state s using (stream_table_id)
    where t.mode <> 'immediate' and s.status <> 'initializing'
    order by t.stream_table_id`),
  )
  const units = atomicUnits(tables)
  const wanted = tables.map(({ id, unit }) => ({ id, before: unit, unit: units.get(id) ?? null }))
  return wanted.filter(({ before, unit }) => before !== unit)
}
