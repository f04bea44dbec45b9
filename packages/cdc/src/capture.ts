import {
  type Capture,
  type CaptureOptions,
  type Database,
  DEFAULT_PATIENCE,
  type LockPatience,
  type Queryable,
  type SourceIdentifier,
  sql,
} from '@freshet/core'
import { collect, waitingElsewhere } from './citus/collect.ts'
import { readSuitable } from './install.ts'
import { triggerCapture } from './trigger-capture.ts'
import { trimBuffer } from './trim-buffer.ts'
import { leftOfStream, removeLeftOfStream } from './wal/leftovers.ts'
import { abandonStream, readStream } from './wal/slot.ts'
import { inspectWal, releaseWal } from './wal/wal-capture.ts'
import { handOverWal } from './wal/hand-over.ts'
import { ensureWalCapture, walObstacle } from './wal/wal-install.ts'

/**
 * Capture by triggers or by WAL, for each source as the catalog says: behind core's `Capture` port. It holds no state:
 * any number may work side by side. Whoever captures by WAL also lets a `walStream` run.
 */
export function changeCapture(options: Partial<LockPatience> = {}): Capture {
  const patience: LockPatience = { ...DEFAULT_PATIENCE, ...options }
  const triggers = triggerCapture(patience)
  return {
    async ensure(database, source, columns, { via } = {}) {
      const current = await captureOf(database, source.stableName)
      const wanted = await chooseCapture(database, source, current, via)
      if (wanted === 'wal') return ensureWalCapture(database, source, columns, patience)
      await triggers.ensure(database, source, columns)
      // also where the catalog has forgotten what was captured by WAL
      if (current !== 'trigger') await abandonStream(database)
    },
    async release(database, stableName) {
      if ((await captureOf(database, stableName)) === 'wal') await releaseWal(database, stableName, patience)
      else await triggers.release(database, stableName)
    },
    trim: trimBuffer,
    async handOver(database, transaction, stableNames) {
      await collect(transaction, stableNames)
      return handOverWal(database, transaction, stableNames)
    },
    waiting: waitingElsewhere,
    stream: readStream,
    leftovers: leftOfStream,
    removeLeftovers: removeLeftOfStream,
    async inspect(database, stableName) {
      return (await captureOf(database, stableName)) === 'wal'
        ? inspectWal(database, stableName)
        : triggers.inspect(database, stableName)
    },
  }
}

async function captureOf(queryable: Queryable, stableName: string): Promise<string | null> {
  const [row] = await queryable.query<{ capture: string }>(
    sql`select capture from freshet.source where stable_name = ${stableName}`,
    { prepared: true },
  )
  return row?.capture ?? null
}

async function chooseCapture(
  database: Database,
  source: SourceIdentifier,
  current: string | null,
  via: CaptureOptions['via'],
): Promise<'trigger' | 'wal'> {
  if (via === 'auto')
    return (await walObstacle(database, await readSuitable(database, source))) === null ? 'wal' : 'trigger'
  return via ?? (current === 'wal' ? 'wal' : 'trigger')
}
