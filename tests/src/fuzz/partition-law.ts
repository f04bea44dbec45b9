import type { Random } from '@freshet/testkit'
import type { Stream } from './case.ts'
import { predicate, type Scope } from './expression.ts'

/**
 * view(p) ⊎ view(not p) ⊎ view(p is null) = view: the rows of a query for which a condition is true, false and unknown,
 * each as a stream table of its own.
 */
export function partition(random: Random, whole: Stream, columns: Scope): Stream[] {
  const inside = columns.map(({ sql, type }) => ({ sql: `p.${sql}`, type }))
  const p = predicate(random, inside, 1)
  return [p, `not (${p})`, `(${p}) is null`].map((condition, i) => ({
    ...whole,
    name: `fz.part${i + 1}`,
    query: {
      kind: 'select',
      with: [],
      distinct: false,
      items: columns.map(({ sql }) => ({ sql: `p.${sql}`, name: sql })),
      from: [{ alias: 'p', source: whole.query, join: 'inner', on: [] }],
      where: [condition],
      groupBy: [],
      having: [],
      tail: [],
    },
  }))
}
