import type { CatalogTable } from './catalog.ts'
import type { DependencyGraph } from './graph.ts'

/**
 * How soon each table has to follow: within its own objective, or that of a table that reads it, directly or through
 * others, whichever is shorter. Nothing that is read late can be in time. Of a frozen table nothing is wanted.
 */
export function objectivesOf(
  tables: readonly Pick<CatalogTable, 'id' | 'slaMs' | 'tier'>[],
  graph: DependencyGraph,
): ReadonlyMap<number, number> {
  const own = new Map(tables.map(({ id, slaMs, tier }) => [id, tier === 'frozen' ? null : slaMs]))
  const within = new Map<number, number>()
  for (const id of [...graph.order].reverse()) {
    const readers = graph.readers(id).map((reader) => within.get(reader) ?? Infinity)
    within.set(id, Math.min(own.get(id) ?? Infinity, ...readers))
  }
  return within
}
