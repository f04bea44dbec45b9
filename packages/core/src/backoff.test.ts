import { expect, test } from 'vitest'
import { backoffMs } from './backoff.ts'

const backoff = { baseMs: 100, maxMs: 30_000 }

test('doubles up to the maximum', () => {
  const delays = [1, 2, 3, 4, 9, 10, 1_000].map((attempt) => backoffMs(backoff, attempt, 0.5))
  expect(delays).toEqual([100, 200, 400, 800, 25_600, 30_000, 30_000])
})

test('spreads by a fifth to either side', () => {
  expect(backoffMs(backoff, 2, 0)).toBe(160)
  expect(backoffMs(backoff, 2, 1)).toBe(240)
})
