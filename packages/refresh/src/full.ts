import { FreshetError, type Queryable, raw, sql } from '@freshet/core'
import { nameOf, type Definition } from './definition.ts'

/**
 * A full refresh inside a REPEATABLE READ transaction, whose snapshot is F₁: every state table is recomputed and
 * compared, and only what differs is written, so that consumers see a true delta.
 */
export interface FullResult {
  readonly rowsInserted: number
  readonly rowsDeleted: number
}

/** The state row, locked; null when another refresher has it. Fails with a conflict when it changed after the snapshot. */
export async function lockState(
  transaction: Queryable,
  id: number,
  wait: boolean,
): Promise<{ readonly version: string; readonly status: string } | null> {
  const rows = await transaction.query<{ version: string; status: string }>(sql`
    select version::text as version, status from freshet.stream_table_state where stream_table_id = ${id}
    for update ${raw(wait ? '' : 'skip locked')}`)
  return rows[0] ?? null
}

export async function replaceAll(transaction: Queryable, definition: Definition): Promise<FullResult> {
  await transaction.query(sql`select set_config('freshet.apply', 'on', true)`)
  let result: FullResult = { rowsInserted: 0, rowsDeleted: 0 }
  for (const table of definition.plan.tables) {
    const statement = definition.emits && table.replaceEmitting !== null ? table.replaceEmitting : table.replace
    const [row] = await transaction.query<{ rows_inserted: number; rows_deleted: number }>(raw(statement))
    if (row === undefined)
      throw new FreshetError('INTERNAL', `a full refresh of ${nameOf(definition)} answered nothing`)
    result = { rowsInserted: row.rows_inserted, rowsDeleted: row.rows_deleted }
  }
  return result
}

/** Fills the empty tables of a new stream table. */
export async function fillAll(transaction: Queryable, definition: Pick<Definition, 'plan'>): Promise<void> {
  await transaction.query(sql`select set_config('freshet.apply', 'on', true)`)
  for (const table of definition.plan.tables) await transaction.query(raw(table.fill))
}

export async function recordFull(
  transaction: Queryable,
  definition: Definition,
  entry: {
    readonly action: 'initial' | 'full'
    readonly reason: string | null
    readonly initiatedBy: string
    readonly result: FullResult
  },
): Promise<void> {
  const names = definition.plan.sources.map((source) => source.stableName)
  await transaction.query(sql`
    update freshet.stream_table_state set
      version = version + 1, refreshed_at = clock_timestamp(), reinitialize = null,
      consecutive_errors = 0, last_error = null, retry_at = null,
      status = case when status = 'initializing' then 'active' else status end,
      frontier = coalesce((
        select jsonb_object_agg(name, jsonb_build_object('0', jsonb_build_object('kind', 'snapshot', 'snapshot', pg_current_snapshot()::text)))
        from unnest(${names}::text[]) name
      ), '{}')
    where stream_table_id = ${definition.id}`)
  await transaction.query(sql`
    insert into freshet.refresh_history (stream_table_id, started_at, action, reason, initiated_by, rows_inserted, rows_deleted)
    values (${definition.id}, transaction_timestamp(), ${entry.action}, ${entry.reason}, ${entry.initiatedBy},
      ${entry.result.rowsInserted}, ${entry.result.rowsDeleted})`)
}
