import { type Queryable, sql } from '@freshet/core'

/**
 * Removes history older than `retentionMs`, at most `limit` rows; returns how many. Oldest first along the index on
 * `started_at`, and past rows that another scheduler is removing. The time is the statement's: one that goes on while it
 * runs can not bound the search, and where nothing is left to remove every row would be looked at.
 */
export async function pruneHistory(database: Queryable, retentionMs: number, limit: number): Promise<number> {
  const [row] = await database.query<{ pruned: number }>(
    sql`with expired as materialized (
        select refresh_id from freshet.refresh_history
        where started_at < statement_timestamp() - ${retentionMs}::float8 * interval '1 millisecond'
        order by started_at
        limit ${limit}
        for update skip locked
      ),
      pruned as (
        delete from freshet.refresh_history h using expired where h.refresh_id = expired.refresh_id returning 1
      )
      select count(*)::int as pruned from pruned`,
    { prepared: true },
  )
  return row?.pruned ?? 0
}
