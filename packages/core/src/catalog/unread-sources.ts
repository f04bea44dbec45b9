import type { Queryable } from '../database.ts'
import { displayName } from '../names.ts'
import { sql } from '../sql.ts'
import { isClaimed } from './claim.ts'

/**
 * Captures that nobody reads: a process ended before it had removed them. An immediate stream table reads none, unless
 * somebody is altering it.
 */
export interface UnreadSource {
  readonly subject: string
  readonly stableName: string
  /** How it is captured; `refresh` for a stream table, which writes its own changes. */
  readonly capture: string
}

export async function unreadSources(queryable: Queryable): Promise<readonly UnreadSource[]> {
  const found = await queryable.query<{ stableName: string; capture: string; schema: string; table: string }>(sql`
    select s.stable_name as "stableName", s.capture, s.schema_name as schema, s.table_name as table from freshet.source s
    where not exists (
      select from freshet.dependency d join freshet.stream_table t using (stream_table_id)
      where d.stable_name = s.stable_name and (t.mode <> 'immediate' or s.paused or ${isClaimed('t.stable_name')})
    ) order by 3, 4`)
  return found.map(({ stableName, capture, ...relation }) => ({ stableName, capture, subject: displayName(relation) }))
}
