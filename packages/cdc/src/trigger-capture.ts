import {
  bufferSizes,
  bufferTable,
  type Capture,
  type CaptureFault,
  claimUnread,
  type Database,
  sql,
  DEFAULT_PATIENCE,
  type LockPatience,
  withPatience,
} from '@freshet/core'
import { dropCaptureFunctions } from './capture-function.ts'
import { dropLog } from './capture-log.ts'
import { findFaults } from './faults.ts'
import { inspectSource } from './inspect-source.ts'
import { ensureCapture, takeTurn } from './install.ts'
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
    leftovers: () => Promise.resolve([]),
    removeLeftovers: () => Promise.resolve([]),
    handOver: () => Promise.resolve(null),
    inspect,
  }
}

/** Dropping the function takes every trigger along, on whatever table they are, and needs no right on the source. */
async function release(database: Database, stableName: string, patience: LockPatience): Promise<void> {
  await withPatience(database, patience, async (transaction) => {
    await takeTurn(transaction, stableName)
    if (!(await claimUnread(transaction, stableName))) return
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

function inspect(database: Database, stableName: string): Promise<readonly CaptureFault[]> {
  return inspectSource(database, stableName, (facts, tracked) =>
    tracked.capture === 'trigger' ? findFaults(facts, stableName, tracked) : [],
  )
}
