import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dependencyGraph, type GraphNode } from './graph.ts'

/** `{ a: '', b: 'a', c: 'a b' }` → nodes 1, 2, 3 with what each reads. */
function graphOf(reads: Readonly<Record<string, string>>) {
  const names = Object.keys(reads)
  const id = (name: string) => names.indexOf(name) + 1
  const nodes: GraphNode[] = names.map((name) => ({
    id: id(name),
    name,
    reads: (reads[name] ?? '').split(' ').filter(Boolean).map(id),
  }))
  return dependencyGraph(nodes)
}

describe('order', () => {
  test('nothing', () => {
    expect(graphOf({}).order).toEqual([])
  })

  test('a chain, given backwards', () => {
    expect(graphOf({ c: 'b', b: 'a', a: '' }).order).toEqual([3, 2, 1])
  })

  test('a diamond is three waves', () => {
    const graph = graphOf({ top: '', left: 'top', right: 'top', bottom: 'left right' })
    expect(graph.generations).toEqual([[1], [2, 3], [4]])
    expect(graph.upstream(4)).toEqual(new Set([1, 2, 3]))
    expect(graph.readers(1)).toEqual([2, 3])
    expect(graph.readers(4)).toEqual([])
  })

  test('a table that is not in the graph is no edge', () => {
    expect(dependencyGraph([{ id: 1, name: 'a', reads: [99] }]).upstream(1).size).toBe(0)
  })

  test('every table comes after all that it reads', () => {
    // an edge only from lower to higher rank can make no circle; the ids are shuffled against the ranks
    const arbitrary = fc
      .tuple(fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8], { minLength: 8 }), fc.array(fc.tuple(fc.nat(7), fc.nat(7))))
      .map(([ids, pairs]) =>
        ids.map((id, rank) => ({
          id,
          name: `t${id}`,
          reads: pairs.filter(([low, high]) => high === rank && low < rank).map(([low]) => ids[low] ?? 0),
        })),
      )
    fc.assert(
      fc.property(arbitrary, (nodes) => {
        const graph = dependencyGraph(nodes)
        expect(new Set(graph.order)).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8]))
        for (const { id, reads } of nodes) {
          for (const read of reads) {
            expect(graph.order.indexOf(read)).toBeLessThan(graph.order.indexOf(id))
            expect(graph.upstream(id)).toContain(read)
          }
        }
      }),
    )
  })
})

describe('a circle', () => {
  test.each([
    [{ a: 'a' }, 'a → a'],
    [{ a: 'b', b: 'a' }, 'a → b → a'],
    [{ x: '', a: 'c x', b: 'a', c: 'b', y: 'c' }, 'a → b → c → a'],
  ])('%j is refused with its path', (reads, path) => {
    expect(() => graphOf(reads)).toThrow(
      expect.objectContaining({ code: 'CYCLE', message: expect.stringContaining(path) }),
    )
  })
})
