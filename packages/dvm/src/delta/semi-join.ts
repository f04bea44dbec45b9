import type { SemiJoin } from '../plan/plan.ts'
import { printExpression } from '../print/expression.ts'
import { q, select } from '../print/text.ts'
import type { DeltaContext } from './context.ts'
import { crossings } from './existence.ts'
import { exists, matchesInParts } from './readings.ts'

/**
 * Semi join, anti join and mark join: EXISTS, IN, ANY, ALL and their negations.
 *
 *   Δ(R ⋉ S) = ΔR ⋉ S + rows of R before whose matches came − those whose matches went      S: after
 *   Δ(R ▷ S) = ΔR ▷ S − the same
 *   mark:      each crossing row leaves with its old mark and comes with its new one
 *
 * Any condition is right, with nulls: only a condition that is true is a match, and NOT IN asks for a match that is
 * not false.
 */
export function semiJoin(node: SemiJoin, context: DeltaContext): string | null {
  const conditions = node.conditions.map(printExpression)
  const changes = context.delta(node.left)
  const crossed = crossings(node.left, node.right, node.conditions, context)
  const columns = node.left.columns.map((column) => q(column.name))
  const terms: string[] = []
  if (changes !== null) {
    if (node.mark !== null) {
      const match = exists(context.read(node.right, 'after'), conditions)
      terms.push(select({ columns: [...columns, `${match} as ${q(node.mark)}`, '__w'], from: `${changes} l` }))
    } else {
      const parts = context.readInParts(node.right, 'after')
      for (const where of matchesInParts(node.type === 'anti', parts, conditions))
        terms.push(select({ columns: [...columns, '__w'], from: `${changes} l`, where }))
    }
  }
  if (crossed !== null) {
    if (node.mark !== null) {
      const mark = q(node.mark)
      terms.push(select({ columns: [...columns, `__is as ${mark}`, '__w'], from: crossed }))
      terms.push(select({ columns: [...columns, `__was as ${mark}`, '-__w as __w'], from: crossed }))
    } else {
      const weight =
        node.type === 'semi' ? 'case when __is then __w else -__w end' : 'case when __is then -__w else __w end'
      terms.push(select({ columns: [...columns, `${weight} as __w`], from: crossed }))
    }
  }
  return terms.length === 0 ? null : terms.join('\nunion all\n')
}
