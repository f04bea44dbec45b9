import {
  DEFAULT_PATIENCE,
  FreshetError,
  isFreshetError,
  type Queryable,
  readSettings,
  sql,
  withPatience,
} from '@freshet/core'
import { compileImmediate, type ImmediateStatements, refreshCompiler } from '@freshet/dvm'
import type { RefreshContext } from '../context.ts'
import { type Definition, loadDefinition, nameOf, type StoredPlan } from '../definition.ts'
import { releaseUnread } from '../drop.ts'
import { type FullResult, lockState, recordFull, replaceAll } from '../full.ts'
import { resolveQuery } from '../resolve/resolve.ts'
import { settingsStatement } from '../sessions.ts'
import { createHooks, dropHooks } from './hooks.ts'
import { refuseDeferrableKeys, refuseImmediate } from './refuse.ts'
import { ownNotes } from './trigger-functions.ts'

/**
 * Makes a filled stream table immediate, or repairs one that is.
 *
 * Its sources have been captured until now, so whatever their writers did is in a buffer. In one short transaction:
 *
 *   lock the sources      waits for every transaction that has written to one; from here on nobody writes
 *   create the hooks      whoever writes next meets them
 *   apply the last window or compute everything anew
 *
 * So there is no moment at which a change is neither in the last window nor met by a hook. Locks are asked for in short
 * attempts; then the capture that nobody else reads is removed, which waits for readers too.
 */
export interface Engaging {
  /** Why everything is computed anew, as a reason code; null: the last window is enough. */
  readonly full: string | null
  readonly initiatedBy: string
}

export async function engage(
  context: RefreshContext,
  id: number,
  { full, initiatedBy }: Engaging,
): Promise<FullResult> {
  const { database } = context
  const definition = await loadDefinition(database, id)
  const { plan } = definition
  refuseImmediate(plan)
  await refuseDeferrableKeys(database, plan)
  const statements = await compileHooks(context, definition)
  const { small_delta_rows: smallDeltaRows } = await readSettings(database)
  const attempt = (reason: string | null) =>
    withPatience(database, DEFAULT_PATIENCE, async (transaction) => {
      await dropHooks(transaction, definition)
      await createHooks(transaction, definition, plan, statements, smallDeltaRows)
      await lockState(transaction, id, true)
      const current = await loadDefinition(transaction, id)
      if (current.version !== definition.version && JSON.stringify(current.plan) !== JSON.stringify(plan))
        throw new FreshetError('TRANSACTION_CONFLICT', `${nameOf(definition)} was altered meanwhile`)
      await transaction.query(settingsStatement([...Object.entries(definition.settings), ['jit', 'off']]))
      const result = await bringUpToDate(transaction, current, { full: reason, initiatedBy })
      await transaction.query(sql`
        update freshet.stream_table set mode = 'immediate', effective_mode = 'immediate', mode_reason = null, mode_detail = null,
          altered_at = case when mode = 'immediate' then altered_at else clock_timestamp() end
        where stream_table_id = ${id}`)
      // The writers of a table that is not active leave it alone, so it has to be filled again one day.
      await transaction.query(sql`
        update freshet.stream_table_state set version = freshet.next_version(version), turn = null,
          status = case when status = 'initializing' then 'active' else status end,
          reinitialize = case
            when exists (select from freshet.gated_stream_table g where g.stream_table_id = ${id}) then 'CAPTURE_PAUSED'
            when status not in ('active', 'initializing') then 'PAUSED'
          end
        where stream_table_id = ${id}`)
      return result
    })
  const result = await attempt(full).catch((error: unknown) => {
    // A delta may fail on values that came and went within the window, on which the query itself does not.
    if (full === null && isFreshetError(error) && error.sqlState?.startsWith('22') === true)
      return attempt('DELTA_FAILED')
    throw error
  })
  await releaseCapture(context, plan)
  return result
}

/** Of the sources that nobody else reads. Whoever reads one for long holds that up: then the next refresh does it. */
export async function releaseCapture(context: RefreshContext, plan: StoredPlan): Promise<void> {
  const sources = plan.sources.map((source) => source.stableName)
  await releaseUnread(context, sources).catch((error: unknown) => {
    if (!isFreshetError(error, 'LOCK_TIMEOUT')) throw error
  })
}

async function compileHooks(context: RefreshContext, definition: Definition): Promise<ImmediateStatements> {
  const { facts, planned, types } = await resolveQuery(context.database, definition.definition)
  const target = { ...definition, stageSchema: 'freshet_changes' }
  const statements = compileImmediate(facts, planned, types, target, ownNotes(definition.id))
  if (shapeOf(statements) !== shapeOf(storedShape(definition.plan)))
    throw new FreshetError('SOURCE_CHANGED', `a source of ${nameOf(definition)} has changed`, {
      hint: 'Refresh it in its old mode first.',
    })
  return statements
}

type Shape = Pick<ImmediateStatements, 'sources' | 'creates'>

function storedShape(plan: StoredPlan): Shape {
  return { sources: plan.sources, creates: plan.tables.map((table) => table.create) }
}

function shapeOf({ sources, creates }: Shape): string {
  return JSON.stringify([sources.map(({ stableName, columns }) => [stableName, columns]), creates])
}

async function bringUpToDate(transaction: Queryable, definition: Definition, how: Engaging): Promise<FullResult> {
  const { plan } = definition
  const windowed =
    how.full === null &&
    definition.reinitialize === null &&
    !definition.stateBehind &&
    plan.refresh !== null &&
    !definition.snapshots.includes(null)
  if (windowed && plan.refresh !== null) {
    const changed = new Set(plan.sources.map((source) => source.stableName))
    const text = refreshCompiler(plan.refresh).statement({ changed, extent: 'churned', emits: definition.emits })
    const [answer] = await transaction.query<{
      done: boolean
      pending: boolean
      rows_inserted: number
      rows_deleted: number
    }>({ text, values: [definition.id, definition.version, how.initiatedBy, ...definition.snapshots] })
    if (answer?.done === true) return { rowsInserted: answer.rows_inserted, rowsDeleted: answer.rows_deleted }
    if (answer?.pending === false) return { rowsInserted: 0, rowsDeleted: 0 }
  }
  const result = await replaceAll(transaction, definition)
  const reason = how.full ?? definition.reinitialize ?? 'TRUNCATED'
  await recordFull(transaction, definition, { action: 'full', reason, initiatedBy: how.initiatedBy, result })
  return result
}
