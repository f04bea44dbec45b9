import type { Capture } from '../capture.ts'
import type { Database } from '../database.ts'
import { parseSnapshot, type Snapshot, snapshotMeet } from '../snapshot.ts'
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
  const positions = await database.query<{ snapshot: string | null }>(
    sql`select s.frontier -> d.stable_name -> '0' ->> 'snapshot' as snapshot
      from freshet.dependency d
        join freshet.stream_table_state s using (stream_table_id)
        join freshet.stream_table t using (stream_table_id)
      where d.stable_name = ${stableName} and t.mode <> 'immediate'`,
    { prepared: true },
  )
  const consumed = meetOf(positions.map(({ snapshot }) => snapshot))
  return consumed === null ? 0 : capture.trim(database, stableName, consumed, limit)
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
