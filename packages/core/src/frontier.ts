import { z } from 'zod'
import { FreshetError } from './errors.ts'
import { type Lsn, parseLsn, printLsn } from './lsn.ts'
import { parseSnapshot, printSnapshot, type Snapshot, snapshotLeq, snapshotMeet } from './snapshot.ts'

/**
 * How far a consumer has read: per source (stable name) and node, a position. Node 0 is a server without Citus, or
 * the coordinator. A source or node that is absent has not been read at all, so absence is below everything.
 *
 *   a ≤ b      every position of a is there in b, and not above it
 *   meet(a, b) the greatest frontier below both: what every consumer has read, hence what clean-up may remove
 *   advance    replaces positions by later ones, and refuses earlier ones
 */
export type Frontier = Readonly<Record<string, NodePositions>>
export type NodePositions = Readonly<Record<string, Position>>
export type Position =
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly kind: 'lsn'; readonly lsn: Lsn }

/** As the catalog stores it. */
export type FrontierJson = Record<string, Record<string, PositionJson>>
type PositionJson = z.infer<typeof positionJson>

const positionJson = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('snapshot'), snapshot: z.string() }),
  z.strictObject({ kind: z.literal('lsn'), lsn: z.string() }),
])
const frontierJson = z.record(
  z.string().regex(/^[0-9a-f]{16}$/),
  z.record(z.string().regex(/^(0|[1-9]\d*)$/), positionJson),
)

export function parseFrontier(value: unknown): Frontier {
  const parsed = frontierJson.safeParse(value)
  if (!parsed.success) {
    throw new FreshetError('INTERNAL', 'the catalog holds a frontier that can not be read', {
      detail: z.prettifyError(parsed.error),
    })
  }
  return mapPositions(parsed.data, parsePosition)
}

export function printFrontier(frontier: Frontier): FrontierJson {
  return mapPositions(frontier, printPosition)
}

export function frontierLeq(a: Frontier, b: Frontier): boolean {
  return Object.entries(a).every(([source, nodes]) =>
    Object.entries(nodes).every(([node, position]) => {
      const other = b[source]?.[node]
      return other !== undefined && positionLeq(position, other)
    }),
  )
}

export function frontierMeet(a: Frontier, b: Frontier): Frontier {
  const result: Record<string, Record<string, Position>> = {}
  for (const [source, nodes] of Object.entries(a)) {
    for (const [node, position] of Object.entries(nodes)) {
      const other = b[source]?.[node]
      if (other !== undefined) (result[source] ??= {})[node] = positionMeet(position, other)
    }
  }
  return result
}

export function advance(frontier: Frontier, later: Frontier): Frontier {
  const result: Record<string, NodePositions> = { ...frontier }
  for (const [source, nodes] of Object.entries(later)) {
    for (const [node, position] of Object.entries(nodes)) {
      const before = frontier[source]?.[node]
      if (before !== undefined && !positionLeq(before, position)) {
        throw new FreshetError('INTERNAL', `the frontier of source ${source} on node ${node} would go back`)
      }
    }
    result[source] = { ...frontier[source], ...nodes }
  }
  return result
}

export function positionLeq(a: Position, b: Position): boolean {
  if (a.kind === 'snapshot' && b.kind === 'snapshot') return snapshotLeq(a.snapshot, b.snapshot)
  if (a.kind === 'lsn' && b.kind === 'lsn') return a.lsn <= b.lsn
  throw mixed()
}

function positionMeet(a: Position, b: Position): Position {
  if (a.kind === 'snapshot' && b.kind === 'snapshot')
    return { kind: 'snapshot', snapshot: snapshotMeet(a.snapshot, b.snapshot) }
  if (a.kind === 'lsn' && b.kind === 'lsn') return a.lsn <= b.lsn ? a : b
  throw mixed()
}

function parsePosition(position: PositionJson): Position {
  return position.kind === 'snapshot'
    ? { kind: 'snapshot', snapshot: parseSnapshot(position.snapshot) }
    : { kind: 'lsn', lsn: parseLsn(position.lsn) }
}

function printPosition(position: Position): PositionJson {
  return position.kind === 'snapshot'
    ? { kind: 'snapshot', snapshot: printSnapshot(position.snapshot) }
    : { kind: 'lsn', lsn: printLsn(position.lsn) }
}

function mapPositions<From, To>(
  positions: Readonly<Record<string, Readonly<Record<string, From>>>>,
  map: (position: From) => To,
): Record<string, Record<string, To>> {
  return Object.fromEntries(
    Object.entries(positions).map(([source, nodes]) => [
      source,
      Object.fromEntries(Object.entries(nodes).map(([node, position]) => [node, map(position)])),
    ]),
  )
}

function mixed(): FreshetError {
  return new FreshetError('INTERNAL', 'a snapshot and a WAL position can not be compared')
}
