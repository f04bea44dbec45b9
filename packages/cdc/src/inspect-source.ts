import { type CaptureFault, type Database, sourceIdentifier, sql } from '@freshet/core'
import { readSource, type SourceFacts, type TrackedSource } from './source-facts.ts'

/** What is wrong with a source's capture, whichever way it is captured: `faultsOf` knows that way. */
export async function inspectSource(
  database: Database,
  stableName: string,
  faultsOf: (facts: SourceFacts, tracked: TrackedSource) => readonly CaptureFault[] | Promise<readonly CaptureFault[]>,
): Promise<readonly CaptureFault[]> {
  const [row] = await database.query<{ oid: number; schema: string; table: string }>(
    sql`select relation as oid, schema_name as schema, table_name as table
      from freshet.source where stable_name = ${stableName}`,
    { prepared: true },
  )
  if (row === undefined) return [{ kind: 'buffer_missing', detail: `no source has the stable name ${stableName}` }]
  const facts = await readSource(database, { ...sourceIdentifier(row.oid, row.schema, row.table), stableName })
  const tracked = facts?.tracked ?? null
  if (facts === null || tracked === null) {
    return [{ kind: 'source_dropped', detail: `${row.schema}.${row.table} was dropped` }]
  }
  return faultsOf(facts, tracked)
}
