import { setTimeout as sleep } from 'node:timers/promises'
import type { Database, Queryable } from './database.ts'
import { isFreshetError } from './errors.ts'
import { raw, sql } from './sql.ts'

/**
 * Locks on a source are asked for in short attempts. While one waits, writers queue behind it, so it gives up early,
 * well before the server looks for deadlocks (after one second by default) and might choose a writer as the victim;
 * between attempts the queue runs empty.
 */
export interface LockPatience {
  /** How long one attempt waits. */
  readonly lockTimeoutMs: number
  /** How long to go on trying. */
  readonly patienceMs: number
}

export const DEFAULT_PATIENCE: LockPatience = { lockTimeoutMs: 400, patienceMs: 30_000 }

/** As PostgreSQL writes it. */
export function lockTimeout({ lockTimeoutMs }: LockPatience): string {
  return `${lockTimeoutMs}ms`
}

/** Tries again and again while locks are refused; throws the last refusal. */
export async function whileRefused<T>(patienceMs: number, attempt: () => Promise<T>): Promise<T> {
  const end = performance.now() + patienceMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!isRefusal(error) || performance.now() >= end) throw error
      await sleep(100 + Math.random() * 200)
    }
  }
}

/** A lock was not given in time, or this transaction gave way to another one: nothing was changed. */
export function isRefusal(error: unknown): boolean {
  return isFreshetError(error, 'LOCK_TIMEOUT', 'TRANSACTION_CONFLICT')
}

/** For the rest of this transaction. Takes no snapshot. */
export const GIVE_WAY = raw(`set local lock_timeout = '${lockTimeout(DEFAULT_PATIENCE)}'`)

/** Runs `work` in a transaction, again and again while locks are refused; throws the last refusal. */
export async function withPatience<T>(
  database: Database,
  patience: LockPatience,
  work: (transaction: Queryable) => Promise<T>,
): Promise<T> {
  return whileRefused(patience.patienceMs, () =>
    database.transaction(async (transaction) => {
      await transaction.query(
        sql`select set_config('lock_timeout', ${lockTimeout(patience)}, true),
          set_config('search_path', 'pg_catalog, pg_temp', true)`,
      )
      return work(transaction)
    }),
  )
}
