import { type EdgeLabel, Graph, type GraphLabel, layout, type NodeLabel } from '@dagrejs/dagre'
import type { GraphAnswer } from '../../src/api.ts'
import { nameParts } from './format.ts'

/** Where everything goes: laid out in layers, what is read to the left of what reads it. */
export interface Layout {
  readonly width: number
  readonly height: number
  readonly nodes: readonly PlacedNode[]
  readonly edges: readonly PlacedEdge[]
}

export interface PlacedNode {
  readonly id: string
  readonly kind: 'source' | 'stream_table'
  readonly label: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface PlacedEdge {
  readonly from: string
  readonly to: string
  readonly path: string
}

const NODE_HEIGHT = 34
const LETTER = 7.3

/** A large graph takes a second: the last one is kept until the graph is another. */
let kept: { readonly key: string; readonly layout: Layout } | undefined

export function layoutOf(graph: GraphAnswer): Layout {
  const key = JSON.stringify(graph)
  if (kept?.key !== key) kept = { key, layout: place(graph) }
  return kept.layout
}

function place({ nodes, edges }: GraphAnswer): Layout {
  const graph = new Graph<GraphLabel, NodeLabel, EdgeLabel>()
  graph.setGraph({ rankdir: 'LR', nodesep: 14, ranksep: 64, marginx: 2, marginy: 2 })
  graph.setDefaultEdgeLabel(() => ({}))
  const labels = new Map(nodes.map(({ id }) => [id, labelOf(id)]))
  for (const { id } of nodes) {
    const width = Math.max((labels.get(id)?.length ?? 0) * LETTER + 36, 72)
    graph.setNode(id, { width, height: NODE_HEIGHT })
  }
  for (const { from, to } of edges) graph.setEdge(from, to)
  layout(graph)
  const { width = 0, height = 0 } = graph.graph()
  return {
    width,
    height,
    nodes: nodes.map(({ id, kind }) => {
      const { x = 0, y = 0, width: nodeWidth, height: nodeHeight } = graph.node(id)
      return { id, kind, label: labels.get(id) ?? id, x, y, width: nodeWidth, height: nodeHeight }
    }),
    edges: edges.map(({ from, to }) => ({ from, to, path: pathThrough(corners(graph, from, to)) })),
  }
}

/** From the right side of what is read to the left side of what reads it, by way of the free places between layers. */
function corners(graph: Graph<GraphLabel, NodeLabel, EdgeLabel>, from: string, to: string): Corner[] {
  const start = graph.node(from)
  const end = graph.node(to)
  const points = graph.edge(from, to).points ?? []
  const between = points.length > 3 ? points.slice(1, -1) : [] // neighbours need no detour
  const left = (start.x ?? 0) + start.width / 2
  const right = (end.x ?? 0) - end.width / 2
  return [
    { x: left, y: start.y ?? 0 },
    ...between.filter(({ x }) => x > left + 8 && x < right - 8),
    { x: right, y: end.y ?? 0 },
  ]
}

interface Corner {
  readonly x: number
  readonly y: number
}

function labelOf(name: string): string {
  const { schema, table } = nameParts(name)
  return schema === 'public.' ? table : name
}

/** Smooth through the points, level where it leaves and where it arrives. */
function pathThrough(points: readonly Corner[]): string {
  const [first, ...rest] = points
  if (first === undefined) return ''
  let path = `M${first.x.toFixed(1)},${first.y.toFixed(1)}`
  let { x, y } = first
  for (const point of rest) {
    const middle = (x + point.x) / 2
    path += `C${middle.toFixed(1)},${y.toFixed(1)} ${middle.toFixed(1)},${point.y.toFixed(1)} ${point.x.toFixed(1)},${point.y.toFixed(1)}`
    x = point.x
    y = point.y
  }
  return path
}
