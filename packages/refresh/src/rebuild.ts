import { identifier, type Queryable, sql } from '@freshet/core'
import { createState, guard } from './create.ts'
import { type Definition, keptMode, type StoredPlan } from './definition.ts'
import { dropTables } from './drop.ts'
import { fillAll, lockState, recordFull } from './full.ts'
import { LENT } from './immediate/disengage.ts'
import { recordReferences } from './resolve/references.ts'
import type { Resolved } from './resolve/resolve.ts'

/**
 * Gives a stream table other storage, in one REPEATABLE READ transaction: the old tables go, the new ones are made and
 * filled, so readers see the old answer or the new. Its sources are captured already.
 */
export interface Rebuilding {
  readonly before: Definition
  readonly resolved: Resolved
  readonly plan: StoredPlan
  readonly query: string
  readonly mode: Definition['mode']
  /** The reason code that the history gets. */
  readonly why: string
  readonly initiatedBy: string
}

export async function rebuild(transaction: Queryable, rebuilding: Rebuilding): Promise<void> {
  const { before, resolved, plan, query, mode, why, initiatedBy } = rebuilding
  await lockState(transaction, before.id, true)
  await dropTables(transaction, before, false)
  for (const table of plan.tables) await createState(transaction, table)
  await fillAll(transaction, { plan })
  await guard(transaction, before)
  const kept = keptMode(plan, mode)
  await transaction.query(sql`
    update freshet.stream_table set relation = ${identifier(before.schema, before.table).text}::regclass, query = ${query},
      definition = ${resolved.facts.definition}, mode = ${mode}, effective_mode = ${kept.effective},
      mode_reason = case when mode_reason = ${LENT} then mode_reason else ${kept.reason} end,
      mode_detail = case when mode_reason = ${LENT} then mode_detail else ${kept.detail} end,
      storage = ${plan.storage}, key_columns = ${[...plan.keyColumns]}::text[], plan = ${JSON.stringify(plan)}::jsonb,
      session_settings = ${JSON.stringify(resolved.settings)}::jsonb, altered_at = clock_timestamp()
    where stream_table_id = ${before.id}`)
  await recordReferences(transaction, before.id, resolved.references)
  const changed: Definition = { ...before, plan, query, mode }
  const [count] = await transaction.query<{ rows: number }>(
    sql`select count(*)::float8 as rows from ${identifier(before.schema, before.table)}`,
  )
  const result = { rowsInserted: count?.rows ?? 0, rowsDeleted: 0 }
  await recordFull(transaction, changed, { action: 'full', reason: why, initiatedBy, result })
}
