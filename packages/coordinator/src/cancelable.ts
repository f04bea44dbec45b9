import { type Database, FreshetError, type Queryable, sql } from '@freshet/core'

/**
 * One transaction that a signal ends: its statement is canceled in the server, and what it did is undone. Ends with
 * STATEMENT_CANCELED then. A signal that comes between two statements lets the next one end: what is called like this is
 * short, and only should not be waited for.
 */
export async function cancelable<T>(
  database: Database,
  signal: AbortSignal,
  work: (transaction: Queryable) => Promise<T>,
): Promise<T> {
  return database.transaction(async (transaction) => {
    // within the transaction: behind a pooler, the next one may be another process's
    const [server] = await transaction.query<{ pid: number }>(sql`select pg_backend_pid() as pid`, { prepared: true })
    if (signal.aborted) throw new FreshetError('STATEMENT_CANCELED', 'it was canceled before it began', { hint: null })
    let canceling: Promise<unknown> = Promise.resolve()
    const cancel = () => {
      canceling = database.query(sql`select pg_cancel_backend(${server?.pid ?? null}::int)`)
    }
    signal.addEventListener('abort', cancel, { once: true })
    try {
      return await work(transaction)
    } finally {
      signal.removeEventListener('abort', cancel)
      // what is on its way to this process must not hit what it does next
      await Promise.allSettled([canceling])
    }
  })
}
