import type { Queryable } from '../database.ts'
import { displayName } from '../names.ts'
import { type Fragment, raw, sql } from '../sql.ts'
import { isClaimed } from './claim.ts'

/**
 * Whether some stream table or feed reads the change buffer of a source. An immediate stream table does not, unless the
 * source is paused: then the buffer says so.
 */
export async function isRead(queryable: Queryable, stableName: string): Promise<boolean> {
  const [row] = await queryable.query<{ read: boolean }>(
    sql`select ${isReadBySomebody(sql`${stableName}`, raw('false'))} as read`,
  )
  return row?.read === true
}

/** Captures that nobody reads: a process ended before it had removed them. */
export interface UnreadSource {
  readonly subject: string
  readonly stableName: string
  /** How it is captured; `refresh` for a stream table, which writes its own changes. */
  readonly capture: string
}

/** What is claimed counts as read: an immediate one that is being altered is about to. */
export async function unreadSources(queryable: Queryable): Promise<readonly UnreadSource[]> {
  const found = await queryable.query<{ stableName: string; capture: string; schema: string; table: string }>(sql`
    select s.stable_name as "stableName", s.capture, s.schema_name as schema, s.table_name as table from freshet.source s
    where not ${isReadBySomebody(raw('s.stable_name'), isClaimed('t.stable_name'))} order by 3, 4`)
  return found.map(({ stableName, capture, ...relation }) => ({ stableName, capture, subject: displayName(relation) }))
}

function isReadBySomebody(stableName: Fragment, orElse: Fragment): Fragment {
  return sql`(exists (
        select from freshet.dependency d join freshet.stream_table t using (stream_table_id)
        left join freshet.source captured on captured.stable_name = d.stable_name
        where d.stable_name = ${stableName} and (t.mode <> 'immediate' or captured.paused or ${orElse})
      ) or exists (
        select from freshet.subscription f join freshet.stream_table subscribed using (stream_table_id)
        where subscribed.stable_name = ${stableName} and f.channel is null
      ))`
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
