import { FreshetError } from '@freshet/core'
import { DirectedGraph } from 'graphology'
import { topologicalGenerations } from 'graphology-dag'

/**
 * Which stream table reads which. An edge runs from what is read to what reads it; there are no circles, so there is an
 * order in which everything upstream comes first.
 */
export interface DependencyGraph {
  /** Every stream table; what is read before what reads it. */
  readonly order: readonly number[]
  /** The same, in waves: the tables of one wave do not read each other. */
  readonly generations: readonly (readonly number[])[]
  /** The position of its wave. */
  wave(id: number): number
  /** Everything that the table reads, directly or through others. */
  upstream(id: number): ReadonlySet<number>
  /** What reads the table directly. */
  readers(id: number): readonly number[]
}

export interface GraphNode {
  readonly id: number
  /** As it is shown in the error about a circle. */
  readonly name: string
  /** The stream tables that it reads directly. */
  readonly reads: readonly number[]
}

export function dependencyGraph(nodes: Iterable<GraphNode>): DependencyGraph {
  const byId = new Map([...nodes].map((node) => [node.id, node]))
  const graph = new DirectedGraph({ allowSelfLoops: true })
  for (const id of byId.keys()) graph.addNode(id)
  for (const { id, reads } of byId.values()) {
    for (const read of reads) if (byId.has(read)) graph.mergeDirectedEdge(read, id)
  }
  const cycle = findCycle(byId)
  if (cycle) {
    throw new FreshetError('CYCLE', `stream tables read each other in a circle: ${cycle.join(' → ')}`)
  }
  const generations = topologicalGenerations(graph).map((generation) => generation.map(Number))
  const order = generations.flat()
  const upstream = new Map<number, ReadonlySet<number>>()
  for (const id of order) {
    const above = (byId.get(id)?.reads ?? []).filter((read) => byId.has(read))
    upstream.set(id, new Set(above.flatMap((read) => [read, ...(upstream.get(read) ?? [])])))
  }
  const readers = new Map(order.map((id) => [id, graph.outNeighbors(id).map(Number)]))
  const wave = new Map(generations.flatMap((generation, at) => generation.map((id) => [id, at] as const)))
  return {
    order,
    generations,
    wave: (id) => wave.get(id) ?? 0,
    upstream: (id) => upstream.get(id) ?? new Set(),
    readers: (id) => readers.get(id) ?? [],
  }
}

/** The names along a circle, the first one again at the end; undefined when there is none. */
function findCycle(nodes: ReadonlyMap<number, GraphNode>): string[] | undefined {
  const done = new Set<number>()
  for (const start of nodes.keys()) {
    // depth first, upstream, with the path at hand
    const path: number[] = []
    const branches: number[][] = [[start]]
    while (branches.length > 0) {
      const next = branches.at(-1)?.pop()
      if (next === undefined) {
        branches.pop()
        const left = path.pop()
        if (left !== undefined) done.add(left)
        continue
      }
      if (path.includes(next)) {
        const circle = [...path.slice(path.indexOf(next)), next].reverse()
        return circle.map((id) => nodes.get(id)?.name ?? `#${id}`)
      }
      const node = nodes.get(next)
      if (node === undefined || done.has(next)) continue
      path.push(next)
      branches.push([...node.reads])
    }
  }
  return undefined
}
