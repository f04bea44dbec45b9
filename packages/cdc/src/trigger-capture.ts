import {
  bufferSizes,
  bufferTable,
  type Capture,
  type CaptureFault,
  claimUnread,
  type Database,
  sql,
  DEFAULT_PATIENCE,
  LOCAL,
  type LockPatience,
  type Placement,
  withPatience,
} from '@freshet/core'
import { dropCaptureFunctions } from './capture-function.ts'
import { dropLog } from './capture-log.ts'
import { placing } from './citus/placing.ts'
import { dropShardLog } from './citus/shard-log.ts'
import { collect, waitingElsewhere } from './citus/collect.ts'
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
    waiting: waitingElsewhere,
    stream: () => Promise.resolve(null),
    leftovers: () => Promise.resolve([]),
    removeLeftovers: () => Promise.resolve([]),
    handOver: (_, transaction, stableNames) => collect(transaction, stableNames),
    inspect,
  }
}

/** Dropping the function takes every trigger along, on whatever table they are, and needs no right on the source. */
async function release(database: Database, stableName: string, patience: LockPatience): Promise<void> {
  await withPatience(database, patience, async (transaction) => {
    await takeTurn(transaction, stableName)
    if (!(await claimUnread(transaction, stableName))) return
    const [source] = await transaction.query<{ placement: Placement }>(
      sql`select placement from freshet.source where stable_name = ${stableName}`,
    )
    const placement = source?.placement ?? LOCAL
    for (const statement of placing(placement)) await transaction.query(statement)
    await transaction.query(dropCaptureFunctions(stableName))
    if (placement.kind !== 'local')
      for (const statement of dropShardLog(stableName, placement)) await transaction.query(statement)
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
