import { type ErrorCode, type Queryable, raw } from '@freshet/core'

/** A source that Citus has placed, on one of the nodes that it lies on; see `freshet.citus_status` in the catalog. */
export interface CitusStatus {
  readonly stableName: string
  readonly source: string
  readonly placement: 'managed' | 'reference' | 'distributed' | 'single'
  /** Of the node: it stays when that gets another host or port. */
  readonly group: number
  readonly node: string
  readonly active: boolean
  readonly shards: number
  /** Its buffer and queues are beside its shards. If not, the next refresh captures it anew. */
  readonly inOrder: boolean
  /** Change rows on that node that nobody has collected; null: it can not be asked. */
  readonly waiting: number | null
  readonly waitingIsLowerBound: boolean
  /** Change rows in the queues there of stream tables that are refreshed on the workers. */
  readonly queued: number | null
  /** By a scheduler or a refresh. */
  readonly collectedAt: Date | null
  /** Of a scheduler, to reach the node, in a row. */
  readonly failures: number
  readonly failingSince: Date | null
  readonly failuresTotal: number
  readonly lastFailedAt: Date | null
  readonly lastError: { readonly code: ErrorCode; readonly message: string } | null
  /** Whoever collects has the log to itself: the server process, and since when. */
  readonly collector: number | null
  readonly collectingSince: Date | null
  readonly waitingCollectors: number
}

export function citusStatus(queryable: Queryable): Promise<readonly CitusStatus[]> {
  return queryable.query<CitusStatus>(
    raw(`
    select stable_name as "stableName", source, placement, group_id as "group", node, active, shards, in_order as "inOrder",
      waiting::float8 as waiting, waiting_is_lower_bound as "waitingIsLowerBound", queued::float8 as queued,
      collected_at as "collectedAt", failures, failing_since as "failingSince", failures_total::float8 as "failuresTotal",
      last_failed_at as "lastFailedAt", last_error as "lastError", collector, collecting_since as "collectingSince",
      waiting_collectors as "waitingCollectors"
    from freshet.citus_status()`),
  )
}
