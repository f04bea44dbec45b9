import type { Capture } from '../capture.ts'
import type { Database } from '../database.ts'
import { readSettings } from '../settings.ts'
import { parseSnapshot, printSnapshot, type Snapshot, snapshotMeet } from '../snapshot.ts'
import { sql } from '../sql.ts'

/**
 * Clean-up of a change buffer: a row may go when every consumer of the source has read it, that is, when its
 * transaction is visible in the meet of their frontiers. A consumer without a position holds everything. An immediate
 * stream table is none: its writers hand it their changes.
 */
export async function trimBuffer(
  database: Database,
  capture: Capture,
  stableName: string,
  limit: number,
): Promise<number> {
  const [found] = await database.query<{ positions: (string | null)[]; output: boolean | null }>(
    sql`select
      array(
        select s.frontier -> d.stable_name -> '0' ->> 'snapshot'
        from freshet.dependency d
          join freshet.stream_table_state s using (stream_table_id)
          join freshet.stream_table t using (stream_table_id)
        where d.stable_name = ${stableName} and t.mode <> 'immediate'
      ) as positions,
      (select s.capture = 'refresh' from freshet.source s where s.stable_name = ${stableName}) as output`,
    { prepared: true },
  )
  if (found?.output === true) return trimOutput(database, capture, stableName, limit)
  const consumed = meetOf(found?.positions ?? [])
  return consumed === null ? 0 : capture.trim(database, stableName, consumed, limit)
}

/**
 * A stream table's output delta may be read by feeds as well, which come back with positions of their own: so what was
 * trimmed is written down, with the trimming and while nobody can begin to read. A feed whose time is over holds nothing.
 * Where nobody is left, what was written meanwhile is nobody's.
 */
async function trimOutput(database: Database, capture: Capture, stableName: string, limit: number): Promise<number> {
  return database.transaction(async (transaction) => {
    const { subscription_retention_minutes: minutes } = await readSettings(transaction)
    const [found] = await transaction.query<{ positions: (string | null)[] | null }>(
      sql`select freshet.begin_trim(${stableName}, make_interval(mins => ${minutes}::int)) as positions`,
    )
    const positions = found?.positions ?? [null]
    const [now] = await transaction.query<{ snapshot: string }>(sql`select pg_current_snapshot()::text as snapshot`)
    const consumed = meetOf(positions.length === 0 ? [now?.snapshot ?? null] : positions)
    const rows = consumed === null ? 0 : await capture.trim(transaction, stableName, consumed, limit)
    if (consumed !== null && rows > 0)
      await transaction.query(sql`select freshet.end_trim(${stableName}, ${printSnapshot(consumed)}::pg_snapshot)`)
    return rows
  })
}

/** Null when there is no consumer, or one of them has no position. */
function meetOf(positions: readonly (string | null)[]): Snapshot | null {
  let meet: Snapshot | null = null
  for (const position of positions) {
    if (position === null) return null
    const snapshot = parseSnapshot(position)
    meet = meet === null ? snapshot : snapshotMeet(meet, snapshot)
  }
  return meet
}
