import { setTimeout as sleep } from 'node:timers/promises'
import { type Database, FreshetError, sql } from '@freshet/core'
import type { RefreshContext } from '../context.ts'
import { type Definition, nameOf } from '../definition.ts'

/**
 * Work on a shadow that ends when somebody says so in the catalog, or has removed the shadow: its statements are canceled
 * in the server, however long they would run, again and again until the work has ended. What it then does to clean up
 * goes by another way.
 */
export async function cancelable<T>(
  context: RefreshContext,
  live: Definition,
  shadow: number,
  work: (context: RefreshContext, canceled: AbortSignal) => Promise<T>,
): Promise<T> {
  const { database } = context
  const running = new Set<number>()
  const ended = new AbortController()
  const canceled = new AbortController()
  let canceling: Promise<unknown> = Promise.resolve()
  const watch = async () => {
    while (!ended.signal.aborted) {
      if (canceled.signal.aborted || (await isCanceled(database, shadow))) {
        canceled.abort()
        canceling = database.query(sql`select pg_cancel_backend(pid) from unnest(${[...running]}::int[]) pid`)
        await canceling
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal: ended.signal }).catch(endOfSleep)
    }
  }
  const session: Database['session'] = (lent) =>
    database.session(async (own) => {
      if (canceled.signal.aborted) throw wasCanceled(live)
      const [server] = await own.query<{ pid: number }>(sql`select pg_backend_pid() as pid`)
      if (server !== undefined) running.add(server.pid)
      try {
        return await lent(own)
      } finally {
        if (server !== undefined) running.delete(server.pid)
        // what is on its way to this session must not hit whoever has it next
        await Promise.allSettled([canceling])
      }
    })
  const own: Database = {
    query: (statement, options) => database.query(statement, options),
    batch: (statements, options) => database.batch(statements, options),
    session,
    transaction: (transacted, options) => session((one) => one.transaction(transacted, options)),
    close: () => database.close(),
  }
  // a connection that is lost here is lost to the work as well, which says so better
  const watching = watch().catch((error: unknown) => error)
  try {
    return await work({ ...context, database: own }, canceled.signal)
  } catch (error) {
    throw canceled.signal.aborted ? wasCanceled(live, error) : error
  } finally {
    ended.abort()
    await watching
  }
}

const LOOK_EVERY_MS = 200

function endOfSleep(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'AbortError') throw error
}

async function isCanceled(database: Database, shadow: number): Promise<boolean> {
  const [row] = await database.query<{ canceled: boolean }>(
    sql`select canceled_at is not null as canceled from freshet.shadow_build where shadow_id = ${shadow}`,
  )
  return row?.canceled !== false
}

function wasCanceled(live: Definition, cause?: unknown): FreshetError {
  const message = `the alteration of ${nameOf(live)} was canceled; it keeps the query that it has`
  return new FreshetError('STATEMENT_CANCELED', message, { hint: null, cause })
}
