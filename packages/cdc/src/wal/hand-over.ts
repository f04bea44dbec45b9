import { type Database, join, type Queryable, sql } from '@freshet/core'
import { logTable, tailFunction } from '../capture-names.ts'

/**
 * The changes of a REPEATABLE READ transaction's own snapshot. Its snapshot does not move, so what the stream brings
 * after it was taken it can not see, waits it or not. Another connection waits, and reads what came of the transactions
 * that the snapshot shows; the transaction writes it into the logs itself, as its own, and deletes it before it commits.
 */
export async function handOverWal(
  database: Database,
  transaction: Queryable,
  stableNames: readonly string[],
): Promise<(() => Promise<void>) | null> {
  const sources = await transaction.query<{ name: string }>(
    sql`select stable_name as name from freshet.source where capture = 'wal' and stable_name = any(${stableNames}::text[])`,
  )
  if (sources.length === 0) return null
  // Nobody adds a column to a log between its tail being read and written.
  const logs = sources.map(({ name }) => logTable(name))
  await transaction.query(sql`lock table ${join(logs)} in row exclusive mode`)
  // while the other connection waits, as long as a tail is waited for, the transaction has nothing to do
  const [snapshot] = await transaction.query<{ seen: string }>(sql`
    select pg_current_snapshot()::text as seen, set_config('idle_in_transaction_session_timeout',
      (15000 * coalesce(nullif(current_setting('freshet.wal_patience', true), ''), '5')::float8)::int::text, true)`)
  const seen = snapshot?.seen ?? ''
  for (const { name } of sources) {
    const log = logTable(name)
    const rows = await database.query<{ record: string }>(
      sql`select t::text as record from ${tailFunction(name)}(${seen}::pg_snapshot) t`,
    )
    const records = rows.map(({ record }) => record)
    await transaction.query(sql`insert into ${log} select r.* from unnest(${records}::text[]::${log}[]) as r`)
  }
  await transaction.query(sql`select set_config('freshet.wal', 'handed over', true)`)
  return async () => {
    for (const { name } of sources) {
      await transaction.query(sql`
        delete from ${logTable(name)}
        where __a >= pg_snapshot_xmin(${seen}::pg_snapshot) and xmin = pg_current_xact_id()::xid`)
    }
  }
}
