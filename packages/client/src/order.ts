import { FreshetError } from '@freshet/core'
import type { Description as StreamTable } from '@freshet/refresh'

/** Upstream before downstream, so that one pass makes everything fresh. */
export function refreshOrder<Table extends Pick<StreamTable, 'id' | 'name' | 'sources'>>(
  tables: readonly Table[],
): readonly Table[] {
  const byId = new Map(tables.map((table) => [table.id, table]))
  const ordered = new Set<Table>()
  const visit = (table: Table, path: readonly Table[]): void => {
    if (ordered.has(table)) return
    if (path.includes(table))
      throw new FreshetError('CYCLE', `${table.name} reads itself`, {
        detail: [...path, table].map((on) => on.name).join(' → '),
      })
    for (const source of table.sources) {
      const upstream = source.streamTable === null ? undefined : byId.get(source.streamTable)
      if (upstream !== undefined) visit(upstream, [...path, table])
    }
    ordered.add(table)
  }
  for (const table of tables) visit(table, [])
  return [...ordered]
}

/** The tables of these ids and all that they read, upstream first. */
export function withUpstream<Table extends Pick<StreamTable, 'id' | 'name' | 'sources'>>(
  tables: readonly Table[],
  ids: Iterable<number>,
): readonly Table[] {
  const wanted = new Set(ids)
  const chosen = [...refreshOrder(tables)].reverse().filter((table) => {
    if (!wanted.has(table.id)) return false
    for (const { streamTable } of table.sources) if (streamTable !== null) wanted.add(streamTable)
    return true
  })
  return chosen.reverse()
}
