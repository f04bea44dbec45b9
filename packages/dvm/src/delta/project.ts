import type { Project } from '../plan/plan.ts'
import { printExpression } from '../print/expression.ts'
import { q, select } from '../print/text.ts'
import type { DeltaContext } from './context.ts'

/**
 * Projection. Linear; duplicates keep their weights.
 *
 *   Δ(π_e R) = π_e ΔR
 */
export function project(node: Project, context: DeltaContext): string | null {
  const input = context.delta(node.input)
  if (input === null) return null
  const columns = node.items.map((item) => `${printExpression(item.expression)} as ${q(item.name)}`)
  return select({ columns: [...columns, '__w'], from: input })
}
