import {
  type Database,
  DEFAULT_PATIENCE,
  FreshetError,
  identifier,
  type Queryable,
  sql,
  whileRefused,
} from '@freshet/core'
import { createState } from './create.ts'
import { guard } from './guard.ts'
import { type Definition, keptMode, loadDefinition, nameOf, type StoredPlan } from './definition.ts'
import { dropTables } from './drop.ts'
import { restartEmitting } from './emission.ts'
import { fillAll, lockState, recordFull } from './full.ts'
import { LENT } from './immediate/disengage.ts'
import { recordReferences } from './resolve/references.ts'
import type { Resolved } from './resolve/resolve.ts'
import { oneSnapshot } from './sessions.ts'

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

export async function rebuild(
  database: Database,
  settings: Definition['settings'],
  rebuilding: Rebuilding,
): Promise<void> {
  const { before, plan } = rebuilding
  const done = await whileRefused(DEFAULT_PATIENCE.patienceMs, async () => {
    // Waits for a refresh while it holds nothing.
    await database.transaction((transaction) => lockState(transaction, before.id, true))
    return oneSnapshot(database, { settings, plan }, (transaction) => replace(transaction, rebuilding))
  })
  if (!done) throw alteredMeanwhile(before)
}

/** Asked behind the lock of its state: whether it is still what was looked at. Else another process was faster. */
export async function isUnaltered(queryable: Queryable, id: number, plan: StoredPlan): Promise<boolean> {
  const current = await loadDefinition(queryable, id)
  return JSON.stringify(current.plan) === JSON.stringify(plan)
}

export function alteredMeanwhile(definition: Definition): FreshetError {
  return new FreshetError('TRANSACTION_CONFLICT', `${nameOf(definition)} was altered by somebody else meanwhile`)
}

async function replace(transaction: Queryable, rebuilding: Rebuilding): Promise<boolean> {
  const { before, resolved, plan, query, mode, why, initiatedBy } = rebuilding
  await lockState(transaction, before.id, true)
  if (!(await isUnaltered(transaction, before.id, before.plan))) return false
  // Before the long part: nobody trims its buffer meanwhile, which is to go.
  await transaction.query(sql`select from freshet.source where stable_name = ${before.stableName} for update`)
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
  await restartEmitting(transaction, before.id)
  return true
}
