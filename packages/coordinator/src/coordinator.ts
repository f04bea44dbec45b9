import type { Capture, Database, Refresher } from '@freshet/core'
import { type Clock, systemClock } from './clock.ts'
import type { CoordinatorListener, TableRef } from './events.ts'
import { createLoop } from './loop.ts'
import type { LoopState } from './loop-options.ts'
import { databaseStore } from './store.ts'
import type { WorkerShare } from './workers.ts'

/** Starts the loop over a database, and gives the handle to look at it and to end it. */
export interface CoordinatorOptions {
  /** One connection of it is used for polling all the time, and one more now and then for clean-up. */
  readonly database: Database
  readonly refresher: Refresher
  readonly capture: Capture
  /** Removes what else processes left that ended too early, beside what the capture knows of; says what that was. */
  readonly removeLeftovers?: () => Promise<readonly string[]>
  readonly listener?: CoordinatorListener
  /** Recorded in the history. Default `scheduler`. */
  readonly initiatedBy?: string
  /** Where this process takes care of several databases, its share of the workers. */
  readonly workers?: WorkerShare
  /** Aborting it is as good as calling `drain`. */
  readonly signal?: AbortSignal
  readonly clock?: Clock
}

export interface RunningCoordinator {
  view(): CoordinatorView
  /**
   * Starts nothing more and waits for the refreshes that run, at most `timeoutMs`. Returns those that were still
   * running then; their transactions go on until they end or their connection is closed.
   */
  drain(timeoutMs?: number): Promise<readonly TableRef[]>
}

export interface CoordinatorView {
  /** Why it can not poll at the moment; null when all is well. */
  readonly trouble: Error | null
  /** Since it last heard from the server; null when it never did. */
  readonly lastPollAgoMs: number | null
  readonly stopping: boolean
  readonly tables: readonly TableView[]
}

export interface TableView extends TableRef {
  readonly status: string
  /** Changes wait that it has not seen, as far as the last poll could tell. */
  readonly pending: boolean
  readonly running: boolean
  /** The table has seen every change that is older than this; 0 when none waits. */
  readonly lagMs: number
  /** Its objective; null where it has none. */
  readonly slaMs: number | null
}

const DRAIN_MS = 30_000

export function startCoordinator(options: CoordinatorOptions): RunningCoordinator {
  const clock = options.clock ?? systemClock
  const listener: CoordinatorListener = (event) => options.listener?.(event)
  const stop = new AbortController()
  options.signal?.addEventListener('abort', () => stop.abort(), { once: true })
  if (options.signal?.aborted === true) stop.abort()
  const loop = createLoop({
    store: databaseStore(options.database, options.capture, options.removeLeftovers),
    refresher: options.refresher,
    clock,
    listener,
    initiatedBy: options.initiatedBy ?? 'scheduler',
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    signal: stop.signal,
  })
  const ended = loop.run()
  let told = false
  return {
    view: () => viewOf(loop.state, clock.now(), stop.signal.aborted),
    drain: async (timeoutMs = DRAIN_MS) => {
      const inTime = new AbortController()
      stop.abort()
      await Promise.race([ended.finally(() => inTime.abort()), clock.sleep(timeoutMs, inTime.signal)])
      const unfinished = [...loop.state.running.keys()].map((id) => refOf(loop.state, id))
      if (!told) listener({ kind: 'stopped', unfinished })
      told = true
      return unfinished
    },
  }
}

function viewOf(state: LoopState, now: number, stopping: boolean): CoordinatorView {
  return {
    trouble: state.trouble,
    lastPollAgoMs: state.lastPollAt === -Infinity ? null : now - state.lastPollAt,
    stopping,
    tables: [...state.roster.tables.values()].map((table) => {
      const freshNow = table.freshAt >= state.lastAskAt && state.trouble === null
      return {
        id: table.id,
        name: table.catalog.name,
        status: table.catalog.status,
        pending: state.pending.has(table.id),
        running: state.running.has(table.id),
        lagMs: freshNow ? 0 : Math.max(now - table.freshAt, 0),
        slaMs: table.catalog.slaMs,
      }
    }),
  }
}

function refOf(state: LoopState, id: number): TableRef {
  return { id, name: state.roster.tables.get(id)?.catalog.name ?? `#${id}` }
}
