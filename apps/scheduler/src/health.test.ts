import type { CoordinatorView } from '@freshet/coordinator'
import { expect, test } from 'vitest'
import { healthOf } from './health.ts'

const well: CoordinatorView = { trouble: null, lastPollAgoMs: 12, stopping: false, tables: [] }

test.each<[Partial<CoordinatorView>, boolean, boolean, string | null]>([
  [{}, true, true, null],
  [{ lastPollAgoMs: null }, true, false, 'starting: not connected yet'],
  [{ trouble: new Error('can not connect') }, true, false, 'can not connect'],
  [{ trouble: new Error('can not connect'), lastPollAgoMs: 1e9 }, true, false, 'can not connect'],
  [{ stopping: true }, true, false, 'draining'],
  [{ lastPollAgoMs: 130_400 }, false, false, 'no poll for 130 s'],
])('%j', (change, live, ready, reason) => {
  expect(healthOf({ ...well, ...change })).toEqual({ live, ready, reason })
})
