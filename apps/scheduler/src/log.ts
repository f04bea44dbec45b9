import { ERRORS, type ErrorJson, type FreshetError, redactUrl } from '@freshet/core'
import type { StreamEvent } from '@freshet/client'
import type { CoordinatorEvent } from '@freshet/coordinator'
import { type DestinationStream, type Logger, pino } from 'pino'
import type { LogLevel } from './config.ts'

/** Logs as JSON lines on stdout. Secrets never reach them: URLs lose their password, and whatever is named like a secret is cut out. */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const names = ['password', 'token', 'secret', 'authorization', 'connectionString', 'databaseUrl', 'DATABASE_URL']
  const options = {
    level,
    base: null,
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    redact: { paths: names.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    hooks: { streamWrite: redactUrlsIn },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}

/** `postgres://me:secret@db/shop` anywhere in a line, an error's message included. */
function redactUrlsIn(line: string): string {
  return line.replaceAll(/\bpostgres(?:ql)?:\/\/[^\s"'\\<>]+/g, (url) => redactUrl(url))
}

export function logEvent(logger: Logger, event: CoordinatorEvent): void {
  switch (event.kind) {
    case 'refreshed': {
      const { table, outcome, waitedMs } = event
      const { action, reason, changeRows, rowsInserted, rowsDeleted } = outcome
      const fields = { table: table.name, action, reason, changeRows, rowsInserted, rowsDeleted }
      logger.debug({ ...fields, ms: round(outcome.durationMs), waitedMs: round(waitedMs) }, 'refreshed')
      return
    }
    case 'failed': {
      const { table, error, consecutiveErrors, retryInMs } = event
      logger.warn({ table: table.name, consecutiveErrors, retryInMs, error: errorOf(error) }, 'refresh failed')
      return
    }
    case 'suspended':
      logger.error({ table: event.table.name, error: errorOf(event.error) }, event.reason)
      return
    case 'polled':
      logger.trace({ ms: round(event.durationMs), full: event.full, pending: event.pending }, 'polled')
      return
    case 'catalog':
      logger.info({ tables: event.tables }, 'stream tables')
      return
    case 'odd_schedule':
      logger.warn({ table: event.table.name }, `${event.message}; the table is treated as manual`)
      return
    case 'odd_setting':
      logger.warn({ error: errorOf(event.error) }, 'a stored setting can not be read; the last good ones stay in force')
      return
    case 'trimmed':
      logger.debug({ source: event.stableName, rows: event.rows }, 'change buffer trimmed')
      return
    case 'pruned':
      logger.info({ rows: event.rows }, 'history pruned')
      return
    case 'mended':
      logger.warn({ source: event.source }, 'capture mended; its stream tables are recomputed')
      return
    case 'cleared':
      logger.warn(`${event.what} was left behind by a process that ended too early, and is removed`)
      return
    case 'upkeep_failed':
      logger.warn({ task: event.task, error: errorOf(event.error) }, 'upkeep failed')
      return
    case 'connected':
      logger.info('polling')
      return
    case 'interrupted':
      logger.warn({ retryInMs: event.retryInMs, error: errorOf(event.error) }, 'polling interrupted')
      return
    case 'draining':
      logger.info({ running: event.running }, 'draining')
      return
    case 'stopped': {
      const unfinished = event.unfinished.map(({ name }) => name)
      if (unfinished.length > 0) logger.warn({ unfinished }, 'stopped, with refreshes still running')
      else logger.info('stopped')
      return
    }
  }
}

export function logStream(logger: Logger, event: StreamEvent): void {
  switch (event.kind) {
    case 'streaming':
      logger.info({ slot: event.slot }, 'reading the stream of changes')
      return
    case 'applied':
      logger.trace({ transactions: event.applied.transactions, rows: event.applied.rows }, 'changes applied')
      return
    case 'replaced':
      logger.error(
        'the replication slot was lost, or kept too much of the log, and is replaced; its stream tables are recomputed',
      )
      return
    case 'interrupted':
      logger.warn({ error: errorOf(event.error) }, 'the stream of changes was interrupted')
      return
    case 'unreachable': {
      const { node, failures, retryInMs, alarming } = event
      const level = alarming ? 'error' : 'warn'
      logger[level]({ ...node, failures, retryInMs }, 'a node does not answer; what lies there waits')
      return
    }
    case 'reached':
      logger.info(event.node, 'the node answers again')
      return
    case 'removed':
      logger.info(event.node, 'the node that did not answer is not of the cluster any more')
      return
    case 'collected':
      logger.trace({ source: event.stableName }, 'changes collected')
      return
    case 'collecting_failed':
      logger.warn(
        { source: event.stableName, error: errorOf(event.error) },
        'changes on other nodes were not collected',
      )
      return
  }
}

/** A code's usual hint is in the manual; in a log only a particular one is worth its place. */
function errorOf(error: FreshetError): ErrorJson {
  const { hint, ...rest } = error.toJSON()
  return hint === undefined || hint === ERRORS[error.code].hint ? rest : { ...rest, hint }
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10
}
