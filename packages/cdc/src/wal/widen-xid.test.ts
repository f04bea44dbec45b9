import fc from 'fast-check'
import { expect, test } from 'vitest'
import { widenXid } from './widen-xid.ts'

test.each([
  [5, 10n, 5n],
  [10, 5n, 10n],
  [0xffff_fff0, (7n << 32n) + 3n, (6n << 32n) + 0xffff_fff0n],
  [3, (6n << 32n) + 0xffff_fff0n, (7n << 32n) + 3n],
  [0xffff_fff0, 3n, 0xffff_fff0n],
])('%i near %i is %i', (xid, near, wide) => {
  expect(widenXid(xid, near)).toBe(wide)
})

test('what was given out before or after, within 2³¹, comes back', () => {
  const xids = fc.bigInt({ min: 3n, max: (1n << 63n) - 1n })
  fc.assert(
    fc.property(xids, fc.bigInt({ min: -(1n << 31n) + 1n, max: (1n << 31n) - 1n }), (xid, distance) => {
      const near = xid + distance
      if (near >= 3n) expect(widenXid(Number(xid & 0xffff_ffffn), near)).toBe(xid)
    }),
  )
})
