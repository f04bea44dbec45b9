import type { StreamEvent } from '@freshet/client'
import type { CoordinatorEvent, CoordinatorView } from '@freshet/coordinator'
import type { CaptureStream } from '@freshet/core'
import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { healthOf } from './health.ts'

/** Prometheus metrics, fed by the coordinator's events. `docs/metrics.md` lists them, and a test keeps it in step. */
export interface Metrics {
  record(event: CoordinatorEvent): void
  recordStream(event: StreamEvent): void
  /** One more feed is open, or one less. */
  recordFeed(more: 1 | -1): void
  /** The exposition, and its content type. */
  expose(): Promise<Exposition>
  /** The same as data, to be exposed with others. */
  readonly registry: Registry
}

export interface Exposition {
  readonly text: string
  readonly contentType: string
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
const POLL_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1]

/** Name → type, labels and help: what the documentation shows. */
export const METRICS = {
  freshet_ready: { type: 'gauge', labels: [], help: '1 while the scheduler polls the database, else 0.' },
  freshet_stream_tables: { type: 'gauge', labels: ['status'], help: 'Stream tables by status.' },
  freshet_lag_seconds: {
    type: 'gauge',
    labels: ['stream_table'],
    help: 'The stream table has seen every change that is older than this; 0 while no change waits.',
  },
  freshet_refreshes_running: { type: 'gauge', labels: [], help: 'Refreshes that run in this scheduler now.' },
  freshet_refreshes_total: {
    type: 'counter',
    labels: ['stream_table', 'action'],
    help: 'Refreshes by what they did: differential, full, none (nothing was to be done), busy (somebody else held the table).',
  },
  freshet_refresh_failures_total: {
    type: 'counter',
    labels: ['stream_table', 'code'],
    help: 'Refreshes that failed, by error code.',
  },
  freshet_suspensions_total: { type: 'counter', labels: ['stream_table'], help: 'Suspensions after too many errors.' },
  freshet_refresh_seconds: {
    type: 'histogram',
    labels: ['stream_table'],
    help: 'How long refreshes took that did something.',
  },
  freshet_freshness_seconds: {
    type: 'histogram',
    labels: ['stream_table'],
    help: 'From the last moment at which the stream table was known to be fresh to the end of its refresh: how long a change had waited, at most.',
  },
  freshet_sla_seconds: {
    type: 'gauge',
    labels: ['stream_table'],
    help: 'The objective of the stream table: a change is to be visible within this long. Absent where it has none.',
  },
  freshet_sla_refreshes_total: {
    type: 'counter',
    labels: ['stream_table', 'met'],
    help: 'Refreshes under an objective that found changes: yes (in time) or no (the first change may have waited longer).',
  },
  freshet_change_rows_total: {
    type: 'counter',
    labels: ['stream_table'],
    help: 'Change rows that refreshes have read.',
  },
  freshet_rows_inserted_total: {
    type: 'counter',
    labels: ['stream_table'],
    help: 'Rows that refreshes have inserted into the stream table.',
  },
  freshet_rows_deleted_total: {
    type: 'counter',
    labels: ['stream_table'],
    help: 'Rows that refreshes have deleted from the stream table.',
  },
  freshet_poll_seconds: {
    type: 'histogram',
    labels: ['kind'],
    help: 'How long polls took: snapshot (nothing had been committed) or buffers.',
  },
  freshet_poll_interruptions_total: {
    type: 'counter',
    labels: [],
    help: 'Times that polling broke off, mostly because the connection was lost.',
  },
  freshet_trimmed_rows_total: {
    type: 'counter',
    labels: [],
    help: 'Consumed change rows that were removed from the buffers.',
  },
  freshet_pruned_rows_total: { type: 'counter', labels: [], help: 'Rows of the refresh history that were removed.' },
  freshet_upkeep_failures_total: {
    type: 'counter',
    labels: ['task'],
    help: 'Failures beside the refreshes: trim, prune, inspect, clear, announce, count, record.',
  },
  freshet_wal_retained_bytes: {
    type: 'gauge',
    labels: [],
    help: 'Bytes of its log that the server keeps for the replication slot; absent while no source is captured by WAL. Alarm on its growth: it fills the server’s disk.',
  },
  freshet_wal_unread_bytes: {
    type: 'gauge',
    labels: [],
    help: 'Bytes of the server’s log that the stream has not passed yet; absent while no source is captured by WAL.',
  },
  freshet_wal_changes_total: { type: 'counter', labels: [], help: 'Changes that this scheduler took from the stream.' },
  freshet_wal_interruptions_total: {
    type: 'counter',
    labels: ['kind'],
    help: 'Times that the stream broke: interrupted (it goes on where it was), replaced (the slot was lost).',
  },
  freshet_citus_node_unreachable: {
    type: 'gauge',
    labels: ['group'],
    help: '1 while a node of the Citus cluster has not answered `citus_worker_retry_ticks` times in a row, else 0; absent for nodes that always did. By the group of the node.',
  },
  freshet_citus_node_failures_total: {
    type: 'counter',
    labels: ['group'],
    help: 'Tries in vain to reach a node of the Citus cluster.',
  },
  freshet_citus_collections_total: {
    type: 'counter',
    labels: [],
    help: 'Times that this scheduler brought the changes of a source from the nodes of the Citus cluster.',
  },
  freshet_citus_collecting_failures_total: {
    type: 'counter',
    labels: [],
    help: 'Times that it could not, for another reason than that a node did not answer.',
  },
  freshet_feeds_open: { type: 'gauge', labels: [], help: 'Feeds that browsers and others read from this scheduler.' },
} as const satisfies Readonly<
  Record<string, { type: 'gauge' | 'counter' | 'histogram'; labels: readonly string[]; help: string }>
>

type MetricName = keyof typeof METRICS

/**
 * `stream` asks the server; when it can not be reached, what it would tell is absent, and `freshet_ready` is 0. Those of one
 * `database` among several carry its name, and nothing of the process.
 */
export function createMetrics(
  view: () => CoordinatorView,
  stream: () => Promise<CaptureStream | null>,
  database: string | null = null,
): Metrics {
  const registry = database === null ? processMetrics() : new Registry()
  if (database !== null) registry.setDefaultLabels({ database })
  const base = (name: MetricName) => ({
    name,
    help: METRICS[name].help,
    labelNames: [...METRICS[name].labels],
    registers: [registry],
  })
  const counter = (name: MetricName) => new Counter(base(name))
  const histogram = (name: MetricName, buckets: number[]) => new Histogram({ ...base(name), buckets })
  const gauge = (name: MetricName, collect: (gauge: Gauge, view: CoordinatorView) => void) =>
    new Gauge({
      ...base(name),
      collect() {
        collect(this, view())
      },
    })

  gauge('freshet_ready', (metric, now) => metric.set(healthOf(now).ready ? 1 : 0))
  gauge('freshet_refreshes_running', (metric, now) => metric.set(now.tables.filter(({ running }) => running).length))
  gauge('freshet_stream_tables', (metric, now) => {
    for (const status of ['initializing', 'active', 'paused', 'suspended']) {
      metric.set({ status }, now.tables.filter((table) => table.status === status).length)
    }
  })
  gauge('freshet_lag_seconds', (metric, now) => {
    metric.reset()
    for (const { name, lagMs } of now.tables) metric.set({ stream_table: name }, lagMs / 1_000)
  })
  gauge('freshet_sla_seconds', (metric, now) => {
    metric.reset()
    for (const { name, slaMs } of now.tables) if (slaMs !== null) metric.set({ stream_table: name }, slaMs / 1_000)
  })
  const streamGauge = (name: MetricName, value: (state: CaptureStream) => number) =>
    new Gauge({
      ...base(name),
      async collect() {
        this.remove()
        const state = await stream().catch(() => null)
        if (state !== null) this.set(value(state))
      },
    })
  streamGauge('freshet_wal_retained_bytes', (state) => state.retainedBytes)
  streamGauge('freshet_wal_unread_bytes', (state) => state.lagBytes)
  const feeds = new Gauge(base('freshet_feeds_open'))
  const streamed = counter('freshet_wal_changes_total')
  const streamBreaks = counter('freshet_wal_interruptions_total')
  const unreachable = new Gauge(base('freshet_citus_node_unreachable'))
  const nodeFailures = counter('freshet_citus_node_failures_total')
  const collections = counter('freshet_citus_collections_total')
  const collectingFailures = counter('freshet_citus_collecting_failures_total')
  const refreshes = counter('freshet_refreshes_total')
  const failures = counter('freshet_refresh_failures_total')
  const suspensions = counter('freshet_suspensions_total')
  const refreshSeconds = histogram('freshet_refresh_seconds', SECONDS)
  const freshnessSeconds = histogram('freshet_freshness_seconds', SECONDS)
  const underObjective = counter('freshet_sla_refreshes_total')
  const changeRows = counter('freshet_change_rows_total')
  const rowsInserted = counter('freshet_rows_inserted_total')
  const rowsDeleted = counter('freshet_rows_deleted_total')
  const pollSeconds = histogram('freshet_poll_seconds', POLL_SECONDS)
  const interruptions = counter('freshet_poll_interruptions_total')
  const trimmed = counter('freshet_trimmed_rows_total')
  const pruned = counter('freshet_pruned_rows_total')
  const upkeepFailures = counter('freshet_upkeep_failures_total')

  const recordRefreshed = ({ table, outcome, waitedMs, slaMs }: Extract<CoordinatorEvent, { kind: 'refreshed' }>) => {
    const labels = { stream_table: table.name }
    refreshes.inc({ ...labels, action: outcome.action })
    if (outcome.action === 'none' || outcome.action === 'busy') return
    refreshSeconds.observe(labels, outcome.durationMs / 1_000)
    freshnessSeconds.observe(labels, waitedMs / 1_000)
    if (slaMs !== null) underObjective.inc({ ...labels, met: waitedMs <= slaMs ? 'yes' : 'no' })
    changeRows.inc(labels, outcome.changeRows)
    rowsInserted.inc(labels, outcome.rowsInserted)
    rowsDeleted.inc(labels, outcome.rowsDeleted)
  }
  return {
    record: (event) => {
      switch (event.kind) {
        case 'refreshed':
          recordRefreshed(event)
          return
        case 'failed':
          failures.inc({ stream_table: event.table.name, code: event.error.code })
          return
        case 'suspended':
          failures.inc({ stream_table: event.table.name, code: event.error.code })
          suspensions.inc({ stream_table: event.table.name })
          return
        case 'polled':
          pollSeconds.observe({ kind: event.full ? 'buffers' : 'snapshot' }, event.durationMs / 1_000)
          return
        case 'interrupted':
          interruptions.inc()
          return
        case 'trimmed':
          trimmed.inc(event.rows)
          return
        case 'pruned':
          pruned.inc(event.rows)
          return
        case 'upkeep_failed':
          upkeepFailures.inc({ task: event.task })
          return
        case 'catalog':
        case 'mended':
        case 'cleared':
        case 'odd_schedule':
        case 'odd_setting':
        case 'connected':
        case 'draining':
        case 'stopped':
          return
      }
    },
    recordStream: (event) => {
      switch (event.kind) {
        case 'applied':
          streamed.inc(event.applied.rows)
          return
        case 'interrupted':
        case 'replaced':
          streamBreaks.inc({ kind: event.kind })
          return
        case 'unreachable':
          nodeFailures.inc({ group: event.node.group })
          unreachable.set({ group: event.node.group }, event.alarming ? 1 : 0)
          return
        case 'reached':
          unreachable.set({ group: event.node.group }, 0)
          return
        case 'removed':
          unreachable.remove({ group: event.node.group })
          return
        case 'collected':
          collections.inc()
          return
        case 'collecting_failed':
          collectingFailures.inc()
          return
        case 'streaming':
          return
      }
    },
    recordFeed: (more) => feeds.inc(more),
    expose: async () => ({ text: await registry.metrics(), contentType: registry.contentType }),
    registry,
  }
}

function processMetrics(): Registry {
  const registry = new Registry()
  // the default monitor of the event loop wakes the process a hundred times a second
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 })
  return registry
}

/** Those of several databases, which carry their names, and those of the process. */
export function exposeTogether(databases: readonly Metrics[]): () => Promise<Exposition> {
  const ofProcess = processMetrics()
  return async () => {
    const each = await Promise.all(databases.map(({ registry }) => registry.getMetricsAsJSON()))
    const texts = await Promise.all(
      [ofProcess, AggregatorRegistry.aggregate(each)].map((registry) => registry.metrics()),
    )
    return { text: texts.join('\n'), contentType: ofProcess.contentType }
  }
}

/** The text of `docs/metrics.md`. */
export function metricsPage(): string {
  const rows = Object.entries(METRICS).map(
    ([name, { type, labels, help }]) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ') || '–'} | ${help} |`,
  )
  return [
    '# Metrics',
    '',
    'What the scheduler (`freshet serve`) exposes at `/metrics`, in the text format of Prometheus. Generated from',
    '`apps/scheduler/src/metrics.ts`: do not edit. The usual metrics of a Node process (`process_…`, `nodejs_…`) come with them.',
    '',
    '| metric | type | labels | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    'Every scheduler counts what it does itself: sum over schedulers for refreshes and rows, take the smallest',
    '`freshet_lag_seconds` of a stream table for its lag. One that takes care of several databases gives each metric the label',
    '`database`.',
    '',
  ].join('\n')
}
