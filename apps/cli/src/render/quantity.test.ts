import { describe, expect, it } from 'vitest'
import { bytes, clip, count, counted, duration, instant } from './quantity.ts'

describe('quantities', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1234567.6, '1,234,568'],
  ])('counts %d', (n, text) => expect(count(n)).toBe(text))

  it('knows one from many', () => {
    expect([counted(0, 'row'), counted(1, 'row'), counted(2, 'refresh', 'refreshes')]).toEqual([
      '0 rows',
      '1 row',
      '2 refreshes',
    ])
  })

  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 kB'],
    [150 * 1_024, '150 kB'],
    [5.25 * 2 ** 30, '5.3 GB'],
    [2 ** 52, '4096 TB'],
  ])('measures %d bytes', (n, text) => expect(bytes(n)).toBe(text))

  it.each([
    [-1, '0.00 ms'],
    [0.84, '0.84 ms'],
    [12.4, '12 ms'],
    [3_400, '3.4 s'],
    [310_000, '5m 10s'],
    [7_500_000, '2h 5m'],
    [273_600_000, '3d 4h'],
  ])('tells %d ms', (ms, text) => expect(duration(ms)).toBe(text))

  it('tells instants in UTC', () => {
    expect(instant(new Date('2026-02-03T04:05:06.789+01:00'))).toBe('2026-02-03 03:05:06')
  })

  it('clips to one line', () => {
    expect(clip('a\n  b', 10)).toBe('a b')
    expect(clip('abcdef', 4)).toBe('abc…')
  })
})
