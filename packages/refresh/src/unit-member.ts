import { FreshetError, type Queryable, raw, type RefreshOptions, type RefreshOutcome, type Sql } from '@freshet/core'
import { nameOf, spansNodes, type Definition } from './definition.ts'
import { type Attempt, SMALLEST, wider } from './attempt.ts'
import { bySteps } from './by-steps.ts'
import { choose, type Decision, FEW_ROWS } from './choose.ts'
import { differentialStatement, PLANNING, type StatementResult } from './differential.ts'
import { loadExperience, recordDecision } from './experience.ts'
import { recordFull, replaceAll } from './full.ts'
import { fullReason } from './full-reason.ts'
import { markerReason } from './marker-reason.ts'
import { measurePending } from './pending-changes.ts'
import { settingsStatement } from './sessions.ts'

/**
 * One member of a unit, in the unit's transaction: by its delta, by the statement for few changes and where more wait by
 * those for more; or computed anew.
 */
export interface Step extends RefreshOutcome {
  /** The new one; null where nothing was written. */
  readonly version: string | null
}

export const NOTHING: RefreshOutcome = {
  action: 'none',
  reason: null,
  rowsInserted: 0,
  rowsDeleted: 0,
  changeRows: 0,
  durationMs: 0,
}

export function reasonOf(
  transaction: Queryable,
  member: Definition,
  options: RefreshOptions,
  full: boolean,
): Promise<string | null> | string {
  return full && options.full !== true ? 'DELTA_FAILED' : fullReason(transaction, member, options)
}

/** `outdated`: what was known of it is not so any more. */
export async function bring(
  transaction: Queryable,
  member: Definition,
  options: RefreshOptions,
  full: boolean,
): Promise<Step | 'outdated'> {
  const started = performance.now()
  const step = (action: Step['action'], version: string | null, parts: Partial<RefreshOutcome> = {}): Step => {
    return { ...NOTHING, action, ...parts, version, durationMs: performance.now() - started }
  }
  let reason = await reasonOf(transaction, member, options, full)
  if (reason === 'nothing pending') return step('none', null)
  const decision = reason === null && spansNodes(member) ? await decideOnNodes(transaction, member) : null
  if (decision?.action === 'full') reason = decision.reason
  if (reason === null) {
    const result = spansNodes(member)
      ? await bySteps(transaction, member, options)
      : await byDelta(transaction, member, options)
    if (result.changed) return 'outdated'
    const done = stepOf(result)
    if (done?.action === 'differential' && decision !== null)
      await transaction.query(recordDecision(member.id, decision))
    if (done !== null) return { ...done, durationMs: performance.now() - started }
    reason = result.forced ? 'FORCED' : await markerReason(transaction, member)
  }
  await transaction.query(settingsStatement(Object.entries(member.settings)))
  await transaction.query(raw('set local enable_sort to default'))
  const result = await replaceAll(transaction, member)
  const initiatedBy = options.initiatedBy ?? 'manual'
  const { version } = await recordFull(transaction, member, {
    action: 'full',
    reason,
    initiatedBy,
    result,
    decision: decision?.action === 'full' ? decision : null,
  })
  return step('full', version, { reason, ...result })
}

/**
 * What AUTO takes where a table is on other nodes: by what waits in this transaction's snapshot, once it is more than
 * a few rows. Null: nothing was to be chosen.
 */
async function decideOnNodes(transaction: Queryable, member: Definition): Promise<Decision | null> {
  if (member.mode !== 'auto') return null
  const { changeRows, sourceRows, forced } = await measurePending(transaction, member, null)
  if (forced || changeRows <= FEW_ROWS) return null
  const experience = await loadExperience(transaction, member.id)
  return choose(experience, { changeRows, sourceRows, sources: member.plan.sources.length })
}

/** Null: it was not done by a delta. */
export function stepOf(result: StatementResult): Step | null {
  const { rows_inserted: rowsInserted, rows_deleted: rowsDeleted, change_rows: changeRows, version } = result
  if (result.done) return { ...NOTHING, action: 'differential', version, rowsInserted, rowsDeleted, changeRows }
  return result.pending ? null : { ...NOTHING, version: null }
}

/** By the statement for few changes, and where more wait by those for more. */
async function byDelta(transaction: Queryable, member: Definition, options: RefreshOptions): Promise<StatementResult> {
  await transaction.query(planningOf(member))
  for (let attempt: Attempt | null = SMALLEST; ;) {
    const statement = await deltaStatement(member, attempt, options)
    const [last]: StatementResult[] = await transaction.query<StatementResult>(statement, { prepared: true })
    if (last === undefined) throw new FreshetError('INTERNAL', `a refresh of ${nameOf(member)} answered nothing`)
    if (!last.over || last.truncated || last.forced || last.changed) return last
    attempt = wider(member, attempt, last.waiting)
    if (attempt === null) return last
  }
}

/** Of a member's delta, for the statements that follow. */
export function planningOf(member: Definition): Sql {
  return settingsStatement([...Object.entries(member.settings), ...PLANNING])
}

/** What others of the unit emit is not known before: each statement reads the changes of all sources. */
export function deltaStatement(member: Definition, attempt: Attempt, options: RefreshOptions): Promise<Sql> {
  const changed = new Set(member.plan.sources.map((source) => source.stableName))
  return differentialStatement(member, { changed, ...attempt }, options)
}

/** The error says which member it was. */
export async function blaming<T>(streamTable: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof FreshetError)) throw error
    const { code, message, detail, hint, sqlState, position } = error
    throw new FreshetError(code, message, {
      detail,
      hint: hint ?? null,
      sqlState,
      position,
      streamTable,
      cause: error,
    })
  }
}
