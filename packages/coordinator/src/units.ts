import type { CatalogTable } from './catalog.ts'
import type { DependencyGraph } from './graph.ts'

/**
 * What is refreshed as one: a table, or the members of a unit. In an order in which everything that any of its members
 * reads comes before it. The catalog has no units that wait for each other.
 */
export type Units = readonly (readonly number[])[]

export function unitsOf(tables: readonly Pick<CatalogTable, 'id' | 'unit'>[], graph: DependencyGraph): Units {
  const members = new Map<number, number[]>()
  for (const { id, unit } of tables) if (unit !== null) members.set(unit, [...(members.get(unit) ?? []), id])
  if (members.size === 0) return graph.order.map((id) => [id])
  const unitOf = new Map([...members.values()].flatMap((unit) => unit.map((id) => [id, unit] as const)))
  const ordered = new Set<readonly number[]>()
  const seen = new Set<number>()
  const visit = (id: number) => {
    if (seen.has(id)) return
    const unit = unitOf.get(id) ?? [id]
    for (const member of unit) seen.add(member)
    for (const member of unit) for (const read of graph.upstream(member)) visit(read)
    ordered.add(unit)
  }
  for (const id of graph.order) visit(id)
  return [...ordered]
}
