import { expect, test } from 'vitest'
import { nextPause } from './pace.ts'

const pace = { minMs: 5, maxMs: 50 }

test('work sets the fastest pace at once', () => {
  expect(nextPause(pace, 50, true, 1)).toBe(5)
  expect(nextPause(pace, 50, true, 12)).toBe(12)
})

test('without work it slows down to the slowest, and stays there', () => {
  const pauses = [5]
  while (pauses.length < 9) pauses.push(nextPause(pace, pauses.at(-1) ?? 0, false, 0.2))
  expect(pauses).toEqual([5, 7.5, 11.25, 16.875, 25.3125, 37.96875, 50, 50, 50])
})

test('a look in vain that took long is followed by a longer rest, within bounds', () => {
  expect(nextPause(pace, 50, false, 4)).toBe(80)
  expect(nextPause(pace, 80, false, 0.2)).toBe(50)
  expect(nextPause(pace, 50, false, 1_000)).toBe(200)
})
