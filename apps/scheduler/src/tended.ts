import { connect, type Freshet } from '@freshet/client'
import {
  type CoordinatorEvent,
  type CoordinatorView,
  type RunningCoordinator,
  startCoordinator,
  systemClock,
  type WorkerShare,
} from '@freshet/coordinator'
import { backoffMs, databaseWord, type FreshetError, requireSchema, toFreshetError } from '@freshet/core'
import type { Logger } from 'pino'
import { type Api, createApi } from './api.ts'
import type { NamedDatabase } from './database-names.ts'
import { logEvent, logStream } from './log.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { series as createSeries } from './series.ts'
import { type RefreshSpans, refreshSpans } from './tracing/refresh-spans.ts'
import type { Tracing } from './tracing/port.ts'

/**
 * One database in the care of this process. It can be asked from the beginning, and says what is wrong while it can not be
 * reached; what goes wrong with it concerns no other one.
 */
export interface Tended {
  readonly name: string
  readonly metrics: Metrics
  readonly api: Api
  view(): CoordinatorView
  /** Throws while it can not be reached for the first time. */
  freshet(): Freshet
  /** Ends with the first attempt to connect; throws what that failed with. Where there are other databases, more follow. */
  begun(): Promise<void>
  /** Starts no more refreshes, and waits for those that run; true when none is left. */
  drain(timeoutMs: number): Promise<boolean>
  close(): Promise<void>
}

export interface TendedOptions {
  readonly database: NamedDatabase
  /** There are others: what concerns this one carries its name, and it may come later. */
  readonly labelled: boolean
  readonly startedAt: Date
  readonly logger: Logger
  readonly workers?: WorkerShare
  /** Null: nothing is traced. */
  readonly tracing: Tracing | null
  readonly listener?: ((event: CoordinatorEvent) => void) | undefined
}

/** The pool opens what is used, and `max_concurrent_refreshes` bounds that: this is above the setting's maximum. */
const POOL_SIZE = 1_010

const BACKOFF = { baseMs: 500, maxMs: 30_000 }

interface Running {
  readonly freshet: Freshet
  readonly coordinator: RunningCoordinator
}

export function tend(options: TendedOptions): Tended {
  const { labelled, logger, startedAt, workers, tracing, listener } = options
  const { name, url } = options.database
  const log = labelled ? logger.child({ database: name }) : logger
  const stopping = new AbortController()
  const series = createSeries()
  let running: Running | null = null
  let trouble: FreshetError | null = null
  let spans: RefreshSpans | null = null
  const view = (): CoordinatorView =>
    running?.coordinator.view() ?? { trouble, lastPollAgoMs: null, stopping: stopping.signal.aborted, tables: [] }
  const freshet = (): Freshet => {
    if (running !== null) return running.freshet
    throw trouble ?? toFreshetError(new Error(`not connected to ${name} yet`))
  }
  const metrics = createMetrics(
    view,
    async () => (running === null ? null : running.freshet.capture.stream(running.freshet.database)),
    labelled ? name : null,
  )
  const heard = (event: CoordinatorEvent) => {
    logEvent(log, event)
    metrics.record(event)
    series.record(event)
    spans?.record(event)
    listener?.(event)
  }

  async function open(): Promise<void> {
    const client = await connect({ databaseUrl: url, poolSize: POOL_SIZE, applicationName: 'freshet-scheduler' })
    try {
      await requireSchema(client.database)
      if (tracing !== null) spans = await spansOf(tracing, client, name)
      stopping.signal.throwIfAborted()
    } catch (error) {
      await client.close()
      throw error
    }
    client.startStream((event) => {
      logStream(log, event)
      metrics.recordStream(event)
    })
    const { database, refresher, capture } = client
    const share = workers === undefined ? {} : { workers }
    running = {
      freshet: client,
      coordinator: startCoordinator({
        database,
        refresher: spans?.watch(refresher) ?? refresher,
        capture,
        removeLeftovers: () => client.removeLeftovers(),
        listener: heard,
        ...share,
      }),
    }
    trouble = null
  }

  async function attempt(): Promise<void> {
    try {
      await open()
    } catch (error) {
      trouble = toFreshetError(error)
      throw trouble
    }
  }

  async function keepTrying(): Promise<void> {
    for (let failures = 1; running === null && !stopping.signal.aborted; failures++) {
      const retryInMs = backoffMs(BACKOFF, failures, Math.random())
      log.warn({ retryInMs, error: trouble?.toJSON() }, 'not connected')
      await systemClock.sleep(retryInMs, stopping.signal)
      if (!stopping.signal.aborted) await attempt().catch(() => undefined) // `trouble` has it, and it is logged above
    }
  }

  const first = attempt()
  const connecting = first.catch(() => (labelled ? keepTrying() : undefined))
  return {
    name,
    metrics,
    api: createApi({
      freshet: {
        status: (...args) => freshet().status(...args),
        history: (...args) => freshet().history(...args),
        list: (...args) => freshet().list(...args),
        database: { query: (...args) => freshet().database.query(...args) },
      },
      view,
      series,
      startedAt,
    }),
    view,
    freshet,
    begun: () => first,
    async drain(timeoutMs) {
      stopping.abort()
      await connecting
      const unfinished = await running?.coordinator.drain(timeoutMs)
      return unfinished === undefined || unfinished.length === 0
    },
    close: async () => running?.freshet.close(),
  }
}

async function spansOf(tracing: Tracing, client: Freshet, database: string): Promise<RefreshSpans> {
  const reads = async () =>
    new Map((await client.list()).map(({ name, sources }) => [name, sources.map((source) => source.name)]))
  return refreshSpans({ tracing, database, word: await databaseWord(client.database), reads })
}
