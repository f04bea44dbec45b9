import type { Capture } from '../capture.ts'
import type { Database } from '../database.ts'
import { type FreshetError, toFreshetError } from '../errors.ts'
import { DEFAULT_PATIENCE, withPatience } from '../lock-patience.ts'
import { displayName } from '../names.ts'
import { raw, sql } from '../sql.ts'
import { mendCapture } from './mend-capture.ts'

/**
 * Makes what was asked for hold: every source that is paused, by itself or with all, is not captured; every other one
 * is. Immediate stream tables over a paused source are marked, so that their writers leave them alone.
 *
 * What was asked for is in the catalog and committed before; so if this is interrupted, or a lock is refused, whoever
 * comes next (the scheduler, the next refresh, the same command) goes on from there. Safe in any number of processes.
 */
export interface SettledGates {
  /** Sources whose gate this call has shut, and opened. */
  readonly paused: readonly string[]
  readonly resumed: readonly string[]
  readonly failures: readonly { readonly source: string; readonly error: FreshetError }[]
}

export async function settleGates(database: Database, capture: Capture): Promise<SettledGates> {
  await markGatedImmediate(database)
  const waiting = await database.query<{ name: string; schema: string; table: string; shut: boolean }>(
    raw(`
    select stable_name as name, schema_name as schema, table_name as table, gate = 'open' as shut
    from freshet.source
    where capture in ('trigger', 'wal') and gate <> case when paused or freshet.capture_is_paused() then 'shut' else 'open' end
    order by 2, 3`),
  )
  const done: { readonly source: string; readonly shut: boolean }[] = []
  const failures: { readonly source: string; readonly error: FreshetError }[] = []
  for (const { name, shut, ...relation } of waiting) {
    const source = displayName(relation)
    try {
      await mendCapture(database, capture, name)
      done.push({ source, shut })
    } catch (error) {
      failures.push({ source, error: toFreshetError(error) })
    }
  }
  return {
    paused: done.flatMap(({ source, shut }) => (shut ? [source] : [])),
    resumed: done.flatMap(({ source, shut }) => (shut ? [] : [source])),
    failures,
  }
}

/**
 * Waits for the writers whose turn it is. A source that only immediate ones read has no capture, and its gate is the
 * flag alone.
 */
export async function markGatedImmediate(database: Database): Promise<void> {
  const wanted = sql`case when paused or freshet.capture_is_paused() then 'shut' else 'open' end`
  const unsettled = sql`capture = 'none' and gate <> ${wanted}`
  // asked first: whoever may only refresh has no right to write here, and nearly always nothing to write
  const [found] = await database.query<{ unsettled: boolean }>(
    sql`select exists (select from freshet.source where ${unsettled}) as unsettled`,
  )
  if (found?.unsettled === true) {
    await database.query(sql`update freshet.source set gate = ${wanted} where ${unsettled}`)
  }
  const unmarked = sql`select g.stream_table_id from freshet.gated_stream_table g join freshet.stream_table t using (stream_table_id)
    join freshet.stream_table_state s using (stream_table_id) where t.mode = 'immediate' and s.reinitialize is null`
  if ((await database.query(unmarked)).length === 0) return
  await withPatience(database, DEFAULT_PATIENCE, async (transaction) => {
    await transaction.query(sql`
      update freshet.stream_table_state set reinitialize = 'CAPTURE_PAUSED', version = freshet.next_version(version)
      where stream_table_id in (${unmarked})`)
  })
}
