import type { Queryable, RefreshOptions } from '@freshet/core'
import type { Definition } from './definition.ts'
import { isPending } from './pending-changes.ts'

/** Why the next refresh must be a full one; null when it need not be. */
export async function fullReason(
  queryable: Queryable,
  definition: Definition,
  options: RefreshOptions,
): Promise<string | null> {
  if (options.full === true) return 'REQUESTED'
  if (definition.reinitialize !== null) return definition.reinitialize
  if (definition.snapshots.includes(null) || definition.status === 'initializing') return 'INITIAL'
  if (definition.plan.refresh !== null && definition.mode !== 'full') {
    if (!definition.stateBehind) return null
    return (await isPending(queryable, definition)) ? 'STATE_BEHIND' : 'nothing pending'
  }
  const reason = definition.plan.refusal?.code ?? 'REQUESTED'
  return definition.plan.alwaysDue || (await isPending(queryable, definition)) ? reason : 'nothing pending'
}
