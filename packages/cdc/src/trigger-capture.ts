import {
  bufferSizes,
  bufferTable,
  type Capture,
  type CaptureFault,
  type Database,
  sql,
  sourceIdentifier,
  DEFAULT_PATIENCE,
  type LockPatience,
  withPatience,
} from '@freshet/core'
import { dropCaptureFunctions } from './capture-function.ts'
import { dropLog } from './capture-log.ts'
import { findFaults } from './faults.ts'
import { ensureCapture, takeTurn } from './install.ts'
import { readSource } from './source-facts.ts'
import { trimBuffer } from './trim-buffer.ts'

export interface TriggerCaptureOptions extends Partial<LockPatience> {}

/** Capture by statement triggers, behind core's `Capture` port. It holds no state: any number may work side by side. */
export function triggerCapture(options: TriggerCaptureOptions = {}): Capture {
  const patience: LockPatience = { ...DEFAULT_PATIENCE, ...options }
  return {
    ensure: (database, source, columns) => ensureCapture(database, source, columns, patience),
    release: (database, stableName) => release(database, stableName, patience),
    trim: trimBuffer,
    stream: () => Promise.resolve(null),
    handOver: () => Promise.resolve(null),
    inspect,
  }
}

/** Dropping the function takes every trigger along, on whatever table they are, and needs no right on the source. */
async function release(database: Database, stableName: string, patience: LockPatience): Promise<void> {
  await withPatience(database, patience, async (transaction) => {
    await takeTurn(transaction, stableName)
    await transaction.query(dropCaptureFunctions(stableName))
    const [buffer] = await transaction.query<{ kind: string }>(
      sql`select relkind as kind from pg_class where oid = to_regclass(${bufferTable(stableName).text})`,
    )
    await transaction.query(sql`drop view if exists ${bufferSizes(stableName)}`)
    if (buffer?.kind === 'r') await transaction.query(sql`drop table ${bufferTable(stableName)}`)
    else for (const statement of dropLog(stableName)) await transaction.query(statement)
    await transaction.query(sql`delete from freshet.source where stable_name = ${stableName}`)
  })
}

async function inspect(database: Database, stableName: string): Promise<readonly CaptureFault[]> {
  const [row] = await database.query<{ oid: number; schema: string; table: string; capture: string }>(
    sql`select relation as oid, schema_name as schema, table_name as table, capture
      from freshet.source where stable_name = ${stableName}`,
    { prepared: true },
  )
  if (row === undefined) return [{ kind: 'buffer_missing', detail: `no source has the stable name ${stableName}` }]
  const facts = await readSource(database, { ...sourceIdentifier(row.oid, row.schema, row.table), stableName })
  const tracked = facts?.tracked ?? null
  if (facts === null || tracked === null) {
    return [{ kind: 'source_dropped', detail: `${row.schema}.${row.table} was dropped` }]
  }
  return row.capture === 'trigger' ? findFaults(facts, stableName, tracked) : []
}
