import type { CoordinatorEvent } from '@freshet/coordinator'
import { expect, test } from 'vitest'
import { series } from './series.ts'

type Refreshed = Extract<CoordinatorEvent, { kind: 'refreshed' }>

function refreshed(id: number, durationMs: number, action: 'differential' | 'none' = 'differential'): Refreshed {
  return {
    kind: 'refreshed',
    table: { id, name: `public.t${id}` },
    waitedMs: durationMs + 10,
    slaMs: null,
    live: id < 3,
    outcome: { action, reason: null, rowsInserted: 1, rowsDeleted: 0, changeRows: 2, durationMs },
  }
}

test('a sample per second, empty seconds included; refreshes that did nothing are left out', () => {
  let now = 1_000_000
  const kept = series(() => now)
  for (const ms of [5, 1, 9, 100]) kept.record(refreshed(1, ms))
  kept.record(refreshed(1, 7, 'none'))
  kept.record({ ...refreshed(1, 2), live: false }) // waits by intent: no sample of freshness
  now += 2_000
  kept.record(refreshed(2, 3))
  expect(kept.samples()).toEqual([
    {
      at: 1_000,
      refreshes: 5,
      failures: 0,
      durationP50Ms: 5,
      durationMaxMs: 100,
      freshnessP50Ms: 15,
      freshnessMaxMs: 110,
      changeRows: 10,
    },
    expect.objectContaining({ at: 1_001, refreshes: 0, durationP50Ms: null, freshnessMaxMs: null }),
    expect.objectContaining({ at: 1_002, refreshes: 1, durationP50Ms: 3 }),
  ])
})

test('ten minutes are kept, and the last minute is counted per table', () => {
  let now = 0
  const kept = series(() => now)
  for (let second = 0; second < 1_000; second++) {
    now = second * 1_000
    kept.record(refreshed(second % 2, 1))
  }
  expect(kept.samples()).toHaveLength(600)
  expect(kept.samples()[0]?.at).toBe(400)
  expect(kept.perMinute(0)).toBe(30)
  expect(kept.perMinute(2)).toBe(0)
  now += 30_000
  expect(kept.perMinute(0)).toBe(15)
})
