import type { Scan } from '../plan/plan.ts'
import { q, select } from '../print/text.ts'
import type { DeltaContext } from './context.ts'

/**
 * Scan. Linear: the change rows of the relation's window, under the scan's own column names.
 *
 *   Δ(R) = ΔR
 *
 * The gate lets nothing through when this statement may not refresh, so every delta above is empty then.
 */
export function scan(node: Scan, context: DeltaContext): string | null {
  const from = context.window(node)
  if (from === null) return null
  const columns = node.columns.map((column, i) => {
    const source = node.sourceColumns[i] ?? column.name
    return source === column.name ? q(source) : `${q(source)} as ${q(column.name)}`
  })
  return select({ columns: [...columns, '__w'], from, where: context.decided('(select go from gate)') })
}
