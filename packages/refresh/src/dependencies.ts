import { type Queryable, sql } from '@freshet/core'
import type { Definition, StoredPlan } from './definition.ts'

/**
 * Which sources a stream table reads, in the catalog. As long as it says so, nobody ends their capture; so it is written
 * and committed before they are captured, and taken back after they are no longer read.
 */
export async function recordDependencies(transaction: Queryable, id: number, plan: StoredPlan): Promise<void> {
  for (const source of plan.sources) {
    await transaction.query(sql`
      insert into freshet.dependency (stream_table_id, stable_name, columns) values (${id}, ${source.stableName}, ${[...source.columns]}::text[])
      on conflict (stream_table_id, stable_name) do update set columns = excluded.columns`)
  }
}

/** While a query changes, the sources of the old and of the new one are both in use. */
export async function addDependencies(
  transaction: Queryable,
  before: Pick<Definition, 'id' | 'plan'>,
  plan: StoredPlan,
): Promise<void> {
  const known = new Set(before.plan.sources.map((source) => source.stableName))
  await recordDependencies(transaction, before.id, {
    ...plan,
    sources: plan.sources.filter((source) => !known.has(source.stableName)),
  })
}

export async function resetDependencies(transaction: Queryable, id: number, plan: StoredPlan): Promise<void> {
  await transaction.query(sql`delete from freshet.dependency where stream_table_id = ${id}`)
  await recordDependencies(transaction, id, plan)
}
