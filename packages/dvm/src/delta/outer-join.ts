import { as, isObject, type Ast } from '../ast.ts'
import { semiJoin as semiJoinNode, type Join, type Plan } from '../plan/plan.ts'
import { printExpression } from '../print/expression.ts'
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
 * Nulls get their types from a join on false with the other side's delta, which reads nothing. Where the condition
 * itself is false, as beside grouping sets, nothing else is left of the law. On shards, a join on false is one of which
 * Citus does not know that it stays there: then it is the join's own condition, and a weight that no row has.
 */
export function outerJoin(node: Join, context: DeltaContext): string | null {
  if (node.type === 'left' && node.conditions.some(isFalse)) {
    const delta = context.delta(node.left)
    return delta === null ? null : withNulls(node, node.right, delta, context)
  }
  const inner = innerJoin(node, context)
  const sides: readonly (readonly [Plan, Plan])[] =
    node.type === 'full'
      ? [
          [node.left, node.right],
          [node.right, node.left],
        ]
      : [[node.left, node.right]]
  const unmatched = sides.flatMap(([own, other]) => padded(node, own, other, context) ?? [])
  const terms = [...(inner === null ? [] : [inner]), ...unmatched]
  return terms.length === 0 ? null : terms.join('\nunion all\n')
}

function padded(node: Join, own: Plan, other: Plan, context: DeltaContext): string | null {
  const delta = semiJoin(semiJoinNode(own, other, node.conditions, 'anti'), context)
  if (delta === null) return null
  return withNulls(node, other, context.part('Δ without a match', delta), context)
}

function withNulls(node: Join, other: Plan, rows: string, context: DeltaContext): string {
  const typed = context.delta(other) ?? nested(context.read(other, 'after'))
  return select({
    columns: [...node.columns.map((column) => q(column.name)), 'l.__w'],
    from: `${rows} l\nleft join ${typed} r on ${context.onShards ? [...node.conditions.map(printExpression), 'l.__w = 0'].join(' and ') : 'false'}`,
  })
}

function isFalse(condition: Ast): boolean {
  const value = as('A_Const', condition)?.['boolval']
  return isObject(value) && value['boolval'] !== true
}
