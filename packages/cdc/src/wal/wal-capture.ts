import { type CaptureFault, type Database, type LockPatience, sourceIdentifier, sql, withPatience } from '@freshet/core'
import { dropLog } from '../capture-log.ts'
import { takeTurn } from '../install.ts'
import { readSource } from '../source-facts.ts'
import { abandonStream } from './slot.ts'
import { findWalFaults } from './wal-faults.ts'
import { announce, readPublished, unpublish } from './wal-source.ts'

/** The end of a source's capture by WAL, and what may be wrong with it. */
export async function releaseWal(database: Database, stableName: string, patience: LockPatience): Promise<void> {
  await withPatience(database, patience, async (transaction) => {
    await takeTurn(transaction, stableName)
    const [source] = await transaction.query<{
      oid: number
      identity: string | null
      identityIndex: string | null
    }>(sql`
      delete from freshet.source where stable_name = ${stableName}
      returning relation as oid, replica_identity as identity, replica_identity_index as "identityIndex"`)
    if (source !== undefined) await unpublish(transaction, source)
    for (const statement of dropLog(stableName)) await transaction.query(statement)
    await announce(transaction)
  })
  await abandonStream(database)
}

export async function inspectWal(database: Database, stableName: string): Promise<readonly CaptureFault[]> {
  const [row] = await database.query<{ oid: number; schema: string; table: string }>(
    sql`select relation as oid, schema_name as schema, table_name as table
      from freshet.source where stable_name = ${stableName}`,
    { prepared: true },
  )
  if (row === undefined) return [{ kind: 'buffer_missing', detail: `no source has the stable name ${stableName}` }]
  const facts = await readSource(database, { ...sourceIdentifier(row.oid, row.schema, row.table), stableName })
  if (!facts?.tracked) return [{ kind: 'source_dropped', detail: `${row.schema}.${row.table} was dropped` }]
  return findWalFaults(facts, await readPublished(database, facts.oid), facts.tracked)
}
