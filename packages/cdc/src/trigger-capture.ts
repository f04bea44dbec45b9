import { bufferTable, type Capture, type CaptureFault, type Database, printSnapshot, sql, sourceIdentifier } from '@freshet/core'
import { dropCaptureFunction } from './capture-function.ts'
import { dropLog, logTable } from './capture-log.ts'
import { findFaults } from './faults.ts'
import { ensureCapture, takeTurn } from './install.ts'
import { DEFAULT_PATIENCE, type LockPatience, withPatience } from './lock-patience.ts'
import { readSource } from './source-facts.ts'

export interface TriggerCaptureOptions extends Partial<LockPatience> {}

/** Capture by statement triggers, behind core's `Capture` port. It holds no state: any number may work side by side. */
export function triggerCapture(options: TriggerCaptureOptions = {}): Capture {
  const patience: LockPatience = { ...DEFAULT_PATIENCE, ...options }
  return {
    ensure: (database, source, columns) => ensureCapture(database, source, columns, patience),
    release: (database, stableName) => release(database, stableName, patience),
    trim,
    inspect,
  }
}

/** Dropping the function takes every trigger along, on whatever table they are, and needs no right on the source. */
async function release(database: Database, stableName: string, patience: LockPatience): Promise<void> {
  await withPatience(database, patience, async (transaction) => {
    await takeTurn(transaction, stableName)
    await transaction.query(dropCaptureFunction(stableName))
    const [buffer] = await transaction.query<{ kind: string }>(
      sql`select relkind as kind from pg_class where oid = to_regclass(${bufferTable(stableName).text})`,
    )
    if (buffer?.kind === 'r') await transaction.query(sql`drop table ${bufferTable(stableName)}`)
    else for (const statement of dropLog(stableName)) await transaction.query(statement)
    await transaction.query(sql`delete from freshet.source where stable_name = ${stableName}`)
  })
}

/** Row by row and in bounded batches. Never by TRUNCATE: it would take along what writers have not committed yet. */
async function trim(
  database: Database,
  stableName: string,
  consumed: Parameters<Capture['trim']>[2],
  limit: number,
): Promise<number> {
  const [found] = await database.query<{ log: boolean; buffer: boolean }>(
    sql`select to_regclass(${logTable(stableName).text}) is not null as log,
      to_regclass(${bufferTable(stableName).text}) is not null as buffer`,
    { prepared: true },
  )
  if (found === undefined || !(found.log || found.buffer)) return 0
  // a stream table's own buffer is a table
  const rows = found.log ? logTable(stableName) : bufferTable(stableName)
  const snapshot = printSnapshot(consumed)
  const [deleted] = await database.query<{ count: number }>(
    sql`with gone as (
      delete from ${rows} where ctid = any(array(
        select ctid from ${rows}
        where __x < pg_snapshot_xmax(${snapshot}::pg_snapshot) and pg_visible_in_snapshot(__x, ${snapshot}::pg_snapshot)
        limit ${limit}
      )) returning 1
    )
    select count(*)::int as count from gone`,
    { prepared: true },
  )
  return deleted?.count ?? 0
}

async function inspect(database: Database, stableName: string): Promise<readonly CaptureFault[]> {
  const [row] = await database.query<{ oid: number; schema: string; table: string; capture: string }>(
    sql`select relation as oid, schema_name as schema, table_name as table, capture
      from freshet.source where stable_name = ${stableName}`,
    { prepared: true },
  )
  if (row === undefined) return [{ kind: 'buffer_missing', detail: `no source has the stable name ${stableName}` }]
  const facts = await readSource(database, { ...sourceIdentifier(row.oid, row.schema, row.table), stableName })
  if (facts?.tracked == null) return [{ kind: 'source_dropped', detail: `${row.schema}.${row.table} was dropped` }]
  return row.capture === 'trigger' ? findFaults(facts, stableName, facts.tracked) : []
}
