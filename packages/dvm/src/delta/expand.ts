import type { Expand } from '../plan/plan.ts'
import { q, select } from '../print/text.ts'
import type { DeltaContext } from './context.ts'
import { expanded } from './readings.ts'

/**
 * A set-returning function in FROM: unnest, generate_series, json_array_elements, … Linear: it looks at one row at a time.
 *
 *   Δ(R × f(R)) = ΔR × f(ΔR)
 */
export function expand(node: Expand, context: DeltaContext): string | null {
  const input = context.delta(node.input)
  if (input === null) return null
  return select({
    columns: [...node.columns.map((column) => q(column.name)), 'e.__w'],
    from: expanded(node, `${input} e`),
  })
}
