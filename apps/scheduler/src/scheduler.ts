import { type CoordinatorEvent, type CoordinatorView, createWorkers } from '@freshet/coordinator'
import type { Logger } from 'pino'
import { DEFAULT_DRAIN_TIMEOUT_MS, DEFAULT_HOST, DEFAULT_PORT, DEFAULT_WORKERS, type LogLevel } from './config.ts'
import { nameDatabases } from './database-names.ts'
import { createFeeds, type FeedAccess } from './feeds.ts'
import { createApp, databaseNamed, type HttpServer, listen } from './http.ts'
import { createLogger } from './log.ts'
import { exposeTogether } from './metrics.ts'
import { tend, type Tended } from './tended.ts'
import type { Tracing } from './tracing/port.ts'
import { openTracing } from './tracing/tracing.ts'

/** The scheduler as a value: what `freshet-scheduler`, `freshet serve` and the demo start, each in its own process. */
export interface SchedulerOptions {
  /** One or several; what the process serves then tells them apart by their names. */
  readonly databaseUrl: string | readonly string[]
  /** With several databases: how many refreshes run at once. Default 16, or as many as there are databases. */
  readonly workers?: number
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
  /** Whether the variables of OpenTelemetry (`OTEL_…`) are heeded, which make this process's tracer. Default: no. */
  readonly tracing?: boolean
  /** Told of everything that the coordinator does. Must not throw. */
  readonly listener?: (event: CoordinatorEvent) => void
}

export interface Scheduler {
  /** Of the dashboard. */
  readonly url: string
  readonly port: number
  /** Of one database: the first, or the one of that name. */
  view(database?: string): CoordinatorView
  /** Starts no more refreshes, waits for those that run, at most `drainTimeoutMs`, and closes everything. */
  stop(options?: { readonly drainTimeoutMs?: number }): Promise<void>
}

/**
 * Connects, starts to refresh, and serves. Throws when the database can not be reached or lacks Freshet's schema; of
 * several databases, when that is so of all. Those of which it is so it tries again and again, and serves the others.
 */
export async function startScheduler(options: SchedulerOptions): Promise<Scheduler> {
  const logger = createLogger(options.logLevel ?? 'warn', options.log ?? process.stderr)
  const { databaseUrl, listener } = options
  const databases = nameDatabases(typeof databaseUrl === 'string' ? [databaseUrl] : databaseUrl)
  const several = databases.length > 1
  const workers = createWorkers(Math.max(options.workers ?? DEFAULT_WORKERS, databases.length))
  const startedAt = new Date()
  const tracing = options.tracing === true ? await openTracing(logger) : null
  const tended = databases.map((database) =>
    tend({
      database,
      labelled: several,
      startedAt,
      logger,
      tracing,
      listener,
      ...(several ? { workers: workers.share() } : {}),
    }),
  )
  try {
    await someBegun(tended)
    return await serve(tended, options, logger, tracing)
  } catch (error) {
    await Promise.all(tended.map((one) => one.drain(DEFAULT_DRAIN_TIMEOUT_MS)))
    await Promise.all(tended.map((one) => one.close()))
    await tracing?.close()
    throw error
  }
}

/** Throws what the first failed with when all did. */
async function someBegun(tended: readonly Tended[]): Promise<void> {
  const outcomes = await Promise.allSettled(tended.map((one) => one.begun()))
  const [first] = outcomes
  if (first?.status === 'rejected' && outcomes.every(({ status }) => status === 'rejected')) throw first.reason
}

async function serve(
  tended: readonly Tended[],
  options: SchedulerOptions,
  logger: Logger,
  tracing: Tracing | null,
): Promise<Scheduler> {
  const feeds = createFeeds({
    source: (context) => {
      const one = databaseNamed(tended, context.req.query('database'))
      return { freshet: () => one.freshet(), opened: (more) => one.metrics.recordFeed(more) }
    },
    access: options.feeds ?? { token: null, origins: [] },
  })
  const [only] = tended
  const metrics =
    only !== undefined && tended.length === 1
      ? () => only.metrics.expose()
      : exposeTogether(tended.map((one) => one.metrics))
  const http: HttpServer = await listen(
    createApp({ databases: tended, metrics, feeds }),
    options.host ?? DEFAULT_HOST,
    options.port ?? DEFAULT_PORT,
  )
  logger.info({ url: http.url }, 'serving')
  let stopped: Promise<void> | undefined
  return {
    url: http.url,
    port: http.port,
    view: (database) => databaseNamed(tended, database).view(),
    stop: ({ drainTimeoutMs = DEFAULT_DRAIN_TIMEOUT_MS } = {}) =>
      (stopped ??= (async () => {
        // it answers until the end, so that whoever asks sees that it drains
        const drained = await Promise.all(tended.map((one) => one.drain(drainTimeoutMs)))
        await http.close()
        // closing waits for connections that are lent; those of unfinished refreshes end with the process
        await Promise.all(tended.filter((_, i) => drained[i]).map((one) => one.close()))
        await tracing?.close()
      })()),
  }
}
