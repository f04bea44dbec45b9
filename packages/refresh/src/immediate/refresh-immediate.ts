import {
  displayName,
  isFreshetError,
  type Queryable,
  type RefreshOptions,
  type RefreshOutcome,
  sql,
  whenUnclaimed,
} from '@freshet/core'
import type { RefreshContext } from '../context.ts'
import { COMPILER_VERSION, type Definition, loadDefinition } from '../definition.ts'
import { adapt, recompile } from '../recompile.ts'
import { queryChanged } from '../resolve/references.ts'
import { engage, releaseCapture } from './engage.ts'

/**
 * A refresh of an immediate stream table finds nothing to do: it is equal to its query at every commit. Unless it was
 * marked, a hook is missing, or somebody asks for all of it: then the hooks are made anew and everything is recomputed.
 */
export async function refreshImmediate(
  context: RefreshContext,
  definition: Definition,
  options: RefreshOptions,
): Promise<Pick<RefreshOutcome, 'action' | 'reason' | 'rowsInserted' | 'rowsDeleted'>> {
  const outdated = definition.plan.compiler !== COMPILER_VERSION
  const reason = await fullReason(context, definition, options)
  if (reason === null && !outdated) {
    await whenUnclaimed(context.database, definition, () => releaseCapture(context, definition.plan))
    return { action: 'none', reason: null, rowsInserted: 0, rowsDeleted: 0 }
  }
  // Where that fails, the table stays marked, and its writers leave it alone.
  if (outdated) await recompile(context, definition, 'NEW_COMPILER')
  else if (reason === 'SOURCE_CHANGED') await adapt(context, definition)
  const full = reason ?? 'NEW_COMPILER'
  const again = () => engage(context, definition.id, { full, initiatedBy: options.initiatedBy ?? 'manual' })
  const result = await again().catch(async (error: unknown) => {
    // A source changed while this went on: then that is what is said, or followed.
    if (!isFreshetError(error) || error.retry !== 'definition') throw error
    if (!(await queryChanged(context.database, definition.id))) throw error
    await adapt(context, definition)
    return again()
  })
  return { action: 'full', reason: full, ...result }
}

async function fullReason(
  context: RefreshContext,
  definition: Definition,
  options: RefreshOptions,
): Promise<string | null> {
  if (await queryChanged(context.database, definition.id)) return 'SOURCE_CHANGED'
  const { reinitialize } = await loadDefinition(context.database, definition.id)
  if (reinitialize !== null && reinitialize !== 'PAUSED') return reinitialize
  if ((await faultsOf(context.database, definition.id)).length > 0) return 'CAPTURE_BROKEN'
  return options.full === true ? 'REQUESTED' : reinitialize
}

/** Hooks that are missing, disabled, or on what is no source any more. */
export async function faultsOf(queryable: Queryable, id: number): Promise<readonly string[]> {
  const faults = await queryable.query<{ schema: string; table: string; detail: string }>(sql`
    select schema_name as schema, table_name as table, detail from freshet.immediate_fault
    where stream_table_id = ${id} order by 1, 2`)
  return faults.map(({ detail, ...relation }) => `${displayName(relation)}: ${detail}`)
}
