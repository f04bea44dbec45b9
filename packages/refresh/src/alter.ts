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
import { makePlan } from './create.ts'
import { findDefinition, keptMode, loadDefinition, nameOf, type Definition, type StoredPlan } from './definition.ts'
import { addDependencies, resetDependencies } from './dependencies.ts'
import { dependantsOf, releaseUnread, releaseUnreadSources } from './drop.ts'
import { bumpVersion } from './emission.ts'
import { lockState, whenFree } from './full.ts'
import { checkFuse, liftFuse } from './fuse.ts'
import { disengage, isLent } from './immediate/disengage.ts'
import { engage } from './immediate/engage.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { type OnProgress, unwatched } from './progress.ts'
import { markReinitialize } from './recompile.ts'
import { rebuild } from './rebuild.ts'
import { recordReferences } from './resolve/references.ts'
import { resolveQuery, type Resolved } from './resolve/resolve.ts'
import { requireCapture } from './require-sources.ts'
import { checkService, type ServiceChange, setService } from './service.ts'
import { dropStrayDependencies } from './unfinished.ts'

/**
 * Altering a stream table. Schedule, fuse, service, mode and name change in place. A new query is captured first; then one
 * transaction drops the old storage, makes and fills the new one, so readers see the old answer or the new. An immediate
 * stream table is taken from its writers meanwhile, and given back to them.
 */
export interface AlterSpec extends ServiceChange {
  readonly query?: string
  readonly mode?: Definition['mode']
  readonly schedule?: string
  /** Change rows; null takes the fuse away. */
  readonly fuse?: number | null
  readonly rename?: string
  /** How its sources are captured from now on, for all who read them. */
  readonly cdc?: CaptureChoice
}

export async function alterStreamTable(
  context: RefreshContext,
  name: string,
  change: AlterSpec,
  onProgress: OnProgress = unwatched,
): Promise<Definition> {
  const { database } = context
  const found = await findDefinition(database, name)
  return claiming(database, found, async () => {
    const altered = await alterClaimed(context, found.id, change, onProgress)
    await settleUnits(database)
    return altered
  })
}

async function alterClaimed(
  context: RefreshContext,
  id: number,
  change: AlterSpec,
  onProgress: OnProgress,
): Promise<Definition> {
  const { database } = context
  const before = await loadDefinition(database, id)
  await dropStrayDependencies(database, before)
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
  if (change.query === undefined && change.rename === undefined && mode === before.mode && !lent) {
    if (change.cdc !== undefined) await captureOtherwise(context, before.id, change.cdc, onProgress)
    return loadDefinition(database, before.id)
  }
  // What its writers' triggers do is made for one query and one name.
  const captured = before.mode === 'immediate' ? await disengage(context, before, mode === 'immediate') : before
  const refreshed = mode === 'immediate' ? 'differential' : mode
  try {
    const { query } = change
    if (query !== undefined)
      await oneAtATime(database, before, 'wait', async () =>
        changeQuery(context, await loadDefinition(database, before.id), query, refreshed, onProgress),
      )
    else if (mode !== 'immediate' && (lent || mode !== captured.mode)) await changeMode(context, captured, mode)
    if (change.rename !== undefined) await rename(context, captured, change.rename)
  } catch (error) {
    if (mode === 'immediate' && wasImmediate) await engage(context, before.id, byAlter)
    throw error
  }
  if (change.cdc !== undefined) await captureOtherwise(context, before.id, change.cdc, onProgress)
  if (mode === 'immediate') {
    onProgress({ phase: 'capture', message: 'letting writers keep it' })
    await engage(context, before.id, byAlter)
  }
  return loadDefinition(database, before.id)
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
  const plan = await makePlan(context.database, resolved, target, definition.mode)
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
  query: string,
  mode: Definition['mode'],
  onProgress: OnProgress,
): Promise<void> {
  const { database } = context
  const dependants = await dependantsOf(database, before)
  if (dependants.length > 0) {
    throw new FreshetError(
      'HAS_DEPENDENTS',
      `other stream tables read ${nameOf(before)}, so its query can not change`,
      { detail: dependants.map(nameOf).join(', ') },
    )
  }
  onProgress({ phase: 'resolve', message: 'resolving the query' })
  const resolved = await resolveQuery(database, query)
  refuseSelf(before, resolved)
  const plan = await makePlan(database, resolved, before, mode)
  const storage = await storageOf(database, before)
  await database.transaction((transaction) => addDependencies(transaction, before, plan))
  try {
    await captureSources(context, resolved.facts, plan, onProgress)
    onProgress({ phase: 'fill', message: 'filling the table' })
    const rebuilding = { before, resolved, plan, query, mode, why: 'ALTERED', initiatedBy: 'alter' }
    await rebuild(database, resolved.settings, rebuilding)
  } catch (error) {
    // a commit whose answer was lost is a commit: then the rest follows
    if (await leftAsItWas(context, before, plan, storage, error)) throw error
  }
  await database.transaction((transaction) => resetDependencies(transaction, before.id, plan))
  await releaseUnread(
    context,
    before.plan.sources.map((source) => source.stableName),
  )
  for (const table of plan.tables) await database.query(sql`analyze ${identifier(table.schema, table.table)}`)
  onProgress({ phase: 'done', message: 'fresh' })
}

/** Takes back what was prepared for the new query, unless that is in force. Throws `cause` when it can not be told. */
async function leftAsItWas(
  context: RefreshContext,
  before: Definition,
  plan: StoredPlan,
  storage: number | null,
  cause: unknown,
): Promise<boolean> {
  const { database } = context
  try {
    if ((await storageOf(database, before)) !== storage) return false
    await database.transaction((transaction) => resetDependencies(transaction, before.id, before.plan))
    await releaseUnread(
      context,
      plan.sources.map((source) => source.stableName),
    )
    return true
  } catch {
    // whoever comes next clears it away; why it failed at first says more
    throw cause
  }
}

/** Its table: a rebuilt stream table has another one. */
async function storageOf(queryable: Queryable, { id }: Definition): Promise<number | null> {
  const [row] = await queryable.query<{ relation: number | null }>(
    sql`select relation::int8::float8 as relation from freshet.stream_table where stream_table_id = ${id}`,
  )
  return row?.relation ?? null
}

function refuseSelf(before: Definition, resolved: Resolved): void {
  const self = [...resolved.facts.relations.values()].find(
    (relation) => relation.schema === before.schema && relation.table === before.table,
  )
  if (self !== undefined)
    throw new FreshetError('CYCLE', `${nameOf(before)} would read itself`, {
      detail: `${nameOf(before)} → ${nameOf(before)}`,
    })
}
