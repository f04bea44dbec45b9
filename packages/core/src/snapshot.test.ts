import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  including,
  isVisible,
  NOTHING_VISIBLE,
  parseSnapshot,
  printSnapshot,
  type Snapshot,
  snapshotLeq,
  snapshotMeet,
} from './snapshot.ts'

/** Small ids, so that snapshots meet and overlap; `XIDS` covers all of them and some beyond. */
const snapshots: fc.Arbitrary<Snapshot> = fc.tuple(fc.bigInt(1n, 12n), fc.bigInt(0n, 12n)).chain(([xmin, more]) =>
  fc.record({
    xmin: fc.constant(xmin),
    xmax: fc.constant(xmin + more),
    inProgress: fc.subarray(Array.from({ length: Number(more) }, (_, i) => xmin + BigInt(i))),
  }),
)
const XIDS = Array.from({ length: 40 }, (_, i) => BigInt(i))
const visibleIn = (snapshot: Snapshot) => XIDS.filter((xid) => isVisible(xid, snapshot))

test('parse and print are inverse', () => {
  fc.assert(
    fc.property(snapshots, (snapshot) => {
      expect(parseSnapshot(printSnapshot(snapshot))).toEqual(snapshot)
    }),
  )
  expect(printSnapshot(parseSnapshot('18446744073709551000:18446744073709551615:18446744073709551001'))).toBe(
    '18446744073709551000:18446744073709551615:18446744073709551001',
  )
})

test.each(['', '1:2', '2:1:', '1:5:3,2', '1:5:3,3', '3:5:2', '1:5:5', '1:5:3,', 'a:b:', '-1:2:', '0:1:', ' 1:2:'])(
  'parse refuses "%s"',
  (text) => {
    expect(() => parseSnapshot(text)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  },
)

test('leq is inclusion of what is visible', () => {
  fc.assert(
    fc.property(snapshots, snapshots, (a, b) => {
      expect(snapshotLeq(a, b)).toBe(visibleIn(a).every((xid) => isVisible(xid, b)))
    }),
    { numRuns: 2_000 },
  )
})

test('meet sees what both see', () => {
  fc.assert(
    fc.property(snapshots, snapshots, (a, b) => {
      expect(visibleIn(snapshotMeet(a, b))).toEqual(visibleIn(a).filter((xid) => isVisible(xid, b)))
      expect(parseSnapshot(printSnapshot(snapshotMeet(a, b)))).toEqual(snapshotMeet(a, b))
    }),
    { numRuns: 2_000 },
  )
})

test('including adds that one transaction and no other', () => {
  fc.assert(
    fc.property(snapshots, fc.bigInt(1n, 30n), (snapshot, xid) => {
      const more = including(snapshot, xid)
      expect(visibleIn(more)).toEqual(XIDS.filter((other) => other === xid || isVisible(other, snapshot)))
      expect(parseSnapshot(printSnapshot(more))).toEqual(more)
    }),
    { numRuns: 2_000 },
  )
})

test('nothing is visible in the smallest snapshot', () => {
  expect(XIDS.filter((xid) => xid > 0n && isVisible(xid, NOTHING_VISIBLE))).toEqual([])
  fc.assert(fc.property(snapshots, (snapshot) => snapshotLeq(NOTHING_VISIBLE, snapshot)))
})
