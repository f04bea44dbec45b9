/**
 * Units: the stream tables that are refreshed together, so that nobody ever sees them at different positions.
 *
 * A person names groups, and marks tables whose diamonds are to be closed. What has to come with them follows:
 *
 *   A fork is what two of those concerned read, be it a table or a stream table. Whatever lies between a fork, or a member,
 *   and a member is a member: through it one and the same change arrives by two ways, and at two times otherwise.
 *
 * Units that share a member are one. So are units that wait for each other: no order could refresh either first. The fork
 * itself need not come along: all members read the one of it that their snapshot shows.
 */
export interface UnitTable {
  readonly id: number
  /** The group it was put into; `diamond`: alone with what its diamonds need; null: none. */
  readonly atomic: string | null
  /** Stream tables by their ids, other sources by their stable names. Of immediate ones nothing: they are never refreshed. */
  readonly reads: readonly (number | string)[]
}

export const DIAMOND = 'diamond'

type Node = number | string

/** Each member's unit: the smallest id in it. What is alone is left out. */
export function atomicUnits(tables: readonly UnitTable[]): ReadonlyMap<number, number> {
  const reads = new Map<Node, readonly Node[]>(tables.map((table) => [table.id, table.reads]))
  const groups = new Map<string, number[]>()
  for (const { id, atomic } of tables) {
    if (atomic === null) continue
    const key = atomic === DIAMOND ? `diamond ${id}` : `group ${atomic}`
    groups.set(key, [...(groups.get(key) ?? []), id])
  }
  let units = merged([...groups.values()].map((group) => closed(group, reads)))
  for (;;) {
    const circle = waiting(units, reads)
    if (circle === undefined) break
    units = merged([...units, closed(circle, reads)])
  }
  const known = units.filter((unit) => unit.size > 1)
  return new Map(known.flatMap((unit) => [...unit].map((id) => [id, Math.min(...unit)] as const)))
}

/** The members of a group, and what has to come with them. */
function closed(group: readonly number[], reads: ReadonlyMap<Node, readonly Node[]>): ReadonlySet<number> {
  const cone = new Set<Node>()
  const readers = new Map<Node, number>()
  const visit = (node: Node) => {
    if (cone.has(node)) return
    cone.add(node)
    for (const read of new Set(reads.get(node) ?? [])) {
      readers.set(read, (readers.get(read) ?? 0) + 1)
      visit(read)
    }
  }
  for (const id of group) visit(id)
  const members = new Set(group)
  const below = new Map<Node, boolean>()
  /** Whether a fork or a member of the group lies above. */
  const isBelow = (node: Node): boolean => {
    const told = below.get(node)
    if (told !== undefined) return told
    const is = (reads.get(node) ?? []).some(
      (read) => (readers.get(read) ?? 0) > 1 || (typeof read === 'number' && members.has(read)) || isBelow(read),
    )
    below.set(node, is)
    return is
  }
  const found = [...cone].filter((node): node is number => typeof node === 'number' && isBelow(node))
  return new Set([...group, ...found])
}

/** Sets that share a member become one. */
function merged(sets: readonly ReadonlySet<number>[]): readonly ReadonlySet<number>[] {
  const result: Set<number>[] = []
  for (const set of sets) {
    const joined = new Set(set)
    for (const other of result.filter((each) => [...each].some((id) => joined.has(id)))) {
      for (const id of other) joined.add(id)
      result.splice(result.indexOf(other), 1)
    }
    result.push(joined)
  }
  return result
}

/** The members of two units of which each reads the other, directly or through others. */
function waiting(
  units: readonly ReadonlySet<number>[],
  reads: ReadonlyMap<Node, readonly Node[]>,
): readonly number[] | undefined {
  const above = units.map((unit) => {
    const seen = new Set<Node>()
    const visit = (node: Node) => {
      for (const read of reads.get(node) ?? []) {
        if (seen.has(read)) continue
        seen.add(read)
        visit(read)
        // whoever reads a member waits for its whole unit
        if (typeof read !== 'number') continue
        for (const other of units) if (other.has(read)) for (const member of other) visit(member)
      }
    }
    for (const id of unit) visit(id)
    return seen
  })
  for (const [i, a] of units.entries())
    for (const [j, b] of units.entries())
      if (i < j && [...a].some((id) => above[j]?.has(id)) && [...b].some((id) => above[i]?.has(id))) return [...a, ...b]
  return undefined
}
