import type { RefreshContext } from './context.ts'
import { type Definition, listDefinitions, type StoredPlan } from './definition.ts'
import { addDependencies, resetDependencies } from './dependencies.ts'
import { releaseUnread } from './drop.ts'

/**
 * While a plan takes the place of another, the sources of both are in use: the catalog says so before the new ones are
 * captured. Afterwards those that nobody reads any more are released, whichever of the two plans it has come to be.
 */
export async function usingSources<T>(
  context: RefreshContext,
  before: Pick<Definition, 'id' | 'plan'>,
  plan: StoredPlan,
  work: () => Promise<T>,
): Promise<T> {
  const { database } = context
  await database.transaction((transaction) => addDependencies(transaction, before, plan))
  const release = ({ sources }: StoredPlan) =>
    releaseUnread(
      context,
      sources.map(({ stableName }) => stableName),
    )
  let result: T
  try {
    result = await work()
  } catch (error) {
    await database.transaction(async (transaction) => {
      const current = (await listDefinitions(transaction)).find(({ id }) => id === before.id)
      if (current !== undefined) await resetDependencies(transaction, before.id, current.plan)
    })
    await release(plan)
    throw error
  }
  await release(before.plan)
  return result
}
