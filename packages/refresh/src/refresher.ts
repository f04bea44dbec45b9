import {
  adoptCluster,
  FreshetError,
  type Queryable,
  isFreshetError,
  isInstalledHere,
  isRefusal,
  type RefreshOptions,
  type RefreshOutcome,
  type Refresher,
  whileRefused,
} from '@freshet/core'
import { type Attempt, attemptFor, SMALLEST, wider } from './attempt.ts'
import type { RefreshContext } from './context.ts'
import { choose, FEW_ROWS, fewChangesAreSlow, trialMs, type Decision } from './choose.ts'
import { enoughToCount, learn } from './cost-model.ts'
import { COMPILER_VERSION, loadDefinition, nameOf, spansNodes, type Definition } from './definition.ts'
import { runDifferential, type DifferentialResult } from './differential.ts'
import { fullSeen, loadExperience } from './experience.ts'
import { fullReason } from './full-reason.ts'
import { heedFuse } from './fuse.ts'
import { refreshGroup, SMALLEST_GROUP } from './group.ts'
import { refreshInFull } from './in-full.ts'
import { refreshImmediate } from './immediate/refresh-immediate.ts'
import { isIdle, measurePendingApart } from './pending-changes.ts'
import { type Known, NONE, quickOnes, waitingSources } from './known.ts'
import { markerReason } from './marker-reason.ts'
import { toldOf } from './position.ts'
import { adapt, recompile } from './recompile.ts'
import { mended, requireCapture } from './require-sources.ts'
import { changesOf, isRenamed, queryChanged } from './resolve/references.ts'
import { refreshUnit, unitMembers, upstreamFirst } from './together.ts'
import { tryInFull } from './trial.ts'
import { refuseUnfinished } from './unfinished.ts'
import { blaming } from './unit-member.ts'

/**
 * Refreshes stream tables. The usual refresh is one prepared statement in one round trip: what this process remembers
 * of the table (its version and frontier) goes in as parameters, and the statement does nothing when that is out of date.
 * A table that had nothing to do the last time is asked about first, by a statement that starts faster.
 */
export function createRefresher(context: RefreshContext): Refresher {
  return new CachingRefresher(context, false)
}

/** Of stream tables that are not made yet, and are not made by being refreshed; a change of what they read ends that. */
export function createShadowRefresher(context: RefreshContext): Refresher {
  return new CachingRefresher(context, true)
}

/** What comes next: a differential refresh, and why, where AUTO had to choose; or what was done in place of one. */
type Next = Chosen | { readonly instead: Promise<Step | 'again'> | Step | 'again' }

interface Chosen {
  readonly known: Known
  readonly attempt: Attempt
  readonly decision: Decision | null
}

const MAX_ATTEMPTS = 8

/** A refresh gives way to whoever holds a lock that it needs; after so long without success, it says so. */
const PATIENCE_MS = 3_000

class CachingRefresher implements Refresher {
  private readonly context: RefreshContext
  private readonly unfinished: boolean
  private readonly known = new Map<number, Known>()

  constructor(context: RefreshContext, unfinished: boolean) {
    this.context = context
    this.unfinished = unfinished
  }

  async refresh(streamTable: number, options: RefreshOptions = {}): Promise<RefreshOutcome> {
    const started = performance.now()
    const outcome = (action: RefreshOutcome['action'], parts: Partial<RefreshOutcome> = {}): RefreshOutcome => ({
      action,
      reason: null,
      rowsInserted: 0,
      rowsDeleted: 0,
      changeRows: 0,
      ...parts,
      durationMs: performance.now() - started,
    })
    const step = await whileRefused(PATIENCE_MS, async () => {
      try {
        return await this.attempts(streamTable, options)
      } catch (error) {
        if (isRefusal(error)) this.known.delete(streamTable)
        throw error
      }
    })
    return outcome(step.action, step)
  }

  private async attempts(id: number, options: RefreshOptions): Promise<Step> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const step = await this.attempt(id, options)
      if (step !== 'again') return step
    }
    return { action: 'busy' }
  }

  private async attempt(id: number, options: RefreshOptions): Promise<Step | 'again'> {
    let known = this.known.get(id) ?? (await this.load(id))
    if (known.definition.mode === 'immediate') {
      // Nothing is remembered of it: whether there is something to do, the catalog says.
      this.known.delete(id)
      return refreshImmediate(this.context, known.definition, options)
    }
    const { unit } = known.definition
    if (unit !== null || spansNodes(known.definition)) return this.together(id, unit, options)
    const group = await this.group(known, options)
    if (group !== null) return group
    let result: DifferentialResult
    let chosen: Chosen
    try {
      if (options.fused === true) await heedFuse(this.context.database, known.definition)
      const made = this.unfinished ? ({ ...known.definition, status: 'active' } as const) : known.definition
      // AUTO decides for itself whether the state is to be filled
      const whole = made.mode === 'auto' ? { ...made, stateBehind: false } : made
      const reason = await fullReason(this.context.database, whole, options)
      if (reason === 'nothing pending') return await this.confirm(id, known)
      if (reason !== null) return await this.full(known, reason, options)
      if (known.idle && (await isIdle(this.context.database, known.definition))) return { action: 'none' }
      known = { ...known, idle: false }
      const plan = await this.planAttempt(known, options)
      if (!('attempt' in plan)) return await plan.instead
      chosen = plan
      result = await this.context.database.session((session) =>
        runDifferential(
          session,
          plan.known.definition,
          { changed: plan.known.changed, ...plan.attempt },
          plan.decision,
          options,
        ),
      )
    } catch (error) {
      return this.recover(id, known, error, options)
    }
    return this.interpret(chosen, result, options)
  }

  /** With the others of its unit, or alone what reads other nodes: in a transaction. What is not so any more is forgotten, and asked again. */
  private async together(id: number, unit: number | null, options: RefreshOptions): Promise<Step | 'again'> {
    const members: Known[] = []
    for (const member of unit === null ? [id] : await unitMembers(this.context.database, unit))
      members.push(this.known.get(member) ?? (await blaming(member, () => this.load(member))))
    for (const { definition } of members) this.known.delete(definition.id)
    if (!members.every(({ definition }) => definition.unit === unit)) return 'again'
    // to a scheduler, a member that is paused or suspended holds the others; a pause makes a new version
    if (unit !== null && options.fused === true && members.some(({ definition }) => definition.status !== 'active'))
      return { action: 'busy' }
    const definitions = upstreamFirst(members.map(({ definition }) => definition))
    const done = await refreshUnit(this.context, definitions, options).catch((error: unknown) =>
      mended(this.context, definitions, error),
    )
    if (done === 'outdated') return 'again'
    if (done === 'busy') return { action: 'busy' }
    for (const known of members) {
      const after = done.get(known.definition.id)?.after
      if (after !== undefined) this.known.set(after.id, { ...known, definition: after })
    }
    return toldOf(id, done) ?? 'again'
  }

  /** With others, as far as little has changed for each of them; null: it is refreshed alone. */
  private async group(head: Known, options: RefreshOptions): Promise<Step | null> {
    const members = quickOnes(head, options.along ?? [], this.known)
    if (members.length < SMALLEST_GROUP) return null
    const { done, odd } = await refreshGroup(this.context, members, options)
    for (const id of odd ?? members.map((member) => member.id)) {
      const known = this.known.get(id)
      // to be refreshed alone the next time
      if (known !== undefined) this.known.set(id, { ...known, warm: false })
    }
    for (const [id, { after, outcome }] of done) {
      const known = this.known.get(id)
      if (known !== undefined) this.known.set(id, { ...known, definition: after, idle: outcome.action === 'none' })
    }
    return toldOf(head.definition.id, done)
  }

  /** The usual refresh is tried unseen. Where AUTO expects something else, it looks at the sizes first, and chooses. */
  private async planAttempt(known: Known, options: RefreshOptions): Promise<Next> {
    const { mode, stateBehind, plan } = known.definition
    const slow = () => fewChangesAreSlow(known.experience, plan.answer !== undefined)
    if (mode === 'auto' && (stateBehind || known.attempt.extent !== 'few' || slow())) return this.decide(known, options)
    return { known, attempt: known.attempt, decision: null }
  }

  private async decide(known: Known, options: RefreshOptions): Promise<Next> {
    const { definition } = known
    const sources = definition.plan.sources.length
    const choice = async (bound: number | null) => {
      const pending = await measurePendingApart(this.context.database, definition, bound)
      return { pending, decision: choose(known.experience, { ...pending, sources }, definition.stateBehind) }
    }
    let { pending, decision } = await choice(enoughToCount(known.experience, sources))
    // By a bounded count a differential refresh is never chosen: it may have to read many more rows.
    if (pending.bounded && decision.action === 'differential') ({ pending, decision } = await choice(null))
    if (pending.version !== definition.version) {
      this.known.delete(definition.id)
      return { instead: 'again' }
    }
    if (pending.changeRows === 0) return { instead: { action: 'none' } }
    if (pending.forced) return { instead: this.full(known, 'FORCED', options) }
    const limitMs = trialMs(known.experience, decision.differentialMs, definition.plan.answer !== undefined)
    if (limitMs !== null && decision.action === 'differential') {
      const tried = await tryInFull(this.context.database, definition, { limitMs, sourceRows: pending.sourceRows })
      const experience = learn(known.experience, tried)
      this.known.set(definition.id, { ...known, experience })
      return this.decide({ ...known, experience }, options)
    }
    if (decision.action === 'full') return { instead: this.full(known, decision.reason, options, decision) }
    const few = Math.max(...pending.waiting) <= (definition.plan.refresh?.smallDeltaRows ?? 0)
    const extent = known.attempt.extent === 'churned' ? 'churned' : 'many'
    return { known, attempt: few ? SMALLEST : attemptFor(definition, extent, pending.waiting), decision }
  }

  /**
   * A statement fails also because what is remembered is out of date: it names what a new definition has no more. And a
   * delta fails on values that came and went within its window, on which the query itself does not (a division by zero).
   */
  private async recover(id: number, known: Known, error: unknown, options: RefreshOptions): Promise<Step | 'again'> {
    this.known.delete(id)
    if (!isFreshetError(error) || error.sqlState === undefined || isRefusal(error)) throw error
    const { version } = await loadDefinition(this.context.database, id)
    if (version !== known.definition.version) return 'again'
    if (await queryChanged(this.context.database, id)) return this.adapt(known.definition)
    const failedOnValues =
      error.sqlState.startsWith('22') && known.definition.plan.refresh !== null && options.full !== true
    if (failedOnValues) return this.full(known, 'DELTA_FAILED', options)
    throw error
  }

  private interpret(
    { known, attempt, decision }: Chosen,
    result: DifferentialResult,
    options: RefreshOptions,
  ): Promise<Step | 'again'> | Step | 'again' {
    const { definition } = known
    const { id } = definition
    if (result.done && result.version !== null) {
      const { ms, change_rows: changeRows, version } = result
      this.known.set(id, {
        ...known,
        definition: {
          ...definition,
          version,
          fuseLifted: false,
          snapshots: definition.snapshots.map(() => result.snapshot),
        },
        experience:
          known.warm || decision !== null
            ? learn(known.experience, { action: 'differential', ms, changeRows })
            : known.experience,
        attempt: changeRows > FEW_ROWS ? attemptFor(definition, attempt.extent, result.waiting) : SMALLEST,
        warm: known.warm || attempt.extent === 'few',
        idle: false,
      })
      return {
        action: 'differential',
        rowsInserted: result.rows_inserted,
        rowsDeleted: result.rows_deleted,
        changeRows,
        ...(result.refreshId === undefined ? {} : { refreshId: result.refreshId }),
      }
    }
    if (result.version === null) {
      this.known.delete(id)
      throw new FreshetError('UNKNOWN_STREAM_TABLE', `the stream table ${nameOf(definition)} was dropped`)
    }
    if (result.version !== definition.version) {
      this.known.delete(id)
      return 'again'
    }
    if (result.changed) return this.adapt(definition)
    if (!result.pending) {
      this.known.set(id, { ...known, idle: true })
      return { action: 'none' }
    }
    if (result.held === 0) return { action: 'busy' }
    if (result.truncated) return this.followMarker(known, options)
    if (result.forced) return this.full(known, 'FORCED', options)
    if (result.others) {
      this.known.set(id, { ...known, changed: waitingSources(definition, result.waiting), warm: false })
      return 'again'
    }
    if (result.over) {
      // More changes than planned for: the next attempt chooses, or takes the statement for more.
      const next = wider(definition, attempt, result.waiting)
      if (next === null) throw new FreshetError('INTERNAL', `${nameOf(definition)}: no statement takes all that waits`)
      this.known.set(id, { ...known, attempt: next })
      return 'again'
    }
    throw new FreshetError('INTERNAL', `a refresh of ${nameOf(definition)} neither ran nor said why`)
  }

  private async followMarker(known: Known, options: RefreshOptions): Promise<Step | 'again'> {
    // The stream leaves one also for what it can not tell, and would again until the capture is mended.
    await requireCapture(this.context, known.definition)
    return this.full(known, await markerReason(this.context.database, known.definition), options)
  }

  /** What the query refers to is not what the plan was compiled for. */
  private async adapt(definition: Definition): Promise<'again'> {
    this.known.delete(definition.id)
    if (this.unfinished) throw await changedMeanwhile(this.context.database, definition)
    await adapt(this.context, definition)
    return 'again'
  }

  private async full(
    known: Known,
    reason: string,
    options: RefreshOptions,
    decision: Decision | null = null,
  ): Promise<Step | 'again'> {
    const { definition, experience } = known
    this.known.delete(definition.id)
    const started = performance.now()
    try {
      const done = await refreshInFull(this.context.database, {
        definition,
        reason,
        decision,
        experience,
        initiatedBy: options.initiatedBy ?? 'manual',
        unfinished: this.unfinished,
      })
      if (done === 'again') return 'again'
      if (done === 'changed') return await this.adapt(definition)
      if (done === 'busy') return { action: 'busy' }
      this.known.set(definition.id, {
        ...known,
        definition: {
          ...definition,
          version: done.version,
          reinitialize: null,
          stateBehind: done.depth === 'answer',
          fuseLifted: false,
          status: definition.status === 'initializing' && !this.unfinished ? 'active' : definition.status,
          snapshots: definition.snapshots.map(() => done.snapshot),
        },
        experience: learn(experience, fullSeen(performance.now() - started, done.sourceRows, done.recorded)),
      })
      const identified = options.identified === true ? { refreshId: done.refreshId } : {}
      return { action: 'full', reason, ...done.result, ...identified }
    } catch (error) {
      // The state row changed after this transaction's snapshot: somebody else refreshed meanwhile.
      if (isFreshetError(error) && error.sqlState === '40001') return 'again'
      if (!(await isRenamed(this.context.database, definition, error))) throw error
      return this.adapt(definition)
    }
  }

  private async load(id: number): Promise<Known> {
    // In a restored dump or a promoted copy, frontiers are positions of another cluster.
    if (!(await isInstalledHere(this.context.database))) await this.context.database.transaction(adoptCluster)
    let definition = await loadDefinition(this.context.database, id)
    if (!this.unfinished) await refuseUnfinished(this.context.database, definition)
    if (definition.mode !== 'immediate') {
      const outdated = definition.plan.compiler !== COMPILER_VERSION
      if (outdated || (await queryChanged(this.context.database, id))) {
        if (outdated) await recompile(this.context, definition, 'NEW_COMPILER')
        else await this.adapt(definition)
        definition = await loadDefinition(this.context.database, id)
      }
      await requireCapture(this.context, definition)
    }
    const experience = await loadExperience(this.context.database, id)
    const known: Known = { definition, experience, attempt: SMALLEST, changed: NONE, warm: false, idle: false }
    this.known.set(id, known)
    return known
  }

  /** A table that is refreshed in full had nothing pending; make sure that what is remembered is still so. */
  private async confirm(id: number, known: Known): Promise<Step | 'again'> {
    if (await queryChanged(this.context.database, id)) return this.adapt(known.definition)
    const fresh = await loadDefinition(this.context.database, id)
    this.known.set(id, { ...known, definition: fresh })
    return fresh.version === known.definition.version ? { action: 'none' } : 'again'
  }
}

async function changedMeanwhile(queryable: Queryable, definition: Definition): Promise<FreshetError> {
  const changes = (await changesOf(queryable, definition.id)).join('; ')
  return new FreshetError('SOURCE_CHANGED', `what the new query reads has changed while it was filled: ${changes}`, {
    hint: 'Give the query again.',
  })
}

type Step = Omit<Partial<RefreshOutcome>, 'action' | 'durationMs'> & Pick<RefreshOutcome, 'action'>
