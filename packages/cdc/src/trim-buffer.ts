import { bufferTable, type Fragment, printSnapshot, type Queryable, type Snapshot, sql } from '@freshet/core'
import { logTable, packTable } from './capture-names.ts'

/**
 * Removes what every consumer has read. Row by row and in bounded batches, never by TRUNCATE: that would take along
 * what writers have not committed yet. A pack counts as one row.
 */
export async function trimBuffer(
  database: Queryable,
  stableName: string,
  consumed: Snapshot,
  limit: number,
): Promise<number> {
  const [found] = await database.query<{ log: boolean; buffer: boolean }>(
    sql`select to_regclass(${logTable(stableName).text}) is not null as log,
      to_regclass(${bufferTable(stableName).text}) is not null as buffer`,
    { prepared: true },
  )
  // the buffer of a stream table, which its own refresh writes, is a plain table
  if (found?.log !== true)
    return found?.buffer === true ? trimTable(database, bufferTable(stableName), consumed, limit) : 0
  const rows = await trimTable(database, logTable(stableName), consumed, limit)
  return rows < limit ? rows + (await trimTable(database, packTable(stableName), consumed, limit - rows)) : rows
}

async function trimTable(database: Queryable, table: Fragment, consumed: Snapshot, limit: number): Promise<number> {
  const snapshot = printSnapshot(consumed)
  const [deleted] = await database.query<{ count: number }>(
    sql`with gone as (
      delete from ${table} where ctid = any(array(
        select ctid from ${table}
        where __x < pg_snapshot_xmax(${snapshot}::pg_snapshot) and pg_visible_in_snapshot(__x, ${snapshot}::pg_snapshot)
        limit ${limit}
      )) returning 1
    )
    select count(*)::int as count from gone`,
    { prepared: true },
  )
  return deleted?.count ?? 0
}
