import { advisoryUnlock, type Database, FreshetError, sql } from '@freshet/core'
import { type Definition, nameOf } from './definition.ts'

/**
 * One process at a time changes what a stream table is: alters its query, or compiles it anew. Each begins with what the
 * one before it left, and none takes the other's sources for unread. A lock of the session, not of a transaction: that
 * would be idle while a table is filled, and servers may end such.
 */
export async function oneAtATime<T>(
  database: Database,
  definition: Definition,
  whenBusy: 'wait' | 'refuse',
  work: () => Promise<T>,
): Promise<T> {
  const key = sql`${FRESHET}::int, ${definition.id}::int`
  return database.session(async (session) => {
    const [got] =
      whenBusy === 'wait'
        ? await session.query<{ locked: boolean }>(sql`select true as locked from pg_advisory_lock(${key})`)
        : await session.query<{ locked: boolean }>(sql`select pg_try_advisory_lock(${key}) as locked`)
    if (got?.locked !== true)
      throw new FreshetError('TRANSACTION_CONFLICT', `${nameOf(definition)} is being altered by somebody else`)
    try {
      return await work()
    } finally {
      await advisoryUnlock(session, key)
    }
  })
}

/** Of Freshet's advisory locks with two keys, the first one. */
const FRESHET = 0x46_52_53_48
