import {
  adoptCluster,
  type FreshetError,
  isInstalledHere,
  rebuildCatalogObjects,
  requireSchema,
  settleUnits,
  toFreshetError,
  unreadSources,
  whenUnclaimed,
} from '@freshet/core'
import type { RefreshContext } from '../context.ts'
import { type Definition, listDefinitions, nameOf } from '../definition.ts'
import { releaseUnread } from '../drop.ts'
import { isLent } from '../immediate/disengage.ts'
import { engage } from '../immediate/engage.ts'
import { faultsOf, refreshImmediate } from '../immediate/refresh-immediate.ts'
import { rebuildDependencies, rebuildStates, relocateTable } from './catalog-rows.ts'
import { rebuildGuard } from './guard.ts'
import { repairCapture, repairOutput } from './sources.ts'
import { rebuildStages } from './stages.ts'
import { removeAbandonedShadows } from '../shadow/abandoned.ts'
import { discardUnfinished, dropStrayDependencies, strayDependencies } from '../unfinished.ts'

/**
 * Rebuilds what is missing around stream tables: functions and views of the catalog, rows of it that follow from others,
 * guards, inner stages, change buffers, triggers and their functions. Nothing of that holds data that is not elsewhere.
 *
 * Whatever was missing may have let changes or writes pass unseen, so the stream tables concerned are marked and filled
 * anew by their next refresh (L7). What is whole is only looked at. What can not be rebuilt is told, with the reason,
 * and does not keep the rest from being repaired.
 */
export interface RepairReport {
  readonly repaired: readonly { readonly subject: string; readonly message: string }[]
  readonly failed: readonly { readonly subject: string; readonly error: FreshetError }[]
}

export async function repair(context: RefreshContext): Promise<RepairReport> {
  const { database, capture } = context
  await requireSchema(database)
  if (!(await isInstalledHere(database))) await database.transaction(adoptCluster)
  const repaired: { readonly subject: string; readonly message: string }[] = []
  const failed: { readonly subject: string; readonly error: FreshetError }[] = []
  const attempt = async (subject: string, work: () => Promise<readonly string[]>) => {
    try {
      for (const message of await work()) repaired.push({ subject, message })
    } catch (error) {
      failed.push({ subject, error: toFreshetError(error) })
    }
  }
  await attempt('catalog', async () => (await rebuildCatalogObjects(database)).map((name) => `${name} was missing`))
  for (const { name } of await rebuildStates(database))
    repaired.push({ subject: name, message: 'its state was missing' })

  await attempt('shadows', async () => {
    repaired.push(...(await removeAbandonedShadows(context)))
    return []
  })
  // one that is being created is its creator's business
  const all = await listDefinitions(database)
  for (const definition of all.filter(({ status }) => status === 'initializing'))
    await attempt(nameOf(definition), () => discardUnfinished(context, definition))
  const definitions = all.filter(({ status }) => status !== 'initializing')
  for (const definition of definitions) {
    await attempt(nameOf(definition), async () => [
      ...(await endAlteration(context, definition)),
      ...(await rebuildDependencies(database, definition)),
      ...(await relocateTable(database, definition)),
      ...(await rebuildStages(database, definition)),
      ...(await rebuildGuard(database, definition)),
      ...(await repairOutput(database, definition)),
    ])
  }
  for (const source of sourcesOf(definitions)) await attempt(source.subject, () => repairCapture(context, source))
  for (const definition of definitions.filter(({ mode }) => mode === 'immediate'))
    await attempt(nameOf(definition), () => repairHooks(context, definition))
  for (const { subject, stableName } of await unreadSources(database))
    await attempt(subject, async () => {
      await releaseUnread(context, [stableName])
      return ['it was captured, and nothing read it']
    })
  await attempt('units', async () => {
    await settleUnits(database)
    return []
  })
  await attempt('stream', async () =>
    (await capture.removeLeftovers(database)).map((what) => `${what} was left behind, and served no source`),
  )
  return { repaired, failed }
}

/** One that a process has broken off: what it took is given back. */
async function endAlteration(context: RefreshContext, definition: Definition): Promise<readonly string[]> {
  const { database } = context
  const done = await whenUnclaimed(database, definition, async () => {
    const stray = await strayDependencies(database, definition)
    if (stray.length > 0) await dropStrayDependencies(database, definition)
    const lent = await isLent(database, definition.id)
    if (lent) await engage(context, definition.id, { full: null, initiatedBy: 'repair' })
    return [
      ...stray.map((source) => `that it reads ${source} was recorded by an alteration that was interrupted`),
      ...(lent ? ['an alteration was interrupted, after which it was to be immediate again'] : []),
    ]
  })
  return done?.result ?? []
}

async function repairHooks(context: RefreshContext, definition: Definition): Promise<readonly string[]> {
  const faults = await faultsOf(context.database, definition.id)
  if (faults.length === 0) return []
  await refreshImmediate(context, definition, { initiatedBy: 'repair' })
  return faults
}

/** The captured sources of these stream tables; each once. */
function sourcesOf(definitions: readonly Definition[]) {
  const streams = new Set(definitions.map(({ stableName }) => stableName))
  const sources = new Map<string, { subject: string; source: Definition['plan']['sources'][number] }>()
  for (const { mode, plan } of definitions) {
    if (mode === 'immediate') continue
    for (const source of plan.sources)
      if (!streams.has(source.stableName)) sources.set(source.stableName, { subject: nameOf(source), source })
  }
  return [...sources.values()]
}
