import { displayName, FreshetError, type Queryable, sql } from '@freshet/core'
import { REASONS } from '@freshet/dvm'
import type { StoredPlan } from '../definition.ts'

/** What a plan can not do in its writers' transactions: known before anything is locked. */
export function refuseImmediate(plan: StoredPlan): void {
  if (plan.refusal !== null)
    throw new FreshetError(
      'NOT_IMMEDIATE',
      `the query can not be kept in its writers' transactions: ${plan.refusal.detail}`,
      {
        detail: `reason ${plan.refusal.code}`,
        hint: REASONS[plan.refusal.code],
      },
    )
  if (plan.placed === true)
    throw new FreshetError(
      'NOT_IMMEDIATE',
      'the query reads a table that Citus has placed, whose writers are on other nodes',
    )
  if (plan.output !== undefined)
    throw new FreshetError('NOT_IMMEDIATE', 'the rows of the stream table are on other nodes than its writers', {
      hint: 'Create it with --placement local.',
    })
  if (plan.alwaysDue)
    throw new FreshetError('NOT_IMMEDIATE', 'the query reads a relation whose changes no trigger can see')
}

/**
 * A deferrable key may be violated inside a transaction, between two of its statements; rows that are told apart by it
 * would be mixed up then.
 */
export async function refuseDeferrableKeys(queryable: Queryable, plan: StoredPlan): Promise<void> {
  const [found] = await queryable.query<{ schema: string; table: string; index: string }>(sql`
    select n.nspname as schema, c.relname as table, x.relname as index
    from pg_catalog.pg_index i
    join pg_catalog.pg_class x on x.oid = i.indexrelid
    join pg_catalog.pg_class c on c.oid = i.indrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where i.indrelid = any(${plan.sources.map(({ oid }) => oid)}::oid[]) and i.indisunique and not i.indimmediate
    order by 1, 2, 3 limit 1`)
  if (found === undefined) return
  throw new FreshetError('NOT_IMMEDIATE', `the key ${found.index} of ${displayName(found)} is deferrable`, {
    detail: 'Between two statements of a transaction it may be violated, and rows could not be told apart.',
    hint: 'Declare the key not deferrable, or use mode auto with the schedule live.',
  })
}
