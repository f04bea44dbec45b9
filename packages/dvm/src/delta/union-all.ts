import type { UnionAll } from '../plan/plan.ts'
import { q, select } from '../print/text.ts'
import type { DeltaContext } from './context.ts'

/**
 * UNION ALL. Linear: it adds Z-sets.
 *
 *   Δ(R ⊎ S) = ΔR ⊎ ΔS
 */
export function unionAll(node: UnionAll, context: DeltaContext): string | null {
  const columns = [...node.columns.map((column) => q(column.name)), '__w']
  const inputs = node.inputs.flatMap((input) => context.delta(input) ?? [])
  if (inputs.length === 0) return null
  return inputs.map((input) => select({ columns, from: input })).join('\nunion all\n')
}
