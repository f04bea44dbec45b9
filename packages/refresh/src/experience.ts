import { type Queryable, type Sql, sql } from '@freshet/core'
import { type Decision, forgoneMsOf, leavesState } from './choose.ts'
import { learn, NO_EXPERIENCE, type Experience, type Observation } from './cost-model.ts'

/** What the history says of a stream table's refreshes: one statement, over indexes, however long the history is. */
export async function loadExperience(queryable: Queryable, id: number): Promise<Experience> {
  const rows = await queryable.query<HistoryRow>(
    sql`
    with own as (select * from freshet.refresh_history where stream_table_id = ${id}),
    telling as (
      (select * from own where action = 'differential' and error is null order by refresh_id desc limit ${LAST})
      union
      (select * from own where change_rows > 1000 and error is null order by refresh_id desc limit ${LAST})
      union
      (select * from own where action <> 'differential' and error is null order by refresh_id desc limit ${LAST})
    )
    select case when action = 'initial' or reason = 'ALTERED' then 'fill' else action end as action, greatest(extract(epoch from finished_at - started_at) * 1000, 0)::float8 as ms,
      change_rows::float8 as "changeRows", source_rows::float8 as "sourceRows", decision
    from telling order by refresh_id`,
    { prepared: true },
  )
  return rows.reduce((known, { action, ms, changeRows, sourceRows, decision }) => {
    return learn(known, action === 'full' ? fullSeen(ms, sourceRows, decision) : { action, ms, changeRows, sourceRows })
  }, NO_EXPERIENCE)
}

/** What a full refresh tells; `decision`: why it was preferred, where it was. */
export function fullSeen(ms: number, sourceRows: number | null, decision: RecordedDecision | null): Observation {
  return {
    action: 'full',
    ms,
    sourceRows,
    preferredAt: decision !== null && leavesState(decision) ? decision.changeRows : null,
    answerOnly: decision?.answerOnly === true,
    forgoneMs: decision === null ? 0 : forgoneMsOf(decision),
  }
}

/** As the history has it. */
export type RecordedDecision = Decision & { readonly answerOnly?: boolean }

/** Enough for a few octaves. */
const LAST = 25

interface HistoryRow {
  readonly action: 'fill' | 'full' | 'differential'
  readonly ms: number
  readonly changeRows: number
  readonly sourceRows: number | null
  readonly decision: RecordedDecision | null
}

/**
 * Writes down why the refresh of this same transaction was a differential one, if there was one, and answers with the
 * milliseconds that it took on the server: without the planning that a prepared statement needs once.
 */
export function recordDecision(id: number, decision: Decision): Sql {
  const json = JSON.stringify(decision)
  return sql`
    with entry as (
      update freshet.refresh_history set reason = ${decision.reason}, decision = ${json}::jsonb
      where refresh_id = (select max(refresh_id) from freshet.refresh_history where stream_table_id = ${id})
        and xmin = pg_current_xact_id_if_assigned()::xid
      returning (extract(epoch from finished_at - started_at) * 1000)::float8 as ms
    ),
    state as (
      update freshet.stream_table_state set decision = ${json}::jsonb || jsonb_build_object('decidedAt', clock_timestamp())
      where stream_table_id = ${id} and exists (select from entry)
    )
    select ms from entry`
}
