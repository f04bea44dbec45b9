import { type CaptureFault, claimUnread, type Database, type LockPatience, sql, withPatience } from '@freshet/core'
import { dropLog } from '../capture-log.ts'
import { inspectSource } from '../inspect-source.ts'
import { takeTurn } from '../install.ts'
import { abandonStream } from './slot.ts'
import { findWalFaults } from './wal-faults.ts'
import { announce, readPublished, unpublish } from './wal-source.ts'

/** The end of a source's capture by WAL, and what may be wrong with it. */
export async function releaseWal(database: Database, stableName: string, patience: LockPatience): Promise<void> {
  await withPatience(database, patience, async (transaction) => {
    await takeTurn(transaction, stableName)
    if (!(await claimUnread(transaction, stableName))) return
    const [source] = await transaction.query<{ oid: number; members: readonly number[] }>(sql`
      select relation::int8::float8 as oid, to_jsonb(members::int8[]) as members from freshet.source
      where stable_name = ${stableName}`)
    if (source !== undefined) await unpublish(transaction, stableName, source)
    await transaction.query(sql`delete from freshet.source where stable_name = ${stableName}`)
    for (const statement of dropLog(stableName)) await transaction.query(statement)
    await announce(transaction)
  })
  await abandonStream(database)
}

export function inspectWal(database: Database, stableName: string): Promise<readonly CaptureFault[]> {
  return inspectSource(database, stableName, async (facts, tracked) =>
    findWalFaults(facts, await readPublished(database, facts.oid), tracked),
  )
}
