import type { Join, Plan } from '../plan/plan.ts'
import { printExpression } from '../print/expression.ts'
import { nested, q, select } from '../print/text.ts'
import type { DeltaContext, Reading } from './context.ts'
import { joined, nativeReading } from './readings.ts'

/**
 * Inner join. Bilinear. With both sides read after the change
 *
 *   Δ(R ⋈ S) = ΔR ⋈ S + R ⋈ ΔS − ΔR ⋈ ΔS
 *
 * where the last term removes the pairs that both others counted. A side that is a state table is read before the
 * change, and the correction follows the readings: one side before, none is needed; both before, it is added.
 * A self-join is a join of two scans of one relation: both sides have a delta, and the law is the same.
 */
export function innerJoin(node: Join, context: DeltaContext): string | null {
  const left = context.delta(node.left)
  const right = context.delta(node.right)
  const readings = { left: readingOf(node.left), right: readingOf(node.right) }
  const columns = node.columns.map((column) => q(column.name))
  const conditions = node.conditions.map(printExpression)
  const term = (changes: readonly string[], from: readonly [string, string], weight: string) =>
    select({
      columns: [...columns, `${weight} as __w`],
      from: joined(from[0], from[1], conditions),
      where: changes,
    })
  const both = left !== null && right !== null
  const guard = (side: Plan, changes: string) =>
    context.decided(both || isStored(side) ? some(changes) : '(select go from gate)')

  const terms: string[] = []
  if (left !== null)
    for (const part of context.readInParts(node.right, readings.right))
      terms.push(term(guard(node.left, left), [`${left} l`, `${nested(part)} r`], 'l.__w'))
  if (right !== null)
    for (const part of context.readInParts(node.left, readings.left))
      terms.push(term(guard(node.right, right), [`${right} r`, `${nested(part)} l`], 'r.__w'))
  if (left !== null && right !== null && readings.left === readings.right) {
    terms.push(
      term(
        [...context.decided(some(left)), ...context.decided(some(right))],
        [`${left} l`, `${right} r`],
        readings.left === 'after' ? '-(l.__w * r.__w)' : 'l.__w * r.__w',
      ),
    )
  }
  return terms.length === 0 ? null : terms.join('\nunion all\n')
}

/**
 * Decided once, before anything is read: a side that did not change costs nothing, whatever the planner expects. But a
 * delta that is named twice is stored on its way, and that costs many rows more than PostgreSQL's joins take to notice
 * an empty input. So only what is stored anyway is asked; of the rest it is known that its source has changed.
 */
function some(changes: string): string {
  return `(select exists (select 1 from ${changes}))`
}

function isStored(plan: Plan): boolean {
  return plan.kind === 'aggregate' || plan.kind === 'partitioned' || plan.kind === 'recursion'
}

function readingOf(plan: Join['left']): Reading {
  const native = nativeReading(plan)
  return native === 'either' ? 'after' : native
}
