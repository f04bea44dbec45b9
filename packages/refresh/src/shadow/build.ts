import { setTimeout as sleep } from 'node:timers/promises'
import { DEFAULT_PATIENCE, FreshetError, isFreshetError, isRefusal, type Queryable, raw, sql } from '@freshet/core'
import { captureSources } from '../capture-sources.ts'
import type { RefreshContext } from '../context.ts'
import { fill, makePlan, record } from '../create.ts'
import { type Definition, loadDefinition, type Mode, nameOf, type StoredPlan } from '../definition.ts'
import type { OnProgress } from '../progress.ts'
import { createShadowRefresher } from '../refresher.ts'
import { recordReferences } from '../resolve/references.ts'
import type { Resolved } from '../resolve/resolve.ts'
import { discardShadow } from './abandoned.ts'
import { type Built, QUALIFIED, storageSettings, toBuild } from './belongings.ts'
import { cancelable } from './cancelable.ts'
import { verdict } from './converge.ts'
import { refuseLosses } from './refuse.ts'
import { enterPhase, recordRound, recordShadow, shadowName } from './shadow.ts'
import { ownIndexes, relationsOf, swap } from './swap.ts'

/**
 * A new query: filled beside the stream table, which stays what it is, and is refreshed, until the other has caught up and
 * takes its place (`swap.ts`).
 *
 *   recorded   as a stream table that is being created, and refused if somebody would lose what he reads
 *   captured   as for any creation
 *   filled     in one snapshot
 *   given      the indexes and constraints that people have made, one after another
 *   refreshed  until a round is small (`converge.ts`)
 *   swapped    or refreshed again, while locks are refused
 *
 * Where a rest is asked for, it is taken between all of these; not within the fill, which is one statement in one snapshot
 * (decision 15).
 *
 * What fails or is canceled before the swap is removed, and so is the old storage after it; what a process leaves is
 * removed as an interrupted creation is.
 */
export interface NewQuery {
  readonly live: Definition
  readonly resolved: Resolved
  /** For the names of the live one. */
  readonly plan: StoredPlan
  readonly query: string
  readonly mode: Mode
  /**
   * Rest after the fill, after each index, and after the first round, in milliseconds; half of it after the next, and so
   * on: rounds are to become small.
   */
  readonly restMs: number
}

/** How long readers waited for the swap, in milliseconds; null where the answer to its commit was lost. */
export async function buildShadow(
  context: RefreshContext,
  wanted: NewQuery,
  onProgress: OnProgress,
): Promise<number | null> {
  const { live } = wanted
  const shadow = await begin(context, wanted)
  const { to } = await relationsOf(context.database, live.id, shadow)
  let lockedMs: number | null = null
  try {
    lockedMs = await cancelable(context, live, shadow, async (own, canceled) =>
      build(own, wanted, shadow, onProgress, canceled),
    )
  } catch (error) {
    // a commit whose answer was lost is a commit: then the rest follows
    if (await isAsBefore(context, live, to, error)) {
      await remove(context, shadow, error)
      throw error
    }
  }
  onProgress({ phase: 'swap', message: 'dropping what it held before' })
  try {
    await reconnecting(() => discardShadow(context, shadow))
  } catch (error) {
    // somebody still reads it, or the server has gone away: the query is changed all the same, and upkeep drops it later
    if (!isFreshetError(error) || (error.retry !== 'retry' && error.retry !== 'reconnect')) throw error
  }
  return lockedMs
}

/** The tables, empty, and the rows of the catalog, in one transaction: where it is refused, there is nothing to undo. */
async function begin({ database }: RefreshContext, { live, resolved, query }: NewQuery): Promise<number> {
  const target = shadowName(live)
  const plan = await makePlan(database, resolved, target, 'auto', { placement: 'local' })
  return database.transaction(async (transaction) => {
    // however it was asked for: what has deltas catches up by deltas, whose size is known
    const spec = { query, mode: plan.refresh === null ? 'auto' : 'differential' } as const
    const shadow = await record(transaction, { spec, target, resolved, plan, schedule: 'manual' })
    await recordShadow(transaction, shadow, live.id)
    const pair = await relationsOf(transaction, live.id, shadow)
    await refuseLosses(transaction, live, pair)
    await transaction.query(QUALIFIED)
    for (const statement of await storageSettings(transaction, pair)) await transaction.query(raw(statement))
    // among them is the table itself, as it is now
    await recordReferences(transaction, shadow, resolved.references)
    return shadow
  })
}

async function build(
  context: RefreshContext,
  wanted: NewQuery,
  shadow: number,
  onProgress: OnProgress,
  canceled: AbortSignal,
): Promise<number> {
  const { live, resolved } = wanted
  const { database } = context
  const { plan } = await loadDefinition(database, shadow)
  await captureSources(context, resolved.facts, plan, onProgress)
  await enterPhase(database, shadow, 'filling')
  await fill(context, shadow, onProgress, true)
  const rest = (ms: number) => sleep(ms, undefined, { signal: canceled })
  await rest(wanted.restMs)
  let built: readonly Built[] = []
  const refresher = createShadowRefresher(context)
  const small = plan.refresh?.smallDeltaRows ?? 0
  const rounds: number[] = []
  let behind = 0
  let refusedSince: number | null = null
  for (;;) {
    built = await buildBelongings(context, wanted, { shadow, built, rest }, onProgress)
    await enterPhase(database, shadow, 'catching up')
    onProgress({ phase: 'catch up', message: `following what is written, round ${rounds.length + 1}` })
    const { action, changeRows } = await refresher.refresh(shadow, { initiatedBy: 'alter' })
    const counted = action === 'none' || action === 'differential' || plan.refresh === null
    rounds.push(counted ? changeRows : Infinity)
    await recordRound(database, shadow, counted ? changeRows : null)
    const next = verdict(rounds, small)
    if (next === 'give up') throw notConverging(live, rounds)
    if (next === 'again') {
      await rest(wanted.restMs / 2 ** (rounds.length - 1))
      continue
    }
    await enterPhase(database, shadow, 'swapping')
    onProgress({ phase: 'swap', message: 'taking its place' })
    try {
      const swapped = await swap(database, { ...wanted, shadow, built })
      if (swapped !== 'behind') {
        const { lockedMs } = swapped
        onProgress({
          phase: 'swap',
          message: `in its place; readers waited ${lockedMs.toFixed(1)} ms at most`,
          lockedMs,
        })
        return lockedMs
      }
      if (++behind === OFTEN) throw notConverging(live, rounds)
    } catch (error) {
      refusedSince ??= performance.now()
      if (!isRefusal(error) || performance.now() > refusedSince + DEFAULT_PATIENCE.patienceMs) throw error
      await sleep(100 + Math.random() * 200)
    }
  }
}

/** So often it was caught up, and was behind again a moment later. */
const OFTEN = 100

interface Building {
  readonly shadow: number
  readonly built: readonly Built[]
  readonly rest: (ms: number) => Promise<void>
}

/** What people have given to the table and must be built; again where that has changed since. */
async function buildBelongings(
  context: RefreshContext,
  wanted: NewQuery,
  building: Building,
  onProgress: OnProgress,
): Promise<readonly Built[]> {
  let { built } = building
  for (;;) {
    const next = await buildOne(context, wanted, { ...building, built }, onProgress)
    if (next.whole) return next.built
    built = next.built
    await building.rest(wanted.restMs)
  }
}

/** One of them, in a transaction of its own; and where there should be rest, in one process of the server. */
async function buildOne(
  { database }: RefreshContext,
  { live, restMs }: NewQuery,
  { shadow, built }: Building,
  onProgress: OnProgress,
): Promise<{ readonly built: readonly Built[]; readonly whole: boolean }> {
  return database.transaction(async (transaction) => {
    const pair = await relationsOf(transaction, live.id, shadow)
    await transaction.query(QUALIFIED)
    const wanted = await transaction.query<Built>(toBuild(pair, shadowName(live).table, ownIndexes(live)))
    const has = (list: readonly Built[], { create }: Built) => list.some((other) => other.create === create)
    for (const { drop } of built.filter((one) => !has(wanted, one))) await transaction.query(raw(drop))
    const [missing] = wanted.filter((other) => !has(built, other))
    if (missing === undefined) return { built: wanted, whole: true }
    onProgress({ phase: 'index', message: missing.create })
    if (restMs > 0) await transaction.query(raw('set local max_parallel_maintenance_workers = 0'))
    await transaction.query(raw(missing.create))
    const now = wanted.filter((one) => one === missing || has(built, one))
    return { built: now, whole: now.length === wanted.length }
  })
}

function notConverging(live: Definition, rounds: readonly number[]): FreshetError {
  return new FreshetError('NOT_CONVERGING', `the new query of ${nameOf(live)} does not catch up with what is written`, {
    detail: `${rounds.length} refreshes, of ${rounds.slice(-3).map(printed).join(', ')} change rows at last`,
  })
}

function printed(round: number): string {
  return round === Infinity ? 'any number of' : String(round)
}

/** What broke one connection has most likely broken those that wait in the pool; they are found out one by one. */
async function reconnecting<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await work()
    } catch (error) {
      if (!isFreshetError(error) || error.retry !== 'reconnect' || attempt === CONNECTIONS) throw error
      await sleep(50)
    }
}

const CONNECTIONS = 10

/** Throws `cause` when it can not be told. */
async function isAsBefore(context: RefreshContext, live: Definition, shadow: number, cause: unknown): Promise<boolean> {
  try {
    return (await reconnecting(() => relationOf(context.database, live))) !== shadow
  } catch {
    // whoever comes next clears it away; why it failed at first says more
    throw cause
  }
}

async function relationOf(queryable: Queryable, { id }: Definition): Promise<number | null> {
  const [row] = await queryable.query<{ relation: number | null }>(
    sql`select relation::int8::float8 as relation from freshet.stream_table where stream_table_id = ${id}`,
  )
  return row?.relation ?? null
}

async function remove(context: RefreshContext, shadow: number, cause: unknown): Promise<void> {
  try {
    await reconnecting(() => discardShadow(context, shadow))
  } catch {
    // as above
    throw cause
  }
}
