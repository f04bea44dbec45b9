import { type Database, FreshetError, isFreshetError, type Lease, raw, sql, tryLease } from '@freshet/core'

/**
 * Who reads the slot. The server lends a slot to one process, and takes it back when that one's connection ends. A process
 * that stands still keeps its connection, for as long as `wal_sender_timeout` says, which may be for ever. So whoever reads
 * the slot takes the lease as well; of a lease that has run out, the next ends the connection, and reads.
 */
const NAME = 'wal'

/** For a process to which the server has just lent the slot: whoever had the lease has the slot no more. */
export async function leaseOfReader(database: Database): Promise<Lease> {
  const lease = await tryLease(database, NAME, 'any')
  if (lease === null) throw new FreshetError('INTERNAL', 'a lease that nobody can refuse was refused')
  return lease
}

/** The lease of a reader that stands still, whose connection is ended; null when the slot is read as it should be. */
export async function leaseOfStalled(database: Database, slot: string): Promise<Lease | null> {
  const [stalled] = await database.query<{ stalled: boolean }>(raw(STALLED))
  if (stalled === undefined) return null
  const lease = await tryLease(database, NAME, 'expired')
  if (lease === null) return null
  try {
    await database.query(sql`
      select pg_terminate_backend(active_pid, 5000) from pg_catalog.pg_replication_slots
      where slot_name = ${slot} and active_pid is not null`)
    return lease
  } catch (error) {
    await lease.release()
    // the role of whoever reads it may be one that this one can not end
    if (isFreshetError(error, 'INSUFFICIENT_PRIVILEGE')) return null
    throw error
  }
}

/** Without a lock on the row: it is asked several times a second. */
const STALLED = `select from freshet.lease where name = '${NAME}' and holder is not null and expires_at <= clock_timestamp()`
