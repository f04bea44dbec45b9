import type { Session } from './database.ts'
import { isFreshetError } from './errors.ts'
import { type Fragment, sql } from './sql.ts'

/** Gives back an advisory lock of the session. One that went back to the pool with it would keep everybody else out. */
export async function advisoryUnlock(session: Session, key: Fragment): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await session.query(sql`select pg_advisory_unlock(${key})`)
      return
    } catch (error) {
      // with the connection, the lock is gone as well
      if (isFreshetError(error) && error.retry === 'reconnect') return
      if (attempt === 3) throw error
    }
  }
}
