import type { Queryable } from '../database.ts'
import { sql } from '../sql.ts'

/** Whether some stream table reads the change buffer of this source; an immediate one does not. */
export async function isRead(queryable: Queryable, stableName: string): Promise<boolean> {
  const [row] = await queryable.query<{ read: boolean }>(sql`
    select exists (
      select from freshet.dependency d join freshet.stream_table t using (stream_table_id)
        left join freshet.source s on s.stable_name = d.stable_name
      where d.stable_name = ${stableName} and (t.mode <> 'immediate' or s.paused)
    ) as read`)
  return row?.read === true
}

/**
 * For the process that ends the capture of a source: until the end of the transaction nobody begins to read it. False
 * when somebody has begun already.
 *
 * Who begins to read a source writes that down and commits it, then looks whether it is captured (`ensure`, which takes
 * turns with whoever ends it). Only an immediate stream table, which is to be another, looks first; it holds the row of
 * the source until it is one (`holdCapture`).
 */
export async function claimUnread(transaction: Queryable, stableName: string): Promise<boolean> {
  await transaction.query(sql`select from freshet.source where stable_name = ${stableName} for update`)
  return !(await isRead(transaction, stableName))
}

/** Whether all of these are captured, and stay so until the end of the transaction. */
export async function holdCapture(transaction: Queryable, stableNames: readonly string[]): Promise<boolean> {
  const held = await transaction.query(sql`
    select from freshet.source where stable_name = any (${[...stableNames]}::text[]) and capture <> 'none' for share`)
  return held.length === new Set(stableNames).size
}
