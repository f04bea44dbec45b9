import { type Backoff, backoffMs, type Database, type FreshetError, sql } from '@freshet/core'
import { consequenceOf } from './consequence.ts'
import { type Status, transition } from './lifecycle.ts'

/**
 * A failed refresh rolled back and left nothing; what it means for the table is recorded here, in a transaction of its
 * own: one more error in a row, when to try again (by the server's clock, so that all schedulers agree), and a line in
 * the history. Errors that only a person can mend suspend the table when there were too many; transient ones never do,
 * and a blown fuse does at once.
 */
export interface FailurePolicy {
  readonly backoff: Backoff
  readonly maxConsecutiveErrors: number
}

export interface FailureRecord {
  readonly consecutiveErrors: number
  readonly status: Status
  readonly statusReason: string | null
  readonly retryInMs: number
}

export interface Failure {
  readonly streamTable: number
  readonly error: FreshetError
  readonly durationMs: number
  readonly initiatedBy: string
  /** In [0, 1), for the jitter. */
  readonly random: number
}

interface StateRow {
  readonly status: Status
  readonly statusReason: string | null
  readonly consecutiveErrors: number
}

/** Null when the table is gone. */
export async function recordFailure(
  database: Database,
  policy: FailurePolicy,
  failure: Failure,
): Promise<FailureRecord | null> {
  const { streamTable, error } = failure
  return database.transaction(async (transaction) => {
    const [state] = await transaction.query<StateRow>(sql`
      select status, status_reason as "statusReason", consecutive_errors as "consecutiveErrors"
      from freshet.stream_table_state where stream_table_id = ${streamTable} for update`)
    if (state === undefined) return null
    const record = afterFailure(policy, state, failure)
    await transaction.query(sql`
      update freshet.stream_table_state
      set consecutive_errors = ${record.consecutiveErrors}, last_error = ${JSON.stringify(error)}::jsonb,
        status = ${record.status}, status_reason = ${record.statusReason},
        retry_at = clock_timestamp() + ${record.retryInMs}::float8 * interval '1 millisecond'
      where stream_table_id = ${streamTable}`)
    await transaction.query(sql`
      insert into freshet.refresh_history (stream_table_id, started_at, action, initiated_by, error)
      select stream_table_id, clock_timestamp() - ${failure.durationMs}::float8 * interval '1 millisecond',
        effective_mode, ${failure.initiatedBy}, ${JSON.stringify(error)}::jsonb
      from freshet.stream_table where stream_table_id = ${streamTable}`)
    return record
  })
}

export function afterFailure(policy: FailurePolicy, state: StateRow, failure: Failure): FailureRecord {
  const { error, random } = failure
  const consecutiveErrors = state.consecutiveErrors + 1
  const consequence = consequenceOf(error.code)
  const blown = consequence === 'suspend'
  const hopeless = consequence === 'give up' && consecutiveErrors >= policy.maxConsecutiveErrors
  const status = transition(state.status, blown || hopeless ? 'gave_up' : 'failed')
  const last = `${error.code}: ${error.message}`
  return {
    consecutiveErrors,
    status,
    statusReason:
      status === 'suspended' && state.status !== 'suspended'
        ? blown
          ? last
          : `gave up after ${consecutiveErrors} errors in a row; the last was ${last}`
        : state.statusReason,
    retryInMs: backoffMs(policy.backoff, consecutiveErrors, random),
  }
}

/** Forgets the errors of a table that refreshes again. Writes nothing when there were none. */
export async function recordSuccess(database: Database, streamTable: number): Promise<void> {
  await database.query(sql`
    update freshet.stream_table_state
    set consecutive_errors = 0, last_error = null, retry_at = null
    where stream_table_id = ${streamTable} and (consecutive_errors > 0 or retry_at is not null)`)
}
