import { expect, test } from 'vitest'
import { median, percentile } from './measurement.ts'

test('a median is the value in the middle, or between the two in the middle', () => {
  expect(median([3])).toBe(3)
  expect(median([9, 1, 2])).toBe(2)
  expect(median([8, 1, 2, 4])).toBe(3)
  expect(() => median([])).toThrow(RangeError)
  expect(percentile([1, 2, 3, 4], 0.99)).toBe(4)
})
