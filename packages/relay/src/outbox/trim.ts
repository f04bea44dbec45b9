import { type Database, parseSnapshot, printSnapshot, snapshotMeet, sql } from '@freshet/core'
import { findOutbox } from './outbox.ts'
import { tableOf } from './read.ts'

/**
 * Retention: what every consumer has passed may go, after as long as the outbox keeps it, in bounded batches. An outbox
 * that nobody reads, or that somebody reads from an unknown place, keeps everything.
 *
 * A consumer that begins or is moved waits for a batch, and a batch for it: nobody is given a position at which something
 * is just being removed.
 */
export async function trimOutbox(database: Database, name: string, limit: number): Promise<number> {
  const outbox = await findOutbox(database, name)
  return database.transaction(async (transaction) => {
    await transaction.query(sql`select from freshet.outbox where outbox_id = ${outbox.id} for update`)
    const consumers = await transaction.query<{ frontier: string | null }>(
      sql`select frontier from freshet.consumer where outbox_id = ${outbox.id}`,
    )
    const [first, ...others] = consumers.map(({ frontier }) => (frontier === null ? null : parseSnapshot(frontier)))
    if (first === undefined || first === null) return 0
    let meet = first
    for (const other of others) {
      if (other === null) return 0
      meet = snapshotMeet(meet, other)
    }
    const passed = printSnapshot(meet)
    const removed = await transaction.query(sql`
      delete from ${tableOf(outbox)} where id in (
        select o.id from ${tableOf(outbox)} o, freshet.outbox f
        where f.outbox_id = ${outbox.id} and o.__x < pg_snapshot_xmax(${passed}::pg_snapshot)
          and pg_visible_in_snapshot(o.__x, ${passed}::pg_snapshot) and o.created_at < clock_timestamp() - f.keep_ms * interval '1 millisecond'
        limit ${limit}
      ) returning 1`)
    return removed.length
  })
}
