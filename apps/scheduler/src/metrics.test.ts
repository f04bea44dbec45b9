import { type CaptureStream, FreshetError, lsn } from '@freshet/core'
import type { CoordinatorEvent, CoordinatorView } from '@freshet/coordinator'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { createMetrics, METRICS, metricsPage } from './metrics.ts'

const table = { id: 1, name: 'public.orders_by_day' }
const view: CoordinatorView = {
  trouble: null,
  lastPollAgoMs: 1,
  stopping: false,
  tables: [{ ...table, status: 'active', pending: true, running: true, lagMs: 1_500, slaMs: 500 }],
}
const error = new FreshetError('QUERY_FAILED', 'division by zero')
const slot: CaptureStream = {
  slot: 'freshet_0_1',
  applied: '0/1',
  active: true,
  usable: true,
  retainedBytes: 4_096,
  lagBytes: 1_024,
  safeBytes: null,
}
const outcome = { reason: null, rowsInserted: 3, rowsDeleted: 1, changeRows: 4, durationMs: 12 }
const events: readonly CoordinatorEvent[] = [
  { kind: 'refreshed', table, outcome: { ...outcome, action: 'differential' }, waitedMs: 18, slaMs: 500, live: true },
  { kind: 'refreshed', table, outcome: { ...outcome, action: 'full' }, waitedMs: 501, slaMs: 500, live: true },
  { kind: 'refreshed', table, outcome: { ...outcome, action: 'busy' }, waitedMs: 18, slaMs: 500, live: true },
  { kind: 'failed', table, error, consecutiveErrors: 1, retryInMs: 500 },
  { kind: 'suspended', table, error, reason: 'gave up' },
  { kind: 'polled', durationMs: 0.4, full: false, pending: 0 },
  { kind: 'interrupted', error, retryInMs: 100 },
  { kind: 'trimmed', stableName: '00000000000000aa', rows: 7 },
  { kind: 'pruned', rows: 2 },
  { kind: 'upkeep_failed', task: 'trim', error },
]

test('events become the documented metrics, every one of them', async () => {
  const metrics = createMetrics(
    () => view,
    () => Promise.resolve(slot),
  )
  metrics.recordStream({ kind: 'applied', applied: { transactions: 1, rows: 9, position: lsn(1n) } })
  metrics.recordStream({ kind: 'streaming', slot: slot.slot })
  metrics.recordStream({ kind: 'interrupted', error })
  metrics.recordStream({ kind: 'replaced' })
  const node = { group: 2, address: 'worker:5432' }
  metrics.recordStream({ kind: 'unreachable', node, failures: 4, retryInMs: 800, alarming: false })
  metrics.recordStream({ kind: 'unreachable', node, failures: 5, retryInMs: 1_600, alarming: true })
  metrics.recordStream({
    kind: 'unreachable',
    node: { ...node, group: 3 },
    failures: 5,
    retryInMs: 1_600,
    alarming: true,
  })
  metrics.recordStream({ kind: 'reached', node: { ...node, group: 3 } })
  metrics.recordStream({ kind: 'collected', stableName: '00000000000000aa' })
  metrics.recordStream({ kind: 'collecting_failed', stableName: null, error })
  for (const more of [1, 1, -1, 1, 1] as const) metrics.recordFeed(more)
  for (const event of events) metrics.record(event)
  const { text, contentType } = await metrics.expose()
  expect(contentType).toContain('text/plain')
  const lines = text.split('\n')
  const label = 'stream_table="public.orders_by_day"'
  for (const line of [
    'freshet_ready 1',
    'freshet_citus_node_unreachable{group="2"} 1',
    'freshet_citus_node_unreachable{group="3"} 0',
    'freshet_citus_node_failures_total{group="2"} 2',
    'freshet_citus_collections_total 1',
    'freshet_citus_collecting_failures_total 1',
    'freshet_refreshes_running 1',
    'freshet_stream_tables{status="active"} 1',
    `freshet_lag_seconds{${label}} 1.5`,
    `freshet_refreshes_total{${label},action="differential"} 1`,
    `freshet_refreshes_total{${label},action="busy"} 1`,
    `freshet_refresh_failures_total{${label},code="QUERY_FAILED"} 2`,
    `freshet_suspensions_total{${label}} 1`,
    `freshet_refresh_seconds_count{${label}} 2`,
    `freshet_freshness_seconds_bucket{le="0.02",${label}} 1`,
    `freshet_sla_seconds{${label}} 0.5`,
    `freshet_sla_refreshes_total{${label},met="yes"} 1`,
    `freshet_sla_refreshes_total{${label},met="no"} 1`,
    `freshet_change_rows_total{${label}} 8`,
    `freshet_rows_inserted_total{${label}} 6`,
    `freshet_rows_deleted_total{${label}} 2`,
    'freshet_poll_seconds_count{kind="snapshot"} 1',
    'freshet_poll_interruptions_total 1',
    'freshet_trimmed_rows_total 7',
    'freshet_pruned_rows_total 2',
    'freshet_upkeep_failures_total{task="trim"} 1',
    'freshet_wal_retained_bytes 4096',
    'freshet_wal_unread_bytes 1024',
    'freshet_wal_changes_total 9',
    'freshet_wal_interruptions_total{kind="interrupted"} 1',
    'freshet_wal_interruptions_total{kind="replaced"} 1',
    'freshet_feeds_open 3',
  ]) {
    expect(lines).toContain(line)
  }
  const exposed = lines.flatMap((line) => /^# TYPE (freshet_\w+) (\w+)/.exec(line)?.slice(1, 3).join(' ') ?? [])
  const documented = Object.entries(METRICS).map(([name, { type }]) => `${name} ${type}`)
  expect(new Set(exposed)).toEqual(new Set(documented))
})

test('without a stream, or a server that tells of it, nothing is said of its size', async () => {
  for (const stream of [() => Promise.resolve(null), () => Promise.reject(error)]) {
    const { text } = await createMetrics(() => view, stream).expose()
    expect(text).not.toMatch(/^freshet_wal_(retained|unread)_bytes /m)
    expect(text).toMatch(/^freshet_ready 1$/m)
  }
})

test('docs/metrics.md says what the code does; `npm run docs` writes it anew', async () => {
  expect(await readFile(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')).toBe(metricsPage())
})
