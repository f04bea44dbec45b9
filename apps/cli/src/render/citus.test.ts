import type { CitusStatus } from '@freshet/client'
import picocolors from 'picocolors'
import { expect, it } from 'vitest'
import { citusTable } from './citus.ts'

const plain = picocolors.createColors(false)
const NOW = new Date('2026-02-03T04:05:06Z')
const before = (seconds: number) => new Date(NOW.getTime() - seconds * 1_000)

const ROW: CitusStatus = {
  stableName: '00000000000000aa',
  source: 'public.orders',
  placement: 'distributed',
  group: 1,
  node: 'one:5432',
  active: true,
  shards: 16,
  inOrder: true,
  waiting: 1_234,
  waitingIsLowerBound: false,
  queued: 0,
  collectedAt: before(2),
  failures: 0,
  failingSince: null,
  failuresTotal: 0,
  lastFailedAt: null,
  lastError: null,
  collector: null,
  collectingSince: null,
  waitingCollectors: 0,
}

it('shows each source on each node, and what went wrong with a node once', () => {
  const away = {
    group: 2,
    node: 'two:5432',
    waiting: null,
    queued: null,
    failures: 7,
    failingSince: before(70),
    failuresTotal: 9,
    lastFailedAt: before(3),
    lastError: { code: 'CONNECTION_LOST', message: 'the node two:5432 (group 2) does not answer' },
  } as const
  const rows = [
    ROW,
    { ...ROW, ...away },
    { ...ROW, ...away, source: 'public.lines', inOrder: false, collectedAt: null },
    { ...ROW, group: 3, active: false, waiting: 20_000, waitingIsLowerBound: true },
    { ...ROW, group: 4, collector: 4711, collectingSince: before(1), waitingCollectors: 2 },
  ]
  expect(citusTable(rows, NOW, plain)).toMatchInlineSnapshot(`
    "SOURCE         PLACEMENT    GROUP  NODE      SHARDS  IN ORDER      WAITING  QUEUED  COLLECTED  STATE
    public.orders  distributed      1  one:5432      16  yes             1,234       0  2.0 s ago  reached
    public.orders  distributed      2  two:5432      16  yes                 ?       ?  2.0 s ago  not reached for 1m 10s
    public.lines   distributed      2  two:5432      16  lost                ?       ?  never      not reached for 1m 10s
    public.orders  distributed      3  one:5432      16  yes       over 20,000       0  2.0 s ago  disabled
    public.orders  distributed      4  one:5432      16  yes             1,234       0  2.0 s ago  collected by 4711 for 1.0 s, 2 behind it

    group 2, two:5432: failed 9 times, last 3.0 s ago: the node two:5432 (group 2) does not answer"
  `)
})

it('says where there is nothing to show', () => {
  expect(citusTable([], NOW, plain)).toBe('No stream table reads a table that Citus has placed.')
})
