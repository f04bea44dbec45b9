import type { Ast } from '../ast.ts'
import { isEquality } from '../plan/keys.ts'
import type { Plan } from '../plan/plan.ts'
import { printExpression } from '../print/expression.ts'
import { nested, q, select } from '../print/text.ts'
import type { DeltaContext } from './context.ts'
import { joined, nativeReading } from './readings.ts'

/**
 * Rows of the left whose match on the right came or went: their number of matches crossed zero.
 *
 *   m_before(l) = m_after(l) − Δm(l),   Δm(l) = Σ weights of the changed right rows that match l
 *
 * Only left rows that match a changed right row can cross. They are taken as they were before the change
 * (L before = L after ⊎ −ΔL), because changed left rows are judged against the right side after it. Matches are
 * counted only where Δm is not 0, and only as far as the decision needs: up to Δm + 1. The equalities among several
 * conditions are asked for once more by themselves: PostgreSQL then finds the candidates by an index, from the changed
 * rows.
 *
 * Columns: the left's, `__w` the row's weight before, `__was` and `__is`: whether it had and has a match.
 */
export function crossings(left: Plan, right: Plan, comparisons: readonly Ast[], context: DeltaContext): string | null {
  const changes = context.delta(right)
  if (changes === null) return null
  const columns = left.columns.map((column) => q(column.name))
  const conditions = comparisons.map(printExpression)
  const equalities = comparisons.filter(isEquality).map(printExpression)
  const someMatch = (where: readonly string[]) =>
    `exists (${select({ columns: ['1'], from: `${changes} r`, where }).replaceAll('\n', ' ')})`
  const partly = equalities.length > 0 && equalities.length < conditions.length
  const touched = partly ? [someMatch(equalities), someMatch(conditions)] : [someMatch(conditions)]
  const before = nativeReading(left) === 'before'
  const rows = (from: string, weight: string) =>
    select({ columns: [...columns, `${weight} as __w`], from, where: touched })
  const candidates = context
    .readInParts(left, before ? 'before' : 'after')
    .map((part) => rows(`${nested(part)} l`, '1'))
  const leftChanges = before ? null : context.delta(left)
  if (leftChanges !== null) candidates.push(rows(`${leftChanges} l`, '-l.__w'))
  if (context.onShards)
    return judgedOnShards(candidates.join('\nunion all\n'), { left, right, changes, conditions }, context)
  const numbered = context.part(
    'touched',
    select({ columns: ['*', 'row_number() over () as __i'], from: `${nested(candidates.join('\nunion all\n'))} l` }),
  )
  const difference = select({
    columns: ['l.__i', 'sum(r.__w) as __m'],
    from: joined(`${numbered} l`, `${changes} r`, conditions),
    groupBy: ['l.__i'],
    having: ['sum(r.__w) <> 0'],
  })
  const counted = context
    .readInParts(right, 'after')
    .map((part) => select({ columns: ['1'], from: `${nested(part)} r`, where: conditions }))
    .join('\nunion all\n')
  const count = nested(
    select({ columns: ['count(*) as __n'], from: `${nested(`${counted}\nlimit greatest(d.__m, 0) + 1`)} m` }),
  )
  const judged = select({
    columns: [...columns.map((column) => `l.${column}`), 'l.__w', 'd.__m', 'n.__n'],
    from: `${numbered} l\njoin ${nested(difference)} d on d.__i = l.__i\ncross join lateral ${count} n`,
  })
  return context.part(
    'crossings',
    select({
      columns: [...columns, '__w', '__n > __m as __was', '__n > 0 as __is'],
      from: `${nested(judged)} j`,
      where: ['(__n > __m) <> (__n > 0)'],
    }),
  )
}

/** The same without numbers, which would be drawn on one node: both counts are asked for each candidate by itself. */
function judgedOnShards(
  candidates: string,
  join: {
    readonly left: Plan
    readonly right: Plan
    readonly changes: string
    readonly conditions: readonly string[]
  },
  context: DeltaContext,
): string {
  const columns = join.left.columns.map((column) => q(column.name))
  const asked = (column: string, from: string) => nested(select({ columns: [column], from, where: join.conditions }))
  const difference = asked('coalesce(sum(r.__w), 0) as __m', `${join.changes} r`)
  const count = asked('count(*) as __n', `${nested(context.read(join.right, 'after'))} r`)
  return context.part(
    'crossings',
    select({
      columns: [...columns.map((column) => `l.${column}`), 'l.__w', '__n > __m as __was', '__n > 0 as __is'],
      from: `${nested(candidates)} l\ncross join lateral ${difference} d\ncross join lateral ${count} n`,
      where: ['(__n > __m) <> (__n > 0)'],
    }),
  )
}
