import type { DueInput } from './due.ts'

/**
 * What may be refreshed in one transaction with a table that is due: a chain of live tables below it, each the only
 * reader of the one before. To commit once, and to send all statements at once, is faster than a refresh for each link.
 *
 * Where several read a table they go side by side instead; and whoever reads anything else that is about to change waits
 * for that, as always (D5).
 */
export function branchOf(lead: number, input: DueInput): readonly number[] {
  const { graph, tables, pending, running } = input
  if (!isAlone(lead, input)) return []
  const branch: number[] = []
  const told = new Set([lead, ...graph.upstream(lead)])
  for (let last = lead; ;) {
    const [next, ...others] = graph.readers(last)
    if (next === undefined || others.length > 0 || running.has(next) || !follows(next, input)) return branch
    for (const above of graph.upstream(next))
      if (!told.has(above) && (pending.has(above) || running.has(above) || tables.get(above)?.reinitialize === true))
        return branch
    branch.push(next)
    told.add(next)
    last = next
  }
}

function follows(id: number, input: DueInput): boolean {
  const table = input.tables.get(id)
  if (table === undefined || !isAlone(id, input)) return false
  return table.schedule.kind === 'live' && table.scheduled && input.now >= table.notBefore
}

/** By deltas, and in no unit. */
function isAlone(id: number, { tables, units }: DueInput): boolean {
  const table = tables.get(id)
  if (table === undefined || table.timed || table.reinitialize) return false
  return units.some((unit) => unit.length === 1 && unit[0] === id)
}
