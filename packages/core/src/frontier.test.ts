import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  advance,
  type Frontier,
  frontierLeq,
  frontierMeet,
  parseFrontier,
  type Position,
  positionLeq,
  printFrontier,
} from './frontier.ts'
import { lsn } from './lsn.ts'
import { parseSnapshot } from './snapshot.ts'

const SOURCES = ['00000000000000aa', '00000000000000bb', '00000000000000cc']
const snapshotAt = fc.integer({ min: 1, max: 6 }).chain((xmin) =>
  fc.subarray([xmin, xmin + 1, xmin + 2]).map((hidden): Position => {
    return { kind: 'snapshot', snapshot: parseSnapshot(`${xmin}:${xmin + 3}:${hidden.join(',')}`) }
  }),
)
const lsnAt = fc.bigInt(0n, 9n).map((n): Position => ({ kind: 'lsn', lsn: lsn(n) }))
const STORED: readonly Position['kind'][] = ['snapshot', 'snapshot', 'lsn']
/** Any of three sources and two nodes; a source keeps its kind of position. */
const frontiers: fc.Arbitrary<Frontier> = fc
  .uniqueArray(fc.tuple(fc.nat(2), fc.nat(1), snapshotAt, lsnAt), { selector: ([source, node]) => `${source}/${node}` })
  .map((entries) => {
    const result: Record<string, Record<string, Position>> = {}
    for (const [source, node, snapshot, position] of entries) {
      const nodes = (result[SOURCES[source] ?? ''] ??= {})
      nodes[`${node}`] = STORED[source] === 'lsn' ? position : snapshot
    }
    return result
  })

function check<T>(property: fc.IProperty<T>): void {
  fc.assert(property, { numRuns: 500 })
}

test('what is stored reads back as itself', () => {
  check(
    fc.property(frontiers, (a) => {
      const stored: unknown = JSON.parse(JSON.stringify(printFrontier(a)))
      expect(parseFrontier(stored)).toEqual(a)
    }),
  )
})

test('leq is a partial order with the empty frontier below all', () => {
  check(
    fc.property(frontiers, frontiers, frontiers, (a, b, c) => {
      expect(frontierLeq(a, a)).toBe(true)
      expect(frontierLeq({}, a)).toBe(true)
      if (frontierLeq(a, b) && frontierLeq(b, c)) expect(frontierLeq(a, c)).toBe(true)
    }),
  )
})

test('meet is the greatest frontier below both', () => {
  check(
    fc.property(frontiers, frontiers, frontiers, (a, b, c) => {
      const meet = frontierMeet(a, b)
      expect(frontierLeq(meet, a) && frontierLeq(meet, b)).toBe(true)
      if (frontierLeq(c, a) && frontierLeq(c, b)) expect(frontierLeq(c, meet)).toBe(true)
    }),
  )
})

test('advance takes later positions, keeps the rest, and refuses earlier ones', () => {
  check(
    fc.property(frontiers, frontiers, (a, b) => {
      const goesBack = Object.entries(b).some(([source, nodes]) =>
        Object.entries(nodes).some(([node, position]) => {
          const before = a[source]?.[node]
          return before !== undefined && !positionLeq(before, position)
        }),
      )
      if (goesBack) {
        expect(() => advance(a, b)).toThrow(/would go back/)
      } else {
        const moved = advance(a, b)
        expect(frontierLeq(a, moved) && frontierLeq(b, moved)).toBe(true)
        for (const [source, nodes] of Object.entries(moved)) expect(nodes).toEqual({ ...a[source], ...b[source] })
      }
    }),
  )
})

test.each([
  null,
  { orders: { '0': { kind: 'lsn', lsn: '0/1' } } },
  { '00000000000000aa': { first: { kind: 'lsn', lsn: '0/1' } } },
  { '00000000000000aa': { '0': { kind: 'snapshot' } } },
  { '00000000000000aa': { '0': { kind: 'snapshot', snapshot: '5:1:' } } },
  { '00000000000000aa': { '0': { kind: 'lsn', lsn: '0/1', more: 1 } } },
])('a stored frontier that makes no sense is refused: %j', (value) => {
  expect(() => parseFrontier(value)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
})

test('a snapshot and a WAL position are not compared', () => {
  const a: Frontier = { '00000000000000aa': { '0': { kind: 'lsn', lsn: lsn(1n) } } }
  const b: Frontier = { '00000000000000aa': { '0': { kind: 'snapshot', snapshot: parseSnapshot('1:1:') } } }
  expect(() => frontierLeq(a, b)).toThrow(/can not be compared/)
  expect(() => frontierMeet(a, b)).toThrow(/can not be compared/)
})
