import { setTimeout as sleep } from 'node:timers/promises'
import {
  bufferTable,
  type Database,
  type Fragment,
  type FreshetError,
  GIVE_WAY,
  isCapable,
  isRefusal,
  literal,
  readCitusVersion,
  sql,
  toFreshetError,
} from '@freshet/core'
import { collect, waitingElsewhere } from './collect.ts'
import { type NodeEvent, nodeReach, type Reach } from './reach.ts'

/**
 * Brings changes from other nodes into their logs on the coordinator soon after they are committed, so that whoever looks
 * there for waiting changes learns of them. A refresh collects what came since itself, and needs none of this.
 *
 * Any number may run: the log is locked by one at a time, and what one has collected another does not find. Where the
 * extension is not, it asks once and ends.
 *
 * A source is collected whole or not at all: while a node can not be reached, what lies there waits, and all other sources
 * are collected as ever. When the node is back, so is what lies there.
 */
export interface ShardCollector {
  stop(): Promise<void>
}

export type CollectorEvent =
  | NodeEvent
  /** Changes of a source were brought to the coordinator, or to the queues on the workers. */
  | { readonly kind: 'collected'; readonly stableName: string }
  /** It goes on in a moment. `stableName`: of this source; null: the coordinator can not be asked. */
  | { readonly kind: 'collecting_failed'; readonly stableName: string | null; readonly error: FreshetError }

export interface ShardCollectorOptions {
  readonly database: Database
  readonly listener?: (event: CollectorEvent) => void
}

/** Between two looks: after one that found something, and after many that found nothing. */
const SHORTEST_MS = 50
const LONGEST_MS = 1_000

export function shardCollector({ database, listener = () => undefined }: ShardCollectorOptions): ShardCollector {
  const stopping = new AbortController()
  const running = run({ database, listener }, stopping.signal)
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}

async function run({ database, listener }: Required<ShardCollectorOptions>, signal: AbortSignal) {
  let installed: boolean | null = null
  let reach: Reach | null = null
  const patience = new Map<string, number>()
  let pauseMs = SHORTEST_MS
  while (!signal.aborted) {
    try {
      installed ??= isCapable(await readCitusVersion(database))
      if (!installed) return
      reach ??= await nodeReach(database, listener)
      await reach.retry()
      const { collected, failed } = await round({ database, listener, reach, patience, signal })
      if (failed) pauseMs = LONGEST_MS
      else pauseMs = collected > 0 ? SHORTEST_MS : Math.min(pauseMs * 2, LONGEST_MS)
    } catch (error) {
      if (!signal.aborted) listener({ kind: 'collecting_failed', stableName: null, error: toFreshetError(error) })
      pauseMs = LONGEST_MS
    }
    await sleep(pauseMs, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
}

interface Round extends Required<ShardCollectorOptions> {
  readonly reach: Reach
  /** In milliseconds, for sources that need more than the others: of those, very much has piled up. */
  readonly patience: Map<string, number>
  readonly signal: AbortSignal
}

/** Each source once. */
async function round({
  database,
  listener,
  reach,
  patience,
  signal,
}: Round): Promise<{ collected: number; failed: boolean }> {
  let collected = 0
  let failed = false
  for (const { name, groups } of await placedSources(database)) {
    if (signal.aborted) break
    if (reach.isAway(groups)) continue
    try {
      if (!(await isWaiting(database, name))) continue
      await collectNow(database, name, patience.get(name) ?? PATIENCE_MS)
      collected++
      patience.delete(name)
      listener({ kind: 'collected', stableName: name })
    } catch (error) {
      // a refresh has the log, and collects itself
      if (isRefusal(error) || signal.aborted) continue
      const failure = toFreshetError(error)
      if (mayBeOfANode(failure) && (await reach.examine(failure))) continue
      failed = true
      if (failure.code === 'STATEMENT_CANCELED') patience.set(name, 2 * (patience.get(name) ?? PATIENCE_MS))
      listener({ kind: 'collecting_failed', stableName: name, error: failure })
    }
  }
  return { collected, failed }
}

/** It broke off, or nothing came back. */
function mayBeOfANode({ retry, code }: FreshetError): boolean {
  return retry === 'reconnect' || code === 'STATEMENT_CANCELED'
}

interface PlacedSource {
  readonly name: string
  /** Of the nodes that have to answer when it is looked at. */
  readonly groups: readonly number[]
}

function placedSources(database: Database): Promise<readonly PlacedSource[]> {
  return database.query<PlacedSource>(
    sql`
    select s.stable_name as name, array(
        select distinct p.groupid from pg_catalog.pg_dist_shard d join pg_catalog.pg_dist_placement p using (shardid)
        where d.logicalrelid = s.relation and s.placed in ('distributed', 'single')
      ) as groups
    from freshet.source s where s.placed is not null and s.capture = 'trigger' order by s.relation`,
    { prepared: true },
  )
}

/** What takes longer may wait for a node that does not answer; if all do, it gets twice as long the next time. */
const PATIENCE_MS = 20_000

/** For the rest of a transaction. Takes no snapshot. */
function patient(ms: number): readonly Fragment[] {
  return [
    sql`set local statement_timeout to ${literal(String(ms))}`,
    sql`set local citus.node_connection_timeout to '4s'`,
  ]
}

async function isWaiting(database: Database, stableName: string): Promise<boolean> {
  return database.transaction(async (transaction) => {
    for (const statement of patient(PATIENCE_MS)) await transaction.query(statement)
    return (await waitingElsewhere(transaction, [stableName])).length > 0
  })
}

/** In a transaction of its own; the lock comes before the snapshot. */
async function collectNow(database: Database, stableName: string, patienceMs: number): Promise<void> {
  await database.transaction(
    async (transaction) => {
      await transaction.query(sql`set local citus.propagate_set_commands to 'local'`)
      await transaction.query(GIVE_WAY)
      for (const statement of patient(patienceMs)) await transaction.query(statement)
      await transaction.query(sql`lock table ${bufferTable(stableName)} in share update exclusive mode`)
      await collect(transaction, [stableName])
    },
    { isolation: 'repeatable read' },
  )
}
