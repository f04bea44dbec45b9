import type { Filter } from '../plan/plan.ts'
import { printExpression } from '../print/expression.ts'
import { q, select } from '../print/text.ts'
import type { DeltaContext } from './context.ts'

/**
 * Filter. Linear.
 *
 *   Δ(σ_p R) = σ_p ΔR
 */
export function filter(node: Filter, context: DeltaContext): string | null {
  const input = context.delta(node.input)
  if (input === null) return null
  const columns = node.columns.map((column) => q(column.name))
  return select({ columns: [...columns, '__w'], from: input, where: node.predicates.map(printExpression) })
}
