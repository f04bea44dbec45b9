import { connect, type Freshet } from '@freshet/client'
import { type CoordinatorEvent, type CoordinatorView, startCoordinator } from '@freshet/coordinator'
import { requireSchema } from '@freshet/core'
import type { Logger } from 'pino'
import { createApi } from './api.ts'
import { DEFAULT_DRAIN_TIMEOUT_MS, DEFAULT_HOST, DEFAULT_PORT, type LogLevel } from './config.ts'
import { createFeeds, type FeedAccess } from './feeds.ts'
import { createApp, type HttpServer, listen } from './http.ts'
import { createLogger, logEvent, logStream } from './log.ts'
import { createMetrics } from './metrics.ts'
import { series as createSeries } from './series.ts'

/** The scheduler as a value: what `freshet-scheduler`, `freshet serve` and the demo start, each in its own process. */
export interface SchedulerOptions {
  readonly databaseUrl: string
  /** Where it serves. Default 127.0.0.1. */
  readonly host?: string
  /** Default 8710; 0 takes any free one. */
  readonly port?: number
  /** Who may read feeds. Default: nobody. */
  readonly feeds?: FeedAccess
  /** Default `warn`. */
  readonly logLevel?: LogLevel
  /** Where log lines go. Default: standard error, so that an embedding program keeps its output. */
  readonly log?: { write(line: string): void }
  /** Told of everything that the coordinator does. Must not throw. */
  readonly listener?: (event: CoordinatorEvent) => void
}

export interface Scheduler {
  /** Of the dashboard. */
  readonly url: string
  readonly port: number
  view(): CoordinatorView
  /** Starts no more refreshes, waits for those that run, at most `drainTimeoutMs`, and closes everything. */
  stop(options?: { readonly drainTimeoutMs?: number }): Promise<void>
}

/** The pool opens what is used, and `max_concurrent_refreshes` bounds that: this is above the setting's maximum. */
const POOL_SIZE = 1_010

/** Connects, starts to refresh, and serves. Throws when the database can not be reached or lacks Freshet's schema. */
export async function startScheduler(options: SchedulerOptions): Promise<Scheduler> {
  const logger = createLogger(options.logLevel ?? 'warn', options.log ?? process.stderr)
  const { databaseUrl } = options
  const freshet = await connect({ databaseUrl, poolSize: POOL_SIZE, applicationName: 'freshet-scheduler' })
  try {
    await requireSchema(freshet.database)
    return await run(freshet, options, logger)
  } catch (error) {
    await freshet.close()
    throw error
  }
}

async function run(freshet: Freshet, options: SchedulerOptions, logger: Logger): Promise<Scheduler> {
  const startedAt = new Date()
  const series = createSeries()
  const { database, refresher, capture } = freshet
  const metrics = createMetrics(
    () => coordinator.view(),
    () => capture.stream(database),
  )
  const listener = (event: CoordinatorEvent) => {
    logEvent(logger, event)
    metrics.record(event)
    series.record(event)
    options.listener?.(event)
  }
  freshet.startStream((event) => {
    logStream(logger, event)
    metrics.recordStream(event)
  })
  const coordinator = startCoordinator({
    database,
    refresher,
    capture,
    removeLeftovers: () => freshet.removeLeftovers(),
    listener,
  })
  const view = () => coordinator.view()
  const api = createApi({ freshet, view, series, startedAt })
  const feeds = createFeeds({
    freshet,
    access: options.feeds ?? { token: null, origins: [] },
    opened: (count) => metrics.recordFeeds(count),
  })
  let http: HttpServer
  try {
    http = await listen(
      createApp({ api, metrics, view, feeds }),
      options.host ?? DEFAULT_HOST,
      options.port ?? DEFAULT_PORT,
    )
  } catch (error) {
    await coordinator.drain()
    throw error
  }
  logger.info({ url: http.url }, 'serving')
  let stopped: Promise<void> | undefined
  return {
    url: http.url,
    port: http.port,
    view,
    stop: ({ drainTimeoutMs = DEFAULT_DRAIN_TIMEOUT_MS } = {}) =>
      (stopped ??= (async () => {
        // it answers until the end, so that whoever asks sees that it drains
        const unfinished = await coordinator.drain(drainTimeoutMs)
        await http.close()
        // closing waits for connections that are lent; those of unfinished refreshes end with the process
        if (unfinished.length === 0) await freshet.close()
      })()),
  }
}
