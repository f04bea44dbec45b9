import { semiJoin as semiJoinNode, type Join, type Plan } from '../plan/plan.ts'
import { nested, q, select } from '../print/text.ts'
import type { DeltaContext } from './context.ts'
import { innerJoin } from './inner-join.ts'
import { semiJoin } from './semi-join.ts'

/**
 * Left and full outer join: the inner join, and the rows without a match, padded with nulls.
 *
 *   R ⟕ S = (R ⋈ S) ⊎ (R ▷ S) × null        Δ(R ⟕ S) = Δ(R ⋈ S) + Δ(R ▷ S) × null
 *   R ⟗ S = (R ⟕ S) ⊎ null × (S ▷ R)
 *
 * Nulls get their types from a join on false with the other side, which reads nothing.
 */
export function outerJoin(node: Join, context: DeltaContext): string | null {
  const inner = innerJoin(node, context)
  const sides: readonly (readonly [Plan, Plan])[] = node.type === 'full' ? [[node.left, node.right], [node.right, node.left]] : [[node.left, node.right]]
  const unmatched = sides.flatMap(([own, other]) => padded(node, own, other, context) ?? [])
  const terms = [...(inner === null ? [] : [inner]), ...unmatched]
  return terms.length === 0 ? null : terms.join('\nunion all\n')
}

function padded(node: Join, own: Plan, other: Plan, context: DeltaContext): string | null {
  const delta = semiJoin(semiJoinNode(own, other, node.conditions, 'anti'), context)
  if (delta === null) return null
  const alone = context.part('Δ without a match', delta)
  return select({
    columns: [...node.columns.map((column) => q(column.name)), 'l.__w'],
    from: `${alone} l\nleft join ${nested(context.read(other, 'after'))} r on false`,
  })
}
