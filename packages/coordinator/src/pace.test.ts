import { expect, test } from 'vitest'
import { nextPause } from './pace.ts'

const pace = { minMs: 5, maxMs: 50 }

test('work sets the fastest pace at once', () => {
  expect(nextPause(pace, 50, true)).toBe(5)
})

test('without work it slows down to the slowest, and stays there', () => {
  const pauses = [5]
  while (pauses.length < 9) pauses.push(nextPause(pace, pauses.at(-1) ?? 0, false))
  expect(pauses).toEqual([5, 7.5, 11.25, 16.875, 25.3125, 37.96875, 50, 50, 50])
})
