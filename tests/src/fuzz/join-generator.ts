import type { Random } from '@freshet/testkit'
import { predicate, type Column, type Scope } from './expression.ts'
import type { FromItem } from './query.ts'
import { TYPES } from './type.ts'

/** How a relation is joined to those before it. */
export function joined(
  random: Random,
  left: Scope,
  right: Scope,
  wish: { readonly product: number; readonly outer: boolean; readonly using: boolean },
): Pick<FromItem, 'join' | 'on' | 'using'> {
  const on = joinCondition(random, left, right, wish.product)
  const join = wish.outer ? random.pick(['left', 'left', 'right', 'full'] as const) : 'inner'
  const shared = left.map(nameOf).filter((name) => sameType(name, left, right))
  if (wish.using && shared.length > 0 && random.chance(0.15)) return { join, on: [], using: random.sample(shared, 1) }
  if (join !== 'full') return { join, on }
  // PostgreSQL joins fully on what it can merge or hash, and on more beside it
  const pairs = new Set(left.flatMap((l) => right.map((r) => `${l.sql} = ${r.sql}`)))
  const equalities = on.filter((condition) => pairs.has(condition))
  if (equalities.length === 0) return { join: 'left', on }
  return { join, on: random.chance(0.6) ? equalities : [...equalities, predicate(random, [...left, ...right], 1)] }
}

/** Mostly an equality, at times several conditions, any other condition, or none. */
function joinCondition(random: Random, left: Scope, right: Scope, product: number): string[] {
  const conditions: string[] = []
  const pairs = left.flatMap((l) =>
    right
      .filter((r) => r.type === l.type && TYPES[r.type].comparable && r.type !== 'boolean')
      .map((r) => [l, r] as const),
  )
  const equalities =
    product > 400 || random.chance(0.75)
      ? random.weighted([
          [90, 1],
          [10, 2],
        ])
      : 0
  for (const [l, r] of random.sample(pairs, equalities)) {
    const operator = random.weighted([
      [90, '='],
      [10, 'is not distinct from'],
    ])
    conditions.push(
      random.chance(0.85) ? `${l.sql} ${operator} ${r.sql}` : `${r.sql} ${operator} coalesce(${l.sql}, ${l.sql})`,
    )
  }
  if (random.chance(conditions.length > 0 ? 0.12 : 0.6)) conditions.push(predicate(random, [...left, ...right], 1))
  return conditions
}

/** `r1.c2` → `c2` */
function nameOf({ sql }: Column): string {
  return sql.slice(sql.indexOf('.') + 1)
}

function sameType(name: string, left: Scope, right: Scope): boolean {
  const [l, r] = [left, right].map((scope) => scope.filter((column) => nameOf(column) === name))
  return l?.length === 1 && r?.length === 1 && l[0]?.type === r[0]?.type && TYPES[r[0]?.type ?? 'json'].comparable
}
