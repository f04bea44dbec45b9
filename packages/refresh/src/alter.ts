import { isDeepStrictEqual } from 'node:util'
import {
  type CaptureChoice,
  claiming,
  displayName,
  FreshetError,
  identifier,
  parseName,
  parseSchedule,
  printSchedule,
  type Queryable,
  settleUnits,
  sql,
} from '@freshet/core'
import { REASONS } from '@freshet/dvm'
import type { RefreshContext } from './context.ts'
import { captureSources } from './capture-sources.ts'
import { heedCitus, limitedAs } from './citus/limit.ts'
import { outputOf, type WantedOutput } from './citus/output.ts'
import { pushDown, takeFromWorkers } from './citus/push-down.ts'
import { replaceQuery } from './citus/replace-query.ts'
import { makePlan } from './create.ts'
import {
  findDefinition,
  keptMode,
  loadDefinition,
  nameOf,
  spansNodes,
  type Definition,
  type StoredPlan,
} from './definition.ts'
import { dependantsOf, releaseUnreadSources } from './drop.ts'
import { bumpVersion } from './emission.ts'
import { lockState, whenFree } from './full.ts'
import { checkFuse, liftFuse } from './fuse.ts'
import { disengage, isLent } from './immediate/disengage.ts'
import { engage } from './immediate/engage.ts'
import { refuseImmediate } from './immediate/refuse.ts'
import { type OnProgress, unwatched } from './progress.ts'
import { markReinitialize } from './recompile.ts'
import { refuseCycle } from './refuse-cycle.ts'
import { queryChanged, recordReferences } from './resolve/references.ts'
import { resolveQuery, type Resolved } from './resolve/resolve.ts'
import { requireCapture } from './require-sources.ts'
import { withSettings } from './sessions.ts'
import { discardShadow } from './shadow/abandoned.ts'
import { buildShadow } from './shadow/build.ts'
import { shadowOf } from './shadow/shadow.ts'
import { checkService, type ServiceChange, setService } from './service.ts'
import { dropStrayDependencies } from './unfinished.ts'

/**
 * Altering a stream table. Schedule, fuse, service, mode and name change in place, and so does a query that means the same. What a
 * new query says is filled beside the stream table and takes its place when it has caught up (`shadow/build.ts`); on a
 * cluster, at once (`citus/replace-query.ts`), and so does the same query in another place. An immediate stream table is
 * taken from its writers meanwhile, and given back to them.
 */
export interface AlterSpec extends ServiceChange, Pick<WantedOutput, 'placement' | 'distributionColumn'> {
  readonly query?: string
  /** For a new query: how long to rest after the fill, after each index, and between refreshes at first, in milliseconds. */
  readonly restMs?: number
  readonly mode?: Definition['mode']
  readonly schedule?: string
  /** Change rows; null takes the fuse away. */
  readonly fuse?: number | null
  readonly rename?: string
  /** How its sources are captured from now on, for all who read them. */
  readonly cdc?: CaptureChoice
}

export interface Altered extends Definition {
  /** Where another query has taken the place of the old one: for how long readers were locked out, in milliseconds. */
  readonly lockedMs: number | null
}

export async function alterStreamTable(
  context: RefreshContext,
  name: string,
  change: AlterSpec,
  onProgress: OnProgress = unwatched,
): Promise<Altered> {
  const { database } = context
  const found = await findDefinition(database, name)
  return claiming(database, found, async () => {
    const lockedMs = await alterClaimed(context, found.id, change, onProgress)
    const altered = await loadDefinition(database, found.id)
    await settleUnits(database)
    return { ...altered, lockedMs }
  })
}

async function alterClaimed(
  context: RefreshContext,
  id: number,
  change: AlterSpec,
  onProgress: OnProgress,
): Promise<number | null> {
  const { database } = context
  const before = await loadDefinition(database, id)
  await dropStrayDependencies(database, before)
  // the claim is ours: nobody is building it any more
  const left = change.query === undefined ? null : await shadowOf(database, id)
  if (left !== null) await discardShadow(context, left.id)
  await releaseUnreadSources(context)
  // One that was taken from its writers, and not given back, still is what it was.
  const wasImmediate = before.mode === 'immediate' || (await isLent(database, id))
  if (change.cdc !== undefined && (change.mode ?? (wasImmediate ? 'immediate' : before.mode)) === 'immediate') {
    throw new FreshetError('USAGE', `the sources of ${nameOf(before)} are not captured for it: its writers keep it`, {
      hint: 'Give --cdc with another mode, or to another stream table that reads them.',
    })
  }
  const atomic = change.atomic === undefined ? before.atomic : change.atomic
  checkService({ ...change, atomic }, change.mode ?? (wasImmediate ? 'immediate' : before.mode))
  if (change.schedule !== undefined) {
    const schedule = printSchedule(parseSchedule(change.schedule))
    await altering(context, before, (transaction) =>
      transaction.query(sql`
      update freshet.stream_table set schedule = ${schedule}, altered_at = clock_timestamp() where stream_table_id = ${before.id}`),
    )
  }
  if (change.fuse !== undefined) {
    const fuse = change.fuse === null ? null : checkFuse(change.fuse)
    await altering(context, before, (transaction) =>
      transaction.query(sql`
      update freshet.stream_table set fuse = ${fuse}::bigint, altered_at = clock_timestamp() where stream_table_id = ${before.id}`),
    )
  }
  await setService(database, before.id, change)
  const mode = change.mode ?? (wasImmediate ? 'immediate' : before.mode)
  const lent = wasImmediate && before.mode !== 'immediate'
  const replaced =
    change.query !== undefined || change.placement !== undefined || change.distributionColumn !== undefined
  if (!replaced && change.rename === undefined && mode === before.mode && !lent) {
    if (change.cdc !== undefined) await captureOtherwise(context, before.id, change.cdc, onProgress)
    return null
  }
  // What its writers' triggers do is made for one query and one name.
  const captured = before.mode === 'immediate' ? await disengage(context, before, mode === 'immediate') : before
  const refreshed = mode === 'immediate' ? 'differential' : mode
  let lockedMs: number | null = null
  try {
    if (replaced)
      lockedMs = await changeQuery(
        context,
        await loadDefinition(database, before.id),
        { ...change, mode: refreshed, immediate: mode === 'immediate', restMs: checkRest(change.restMs ?? 0) },
        onProgress,
      )
    else if (mode !== 'immediate' && (lent || mode !== captured.mode)) await changeMode(context, captured, mode)
    // as it is now, with its new query
    if (change.rename !== undefined) await rename(context, await loadDefinition(database, before.id), change.rename)
  } catch (error) {
    if (mode === 'immediate' && wasImmediate) await engage(context, before.id, byAlter)
    throw error
  }
  if (change.cdc !== undefined) await captureOtherwise(context, before.id, change.cdc, onProgress)
  if (mode === 'immediate') {
    onProgress({ phase: 'capture', message: 'letting writers keep it' })
    await engage(context, before.id, byAlter)
  }
  return lockedMs
}

/** From triggers to WAL nothing is missed; the other way round, what the stream has not brought yet is recomputed. */
async function captureOtherwise(
  context: RefreshContext,
  id: number,
  cdc: CaptureChoice,
  onProgress: OnProgress,
): Promise<void> {
  const { definition, plan } = await loadDefinition(context.database, id)
  const { facts } = await resolveQuery(context.database, definition)
  await captureSources(context, facts, plan, onProgress, cdc)
}

const byAlter = { full: null, initiatedBy: 'alter' } as const

export async function pauseStreamTable(context: RefreshContext, name: string): Promise<void> {
  const definition = await findDefinition(context.database, name)
  await setStatus(context, definition, 'paused', 'paused by a user')
  // Nobody notes what its writers do meanwhile.
  if (definition.mode === 'immediate') await markReinitialize(context.database, definition.id, 'PAUSED')
}

/**
 * Also ends a suspension: the errors that led to it are forgotten, and its fuse lets the next refresh through. Changes of the meantime are in the buffers; an
 * immediate one is filled anew.
 */
export async function resumeStreamTable(context: RefreshContext, name: string): Promise<void> {
  const definition = await findDefinition(context.database, name)
  if (definition.mode !== 'immediate') await requireCapture(context, definition)
  await setStatus(context, definition, 'active', null)
  if (definition.mode === 'immediate')
    await engage(context, definition.id, { full: definition.reinitialize ?? 'PAUSED', initiatedBy: 'resume' })
}

async function setStatus(
  context: RefreshContext,
  definition: Definition,
  status: 'active' | 'paused',
  reason: string | null,
): Promise<void> {
  if (definition.status === 'initializing') {
    throw new FreshetError('USAGE', `${nameOf(definition)} is still being filled`, {
      hint: 'Wait until its creation is done.',
    })
  }
  await altering(
    context,
    definition,
    (transaction) =>
      transaction.query(sql`
    update freshet.stream_table_state
    set status = ${status}, status_reason = ${reason}, consecutive_errors = 0, retry_at = null, last_error = case when ${status} = 'active' then null else last_error end
    where stream_table_id = ${definition.id}`),
    async (transaction) => {
      if (status === 'active') await liftFuse(transaction, definition.id)
    },
  )
}

/** Runs a change under the table's lock and gives the definition a new version; `afterwards` finds that version. */
async function altering(
  { database }: RefreshContext,
  definition: Definition,
  work: (transaction: Queryable) => Promise<unknown>,
  afterwards: (transaction: Queryable) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await whenFree(database, definition.id, async (transaction) => {
    await lockState(transaction, definition.id, true)
    await work(transaction)
    await bumpVersion(transaction, definition.id)
    await afterwards(transaction)
  })
}

async function changeMode(context: RefreshContext, definition: Definition, mode: Definition['mode']): Promise<void> {
  const refusal = definition.plan.refusal
  if (mode === 'differential' && refusal !== null) {
    throw new FreshetError('NOT_DIFFERENTIABLE', `the query can not be maintained differentially: ${refusal.detail}`, {
      hint: REASONS[refusal.code],
    })
  }
  const kept = keptMode(definition.plan, mode)
  await altering(context, definition, (transaction) =>
    transaction.query(sql`
    update freshet.stream_table set mode = ${mode}, effective_mode = ${kept.effective},
      mode_reason = ${kept.reason}, mode_detail = ${kept.detail}, altered_at = clock_timestamp()
    where stream_table_id = ${definition.id}`),
  )
  if (!spansNodes(definition)) return
  if (mode === 'full') {
    if (definition.pushed.length > 0) await takeFromWorkers(context.database, definition.id)
  } else if (!(await pushDown(context.database, definition.id)))
    await heedCitus(context.database, await loadDefinition(context.database, definition.id), 'auto')
}

async function rename(context: RefreshContext, definition: Definition, name: string): Promise<void> {
  const parsed = parseName(name)
  const shown = displayName({ schema: definition.schema, table: parsed.table })
  if (parsed.schema !== null && parsed.schema !== definition.schema) {
    throw new FreshetError('USAGE', `a stream table can not move to another schema`, {
      hint: 'Create it there, and drop this one.',
    })
  }
  const dependants = await dependantsOf(context.database, definition)
  if (dependants.length > 0) {
    throw new FreshetError('HAS_DEPENDENTS', `other stream tables read ${nameOf(definition)} by its name`, {
      detail: dependants.map(nameOf).join(', '),
    })
  }
  const resolved = await resolveQuery(context.database, definition.definition)
  const target = { schema: definition.schema, table: parsed.table, stableName: definition.stableName }
  const made = await makePlan(context.database, resolved, target, definition.mode, outputOf(definition.plan))
  const plan = limitedAs(definition.plan, made)
  await altering(context, definition, async (transaction) => {
    await transaction.query(
      sql`alter table ${identifier(definition.schema, definition.table)} rename to ${identifier(parsed.table)}`,
    )
    await transaction.query(sql`
      update freshet.stream_table set table_name = ${parsed.table}, plan = ${JSON.stringify(plan)}::jsonb, altered_at = clock_timestamp()
      where stream_table_id = ${definition.id}`)
    await transaction.query(
      sql`update freshet.source set table_name = ${parsed.table} where stable_name = ${definition.stableName}`,
    )
    await recordReferences(transaction, definition.id, resolved.references)
  }).catch((error: unknown) => {
    if (error instanceof FreshetError && error.code === 'DUPLICATE_NAME')
      throw new FreshetError('DUPLICATE_NAME', `a relation ${shown} exists already`)
    throw error
  })
}

async function changeQuery(
  context: RefreshContext,
  before: Definition,
  change: QueryChange,
  onProgress: OnProgress,
): Promise<number | null> {
  const { database } = context
  const { mode, restMs } = change
  const query = change.query ?? before.query
  onProgress({ phase: 'resolve', message: 'resolving the query' })
  const resolved =
    change.query === undefined
      ? await resolveQuery(withSettings(database, before.settings), before.definition)
      : await resolveQuery(database, query)
  await refuseCycle(database, before, resolved)
  const plan = await makePlan(database, resolved, before, mode, wantedOutput(before, change))
  const spread = plan.placed === true || plan.output !== undefined || spansNodes(before)
  if (spread && change.immediate) refuseImmediate(plan)
  if (spread) refuseRests(restMs)
  const stays =
    meansTheSame(before, resolved, limitedAs(before.plan, plan)) && !(await queryChanged(database, before.id))
  if (stays) await writeOtherwise(context, before, query, mode)
  const lockedMs = stays
    ? null
    : spread
      ? await replaceQuery(context, { before, resolved, plan, query, mode }, onProgress)
      : await buildShadow(context, { live: before, resolved, plan, query, mode, restMs }, onProgress)
  onProgress({ phase: 'done', message: 'fresh' })
  return lockedMs
}

interface QueryChange extends Pick<AlterSpec, 'query' | 'placement' | 'distributionColumn'> {
  readonly mode: Definition['mode']
  /** It is to be kept by its writers afterwards. */
  readonly immediate: boolean
  readonly restMs: number
}

/** Where it is now, if nobody says otherwise. */
function wantedOutput({ plan }: Definition, { placement, distributionColumn }: QueryChange): WantedOutput {
  if (placement === undefined && distributionColumn === undefined) return outputOf(plan)
  const { columnBefore } = outputOf(plan)
  return {
    ...(placement === undefined ? {} : { placement }),
    ...(distributionColumn === undefined ? {} : { distributionColumn }),
    ...(columnBefore === undefined ? {} : { columnBefore }),
  }
}

function refuseRests(restMs: number): void {
  if (restMs > 0)
    throw new FreshetError('USAGE', 'on a cluster a new query is filled in one transaction, which has no rests', {
      hint: 'Leave out --rest.',
    })
}

/** The same query, in other words: its answer is there. */
function meansTheSame(before: Definition, resolved: Resolved, plan: StoredPlan): boolean {
  return (
    resolved.facts.definition === before.definition &&
    isDeepStrictEqual(resolved.settings, before.settings) &&
    isDeepStrictEqual(JSON.parse(JSON.stringify(plan)), before.plan)
  )
}

async function writeOtherwise(
  context: RefreshContext,
  before: Definition,
  query: string,
  mode: Definition['mode'],
): Promise<void> {
  await altering(context, before, (transaction) =>
    transaction.query(sql`
    update freshet.stream_table set query = ${query}, altered_at = clock_timestamp() where stream_table_id = ${before.id}`),
  )
  if (mode !== before.mode) await changeMode(context, before, mode)
}

/** At most a minute. */
function checkRest(restMs: number): number {
  if (Number.isInteger(restMs) && restMs >= 0 && restMs <= 60_000) return restMs
  throw new FreshetError('USAGE', `a rest of ${restMs} ms is none`, { hint: 'Give whole milliseconds up to a minute.' })
}
