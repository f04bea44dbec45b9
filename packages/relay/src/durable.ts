import { type Database, raw, sql } from '@freshet/core'

/**
 * What is visible may not be durable yet: a transaction with `synchronous_commit = off` is shown before the server has its
 * log on the disk, and is gone after a crash. Who was told of it would know of what never was; and the next transactions
 * get the same numbers, so that a position which holds those numbers would pass them over. So nothing leaves the database
 * before its log is on the disk as far as it was written when the window had been seen.
 *
 * Of transactions that wait for their commit that is so already. What others write meanwhile may make it seem otherwise;
 * then the log is flushed once more than needed.
 */
export const IS_DURABLE = raw('pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()')

/** Everything that anybody has seen by now is on the disk. */
export async function makeDurable(database: Database): Promise<void> {
  // a commit of its own, which waits for the disk: that is where all earlier ones are, then
  await database.batch([
    raw('set local synchronous_commit = local'),
    raw(`select pg_logical_emit_message(true, 'freshet.relay', '')`),
  ])
}

export async function untilDurable(database: Database): Promise<void> {
  const [row] = await database.query<{ durable: boolean }>(sql`select ${IS_DURABLE} as durable`, { prepared: true })
  if (row?.durable !== true) await makeDurable(database)
}
