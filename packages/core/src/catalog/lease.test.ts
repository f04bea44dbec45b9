import fc from 'fast-check'
import { expect, test } from 'vitest'
import { conflictPauseMs } from './lease.ts'

test('a conflict is waited out for 50 to 500 ms, longer with each, and not by all the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const pause = conflictPauseMs(attempt, random)
      expect(pause).toBeGreaterThanOrEqual(50)
      expect(pause).toBeLessThanOrEqual(500)
      expect(conflictPauseMs(attempt + 1, random)).toBeGreaterThanOrEqual(pause)
    }),
  )
  expect(conflictPauseMs(1, 0.5)).not.toBe(conflictPauseMs(1, 0.6))
  expect(conflictPauseMs(9, 1)).toBe(500)
})
