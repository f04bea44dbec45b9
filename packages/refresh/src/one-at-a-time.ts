import { type Database, FreshetError, type Queryable, sql } from '@freshet/core'
import { type Definition, nameOf } from './definition.ts'

/**
 * One process at a time changes what a stream table is: alters its query, or compiles it anew. Each begins with what the
 * one before it left, and none takes the other's sources for unread. The lock is one of a transaction that does nothing
 * else, however long the table is filled: behind a pooler a lock of the session would be left on a connection that is
 * somebody else's a moment later.
 */
export async function oneAtATime<T>(
  database: Database,
  definition: Definition,
  whenBusy: 'wait' | 'refuse',
  work: () => Promise<T>,
): Promise<T> {
  let outcome: { readonly result: T } | null = null
  try {
    return await database.transaction(async (transaction) => {
      if (!(await locked(transaction, definition, whenBusy)))
        throw new FreshetError('TRANSACTION_CONFLICT', `${nameOf(definition)} is being altered by somebody else`)
      outcome = { result: await work() }
      return outcome.result
    })
  } catch (error) {
    // what was done is done, even if the connection that held the lock has been lost
    const done = outcome as { readonly result: T } | null
    if (done === null) throw error
    return done.result
  }
}

async function locked(transaction: Queryable, { id }: Definition, whenBusy: 'wait' | 'refuse'): Promise<boolean> {
  // while a table is filled, it is idle
  await transaction.query(sql`
    select set_config('idle_in_transaction_session_timeout', '0', true),
      case when current_setting('transaction_timeout', true) is not null then set_config('transaction_timeout', '0', true) end`)
  const key = sql`${FRESHET}::int, ${id}::int`
  const [got] =
    whenBusy === 'wait'
      ? await transaction.query<{ locked: boolean }>(sql`select true as locked from pg_advisory_xact_lock(${key})`)
      : await transaction.query<{ locked: boolean }>(sql`select pg_try_advisory_xact_lock(${key}) as locked`)
  return got?.locked === true
}

/** Of Freshet's advisory locks with two keys, the first one. */
const FRESHET = 0x46_52_53_48
