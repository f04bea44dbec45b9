import { useMemo, useState } from 'preact/hooks'
import type { GraphAnswer, TableStatus } from '../../src/api.ts'
import { layoutOf, type PlacedNode } from './layout.ts'
import { stateOf } from './stream-tables.tsx'

interface Props {
  readonly graph: GraphAnswer
  readonly tables: readonly TableStatus[]
}

export function DependencyGraph({ graph, tables }: Props) {
  const placed = useMemo(() => layoutOf(graph), [graph])
  const [at, setAt] = useState<string>()
  const related = useMemo(() => (at === undefined ? undefined : relatedTo(at, graph)), [at, graph])
  const byName = new Map(tables.map((table) => [table.name, table]))
  const away = (...ids: readonly string[]) => related !== undefined && !ids.every((id) => related.has(id))
  return (
    <section class="card graph" aria-label="Dependency graph">
      <h2>Who reads whom</h2>
      {placed.nodes.length === 0 ? (
        <p class="empty">The graph appears with the first stream table.</p>
      ) : (
        <div class="canvas">
          <svg
            viewBox={`0 0 ${placed.width} ${placed.height}`}
            style={{ maxWidth: `${placed.width}px`, minWidth: `${placed.width * 0.62}px` }}
            role="img"
            aria-label="Sources on the left, stream tables to the right of what they read"
          >
            {placed.edges.map(({ from, to, path }) => (
              <path key={`${from} ${to}`} class={`edge ${away(from, to) ? 'away' : ''}`} d={path} />
            ))}
            {placed.nodes.map((node) => (
              <Node
                key={node.id}
                node={node}
                table={byName.get(node.id)}
                away={away(node.id)}
                enter={() => setAt(node.id)}
                leave={() => setAt(undefined)}
              />
            ))}
          </svg>
        </div>
      )}
    </section>
  )
}

interface NodeProps {
  readonly node: PlacedNode
  readonly table: TableStatus | undefined
  readonly away: boolean
  readonly enter: () => void
  readonly leave: () => void
}

function Node({ node, table, away, enter, leave }: NodeProps) {
  const { x, y, width, height, label, kind } = node
  return (
    <g
      class={`node ${kind} ${away ? 'away' : ''}`}
      data-node={node.id}
      transform={`translate(${x - width / 2},${y - height / 2})`}
      onMouseEnter={enter}
      onMouseLeave={leave}
    >
      <title>{table ? `${node.id}: ${table.effectiveMode}, ${table.schedule}, ${table.status}` : node.id}</title>
      <rect width={width} height={height} rx={kind === 'source' ? 4 : height / 2} />
      {table && <circle class={stateOf(table)} cx={16} cy={height / 2} r={3.5} />}
      <text
        x={table ? 26 : width / 2}
        y={height / 2}
        text-anchor={table ? 'start' : 'middle'}
        dominant-baseline="central"
      >
        {label}
      </text>
    </g>
  )
}

/** The node itself, all that it reads and all that reads it, however far. */
function relatedTo(id: string, { edges }: GraphAnswer): ReadonlySet<string> {
  const reach = (step: (of: string) => string[]) => {
    const seen = new Set([id])
    for (const next of seen) for (const found of step(next)) seen.add(found)
    return seen
  }
  const above = reach((of) => edges.flatMap(({ from, to }) => (to === of ? [from] : [])))
  const below = reach((of) => edges.flatMap(({ from, to }) => (from === of ? [to] : [])))
  return new Set([...above, ...below])
}
