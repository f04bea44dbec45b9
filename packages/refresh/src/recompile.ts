import {
  type Database,
  DEFAULT_PATIENCE,
  displayName,
  FreshetError,
  isFreshetError,
  type Queryable,
  sql,
  withPatience,
} from '@freshet/core'
import type { RefreshContext } from './context.ts'
import { captureSources } from './capture-sources.ts'
import { outputOf } from './citus/output.ts'
import { tryPlan } from './citus/replace-query.ts'
import { pushDown, takeFromWorkers } from './citus/push-down.ts'
import { makePlan } from './create.ts'
import { currentName, type Definition, keptMode, loadDefinition, nameOf, type StoredPlan } from './definition.ts'
import { resetDependencies } from './dependencies.ts'
import { bumpVersion } from './emission.ts'
import { followNames } from './follow-names.ts'
import { lockState } from './full.ts'
import { LENT } from './immediate/disengage.ts'
import { dropHooks } from './immediate/hooks.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { unwatched } from './progress.ts'
import { alteredMeanwhile, isUnaltered, rebuild } from './rebuild.ts'
import { refuseCycle } from './refuse-cycle.ts'
import { requireCapture } from './require-sources.ts'
import { changesOf, recordReferences } from './resolve/references.ts'
import { type Resolved, resolveQuery } from './resolve/resolve.ts'
import { usingSources } from './sources-in-use.ts'

/**
 * Compiles a stream table again: something that its query refers to has changed, or another version of the compiler
 * made its plan. Names are followed first: the query stays the same when what it reads is called otherwise.
 *
 *   its tables would look the same       it goes on with the new plan, after a full refresh
 *   only their storage would differ      (a key was lost) they are made anew, under the same name
 *   its columns would differ, or the     it says so, and changes nothing: others may rely on the columns, and the user
 *   query has lost its meaning           decides
 */
export type RecompileReason = 'SOURCE_CHANGED' | 'NEW_COMPILER'

export async function recompile(context: RefreshContext, before: Definition, reason: RecompileReason): Promise<void> {
  await oneAtATime(context.database, before, 'refuse', async () => {
    if (!(await isUnaltered(context.database, before.id, before.plan))) throw alteredMeanwhile(before)
    if (before.pushed.length > 0) await takeFromWorkers(context.database, before.id)
    await compileAgain(context, { ...before, pushed: [] }, reason)
  })
}

async function compileAgain(context: RefreshContext, before: Definition, reason: RecompileReason): Promise<void> {
  const { database } = context
  const definition = await followOwnName(database, before)
  const followed = await followNames(database, definition)
  const resolved = await resolveAgain(context, definition, followed)
  await refuseCycle(database, definition, resolved)
  // An immediate one is maintained by deltas: where the query has none any more, that is an error.
  const plan = await makePlan(database, resolved, definition, definition.mode, outputOf(before.plan))
  const rebuilt = layout(plan) !== layout(before.plan)
  if (rebuilt && !(await looksTheSame(database, definition, resolved)))
    throw await changed(database, definition, 'its columns would have other names or types')
  const query = followed === definition.definition ? definition.query : followed
  await usingSources(context, before, plan, async () => {
    await captureSources(context, resolved.facts, plan, unwatched)
    // as they are captured now, which may be elsewhere
    const { placed } = await loadDefinition(database, before.id)
    const now = { ...definition, placed }
    const possible = await tryPlan(database, { before: now, resolved, plan, mode: definition.mode })
    await replacePlan(context, { before, definition: now, resolved, plan: possible, query, rebuilt, reason })
    await pushDown(database, before.id, plan)
  })
}

interface Recompiled {
  readonly before: Definition
  /** The same under its present name. */
  readonly definition: Definition
  readonly resolved: Resolved
  readonly plan: StoredPlan
  readonly query: string
  /** Its tables have to be made anew. */
  readonly rebuilt: boolean
  readonly reason: RecompileReason
}

async function replacePlan(
  context: RefreshContext,
  { before, definition, resolved, plan, query, rebuilt, reason }: Recompiled,
): Promise<void> {
  const { database } = context
  if (rebuilt) {
    // Waits for writers that are about to write to the old tables; those that come leave a marked table alone.
    if (definition.mode === 'immediate')
      await withPatience(database, DEFAULT_PATIENCE, (transaction) => dropHooks(transaction, definition))
    const { settings, mode } = definition
    const rebuilding = { before: definition, resolved, plan, query, mode, why: reason, initiatedBy: 'refresh' }
    await rebuild(context, settings, rebuilding)
  }
  await database.transaction(async (transaction) => {
    await lockState(transaction, definition.id, true)
    if (!(await isUnaltered(transaction, before.id, rebuilt ? plan : before.plan))) throw alteredMeanwhile(before)
    const kept = keptMode(plan, definition.mode)
    await transaction.query(sql`
      update freshet.stream_table set schema_name = ${definition.schema}, table_name = ${definition.table},
        plan = ${JSON.stringify(plan)}::jsonb, query = ${query}, definition = ${resolved.facts.definition},
        effective_mode = ${kept.effective},
        mode_reason = case when mode_reason = ${LENT} then mode_reason else ${kept.reason} end,
        mode_detail = case when mode_reason = ${LENT} then mode_detail else ${kept.detail} end
      where stream_table_id = ${definition.id}`)
    await transaction.query(sql`
      update freshet.source set schema_name = ${definition.schema}, table_name = ${definition.table}
      where stable_name = ${definition.stableName}`)
    await resetDependencies(transaction, definition.id, plan)
    // what was filled anew is as it is to be
    if (rebuilt) return bumpVersion(transaction, definition.id)
    await recordReferences(transaction, definition.id, resolved.references)
    // a reason that was there before tells more
    await markReinitialize(
      transaction,
      definition.id,
      reason === 'NEW_COMPILER' ? (definition.reinitialize ?? reason) : reason,
    )
  })
}

/** What the query refers to is not what the plan was compiled for: the next refresh is a full one, of a new plan. */
export async function adapt(context: RefreshContext, definition: Definition): Promise<void> {
  // First of all, and for good: whatever was captured meanwhile can not be trusted, even if the shape comes back.
  await markReinitialize(context.database, definition.id, 'SOURCE_CHANGED')
  // Also where it can not go on: writers must not be left with a trigger that does not fit their table.
  await requireCapture(context, definition)
  await recompile(context, definition, 'SOURCE_CHANGED')
}

/** From now on only a full refresh can make the table right. */
export async function markReinitialize(queryable: Queryable, id: number, reason: string): Promise<void> {
  await queryable.query(sql`
    update freshet.stream_table_state set reinitialize = ${reason}, version = freshet.next_version(version) where stream_table_id = ${id}`)
}

/** The stream table as it is called now: somebody may have renamed it, or moved it to another schema. */
async function followOwnName(database: Database, definition: Definition): Promise<Definition> {
  const own = await currentName(database, definition)
  if (own !== undefined) return { ...definition, ...own }
  throw new FreshetError('UNKNOWN_RELATION', `the table of the stream table ${nameOf(definition)} was dropped`, {
    hint: `freshet drop ${nameOf(definition)}, and create it again if it is still wanted.`,
  })
}

async function resolveAgain(context: RefreshContext, definition: Definition, query: string): Promise<Resolved> {
  try {
    return await resolveQuery(context.database, query)
  } catch (error) {
    if (isFreshetError(error) && error.retry === 'definition')
      throw await changed(context.database, definition, error.message)
    throw error
  }
}

/** What has changed comes first: that is what the user did. */
async function changed(queryable: Queryable, definition: Definition, consequence: string): Promise<FreshetError> {
  const name = nameOf(definition)
  const changes = await changesOf(queryable, definition.id)
  const what = changes.length === 0 ? 'a source has changed' : changes.join('; ')
  return new FreshetError('SOURCE_CHANGED', `${name} can not go on: ${what}`, {
    detail: consequence,
    hint: `Undo the change and run: freshet resume ${name}. Or give it a query that fits: freshet alter ${name} --query …`,
  })
}

/** What is created, whatever it is called. */
function layout(plan: StoredPlan): string {
  return JSON.stringify(plan.tables.map(({ create }) => create.slice(create.indexOf('('))))
}

/** Whether those who read the stream table would find the columns that they know. */
async function looksTheSame(
  queryable: Queryable,
  definition: Pick<Definition, 'schema' | 'table'>,
  { facts }: Resolved,
): Promise<boolean> {
  const columns = await queryable.query<{ name: string; type: string }>(sql`
    select a.attname as name, pg_catalog.format_type(a.atttypid, a.atttypmod) as type
    from pg_catalog.pg_attribute a
    where a.attrelid = to_regclass(${displayName(definition)}) and a.attnum > 0 and not a.attisdropped and a.attname !~ '^__'
    order by a.attnum`)
  const wanted = facts.columns.map(({ name, type }) => ({ name, type: type.sql }))
  return JSON.stringify(columns) === JSON.stringify(wanted)
}
