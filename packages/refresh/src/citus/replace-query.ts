import { type Database, FreshetError, isFreshetError } from '@freshet/core'
import { captureSources } from '../capture-sources.ts'
import type { RefreshContext } from '../context.ts'
import { createTables } from '../create-tables.ts'
import { type Definition, loadDefinition, nameOf, type StoredPlan } from '../definition.ts'
import type { OnProgress } from '../progress.ts'
import { besideOf, rebuild, type Rebuilding } from '../rebuild.ts'
import { usingSources } from '../sources-in-use.ts'
import { withinCitus } from './limit.ts'
import { pushDown } from './push-down.ts'
import { removeUnreadQueues } from './queues.ts'

/**
 * Another query, or another place, for a stream table that reads or has rows on other nodes: filled beside it and put in
 * its place in one transaction (`rebuild.ts`), for only so are rows and changes of each shard read in one snapshot. Until
 * that commits it can be read, and is not refreshed; its queues on the workers go in that transaction, and others begin
 * after it, for which one more full refresh follows.
 *
 * For how long readers were locked out, in milliseconds.
 */
export async function replaceQuery(
  context: RefreshContext,
  wanted: Pick<Rebuilding, 'before' | 'resolved' | 'plan' | 'query' | 'mode'>,
  onProgress: OnProgress,
): Promise<number> {
  const { database } = context
  const { before, resolved, plan, mode } = wanted
  return usingSources(context, before, plan, async () => {
    await captureSources(context, resolved.facts, plan, onProgress)
    // as the catalog has it now that all of its sources are captured
    const live = await loadDefinition(database, before.id)
    const possible = await tryPlan(database, { before: live, resolved, plan, mode })
    onProgress({ phase: 'fill', message: 'filling what takes its place' })
    const lockedMs = await rebuild(context, resolved.settings, {
      ...wanted,
      before: live,
      plan: possible,
      why: 'ALTERED',
      initiatedBy: 'alter',
    }).catch((error: unknown) => {
      throw refusedByCitus(before, error)
    })
    onProgress({ phase: 'swap', message: `in its place; readers waited ${lockedMs.toFixed(1)} ms at most`, lockedMs })
    await pushDown(database, before.id, plan)
    if (live.pushed.length > 0) await removeUnreadQueues(database)
    return lockedMs
  })
}

/** What was given to the table, Citus may not be able to give to another: a view that it knows over a table that it does not. */
function refusedByCitus(before: Definition, error: unknown): unknown {
  if (!isFreshetError(error) || error.sqlState !== '0A000') return error
  return new FreshetError('CITUS_UNSUPPORTED', `${nameOf(before)} can not be replaced: ${error.message}`, {
    hint: 'Drop what Citus names, and make it again afterwards; or leave the stream table where it is.',
    cause: error,
  })
}

/** The plan as far as Citus can carry it out, found out by tables of the same kind, in a transaction that is rolled back. */
export async function tryPlan(
  database: Database,
  trying: Pick<Rebuilding, 'before' | 'resolved' | 'plan' | 'mode'>,
): Promise<StoredPlan> {
  const { plan, mode } = trying
  const names = plan.sources.map(({ stableName }) => stableName)
  const placed = trying.before.placed.filter((name) => names.includes(name))
  if (placed.length === 0 && plan.output === undefined) return plan
  const beside: Definition = { ...(await besideOf(database, trying)), placed }
  return withinCitus(database, beside, plan, {
    mode,
    create: (transaction) => createTables(transaction, beside, beside.plan),
  })
}
