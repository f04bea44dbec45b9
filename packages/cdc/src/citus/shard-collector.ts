import { setTimeout as sleep } from 'node:timers/promises'
import {
  bufferTable,
  type Database,
  type FreshetError,
  GIVE_WAY,
  isCapable,
  isRefusal,
  readCitusVersion,
  sql,
  toFreshetError,
} from '@freshet/core'
import { collect, waitingElsewhere } from './collect.ts'

/**
 * Brings changes from other nodes into their logs on the coordinator soon after they are committed, so that whoever looks
 * there for waiting changes learns of them. A refresh collects what came since itself, and needs none of this.
 *
 * Any number may run: the log is locked by one at a time, and what one has collected another does not find. Where the
 * extension is not, it asks once and ends.
 */
export interface ShardCollector {
  stop(): Promise<void>
}

export interface ShardCollectorOptions {
  readonly database: Database
  /** It goes on in a moment: a worker can not be reached, for example. */
  readonly interrupted?: (error: FreshetError) => void
}

/** Between two looks: after one that found something, and after many that found nothing. */
const SHORTEST_MS = 50
const LONGEST_MS = 1_000

export function shardCollector(options: ShardCollectorOptions): ShardCollector {
  const stopping = new AbortController()
  const running = run(options, stopping.signal)
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}

async function run({ database, interrupted = () => undefined }: ShardCollectorOptions, signal: AbortSignal) {
  let installed: boolean | null = null
  let pauseMs = SHORTEST_MS
  while (!signal.aborted) {
    try {
      installed ??= isCapable(await readCitusVersion(database))
      if (!installed) return
      const waiting = await waitingElsewhere(database, await placedSources(database))
      for (const name of waiting) await collectNow(database, name)
      pauseMs = waiting.length > 0 ? SHORTEST_MS : Math.min(pauseMs * 2, LONGEST_MS)
    } catch (error) {
      // a refresh has the log, and collects itself
      if (!isRefusal(error) && !signal.aborted) interrupted(toFreshetError(error))
      pauseMs = LONGEST_MS
    }
    await sleep(pauseMs, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
}

async function placedSources(database: Database): Promise<readonly string[]> {
  const rows = await database.query<{ name: string }>(
    sql`select stable_name as name from freshet.source where placed is not null and capture = 'trigger' order by relation`,
    { prepared: true },
  )
  return rows.map(({ name }) => name)
}

/** In a transaction of its own; the lock comes before the snapshot. */
async function collectNow(database: Database, stableName: string): Promise<void> {
  await database.transaction(
    async (transaction) => {
      await transaction.query(sql`set local citus.propagate_set_commands to 'local'`)
      await transaction.query(GIVE_WAY)
      await transaction.query(sql`lock table ${bufferTable(stableName)} in share update exclusive mode`)
      await collect(transaction, [stableName])
    },
    { isolation: 'repeatable read' },
  )
}
