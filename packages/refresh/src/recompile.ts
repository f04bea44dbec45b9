import { FreshetError, isFreshetError, type Queryable, sql } from '@freshet/core'
import type { RefreshContext } from './context.ts'
import { captureSources, makePlan, recordDependencies } from './create.ts'
import { type Definition, nameOf, type StoredPlan } from './definition.ts'
import { lockState } from './full.ts'
import { unwatched } from './progress.ts'
import { type Resolved, resolveQuery } from './resolve/resolve.ts'

/**
 * Compiles a stream table again: its sources have changed their shape, or another version of the compiler made its plan. Where its own tables would look the same,
 * it goes on with the new plan, after a full refresh; where they would not, or the query has lost its meaning, it says
 * so, and the user decides.
 */
export async function recompile(
  context: RefreshContext,
  definition: Definition,
  reason: 'SOURCE_CHANGED' | 'NEW_COMPILER',
): Promise<void> {
  const { database } = context
  const resolved = await resolveAgain(context, definition)
  const plan = await makePlan(database, resolved, definition, definition.mode)
  if (layout(plan) !== layout(definition.plan)) {
    throw changed(definition, 'Its columns would have other types, or another key.')
  }
  await captureSources(context, resolved.facts, plan, unwatched)
  await database.transaction(async (transaction) => {
    await lockState(transaction, definition.id, true)
    await transaction.query(sql`
      update freshet.stream_table set plan = ${JSON.stringify(plan)}::jsonb where stream_table_id = ${definition.id}`)
    await transaction.query(sql`delete from freshet.dependency where stream_table_id = ${definition.id}`)
    await recordDependencies(transaction, definition.id, plan)
    // a reason that was there before tells more
    await markReinitialize(
      transaction,
      definition.id,
      reason === 'NEW_COMPILER' ? (definition.reinitialize ?? reason) : reason,
    )
  })
}

/** From now on only a full refresh can make the table right. */
export async function markReinitialize(queryable: Queryable, id: number, reason: string): Promise<void> {
  await queryable.query(sql`
    update freshet.stream_table_state set reinitialize = ${reason}, version = version + 1 where stream_table_id = ${id}`)
}

async function resolveAgain(context: RefreshContext, definition: Definition): Promise<Resolved> {
  try {
    return await resolveQuery(context.database, definition.definition)
  } catch (error) {
    if (isFreshetError(error) && error.retry === 'definition') throw changed(definition, error.message)
    throw error
  }
}

function changed(definition: Definition, detail: string): FreshetError {
  return new FreshetError('SOURCE_CHANGED', `a source of ${nameOf(definition)} has changed`, { detail })
}

function layout(plan: StoredPlan): string {
  return JSON.stringify(plan.tables.map((table) => table.create))
}
