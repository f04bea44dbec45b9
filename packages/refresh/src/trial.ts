import { type Database, isFreshetError, lockTimeout, raw, sql, DEFAULT_PATIENCE } from '@freshet/core'
import type { Observation } from './cost-model.ts'
import type { Definition } from './definition.ts'
import { ENOUGH_MEMORY, withSettings } from './sessions.ts'

/**
 * Runs the query for its time alone: what a full refresh takes is nothing that the first fill tells, which has written all
 * state and every row. Nothing is kept of the answer, and after `limitMs` it is given up: that too is worth knowing.
 */
export async function tryInFull(
  database: Database,
  definition: Definition,
  { limitMs, sourceRows }: { readonly limitMs: number; readonly sourceRows: number },
): Promise<Observation> {
  const answerOnly = definition.plan.answer !== undefined
  try {
    const ms = await withSettings(database, definition.settings).transaction(async (transaction) => {
      await transaction.query(sql`select set_config('statement_timeout', ${String(Math.ceil(limitMs))}, true),
        set_config('lock_timeout', ${lockTimeout(DEFAULT_PATIENCE)}, true), ${ENOUGH_MEMORY}`)
      const started = performance.now()
      await transaction.query(raw(`explain (analyze, timing off, buffers off, summary off) ${definition.query}`))
      return performance.now() - started
    })
    return { action: 'trial', ms, sourceRows, finished: true, answerOnly }
  } catch (error) {
    // what the query fails of, a full refresh would say
    if (!isFreshetError(error) || error.sqlState === undefined) throw error
    return { action: 'trial', ms: limitMs, sourceRows, finished: false, answerOnly }
  }
}
