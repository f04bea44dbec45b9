import type { Random } from '@freshet/testkit'
import { aggregateOf } from './aggregate-generator.ts'
import { expression, predicate, type Scope } from './expression.ts'
import type { From, Generated, Source, Wanted } from './generated.ts'
import type { Item, Query } from './query.ts'
import { TYPES, type TypeName } from './type.ts'

/**
 * Subqueries in expressions: EXISTS, IN, ANY, ALL and scalar ones, correlated in every way, each negated and nested in
 * AND, OR, NOT, CASE and IS at times.
 */
export interface Asking {
  readonly random: Random
  readonly sources: readonly Source[]
  /** A query that stands alone. */
  readonly query: (wanted: Wanted) => Generated
  readonly from: () => From
  readonly select: (from: From, items: readonly Item[], where: readonly string[]) => Query
  /** Keeps the query with the select that asks it; gives the text that stands for it, parentheses included. */
  readonly hold: (query: Query) => string
  readonly alias: () => string
}

/** A condition over `scope` that asks another relation. `seen`: the columns that the subquery itself may name. */
export function subqueryPredicate(asking: Asking, scope: Scope, seen: Scope = scope): string {
  const { random } = asking
  const plain = asks(asking, scope, seen)
  return random.weighted<() => string>([
    [60, () => plain],
    [10, () => `not (${plain})`],
    [12, () => `(${plain}) or (${predicate(random, scope, 1)})`],
    [5, () => `(${plain}) and (${predicate(random, scope, 1)})`],
    [6, () => `(${plain}) is ${random.pick(['true', 'not true', 'unknown', 'not false', 'distinct from true'])}`],
    [4, () => `case when ${plain} then ${predicate(random, scope, 1)} else ${predicate(random, scope, 1)} end`],
    [3, () => `(${plain}) = (${asks(asking, scope, seen)})`],
  ])()
}

/** A value of the wanted type that another relation gives: null when there is none. */
export function subqueryValue(asking: Asking, scope: Scope, seen: Scope, type: TypeName): string | null {
  const { random } = asking
  if (type === 'boolean' && random.chance(0.7)) return `(${subqueryPredicate(asking, scope, seen)})`
  const value = type === 'array' && random.chance(0.6) ? arrayOf(asking, seen) : scalar(asking, seen, type)
  if (value === null) return null
  return random.weighted<() => string>([
    [6, () => value],
    [2, () => `coalesce(${value}, ${expression(random, scope, type, 0)})`],
    [1, () => `case when ${predicate(random, scope, 1)} then ${value} end`],
  ])()
}

function asks(asking: Asking, scope: Scope, seen: Scope): string {
  const { random } = asking
  const not = random.chance(0.4) ? 'not ' : ''
  const comparable = scope.filter(({ type }) => TYPES[type].comparable)
  const compared = (): TypeName => (comparable.length > 0 ? random.pick(comparable).type : 'int')
  return random.weighted<() => string>([
    [30, () => `${not}exists ${exists(asking, seen)}`],
    [
      34,
      () => {
        const type = compared()
        return `${oneValue(expression(random, scope, type, 1))} ${not}in ${column(asking, seen, [type])}`
      },
    ],
    [
      5,
      () => {
        const types = [compared(), compared()]
        const row = types.map((type) => expression(random, scope, type, 1)).join(', ')
        return `(${row}) ${not}in ${column(asking, seen, types)}`
      },
    ],
    [
      11,
      () => {
        const type = compared()
        const test = `${random.pick(['=', '<>', '<', '<=', '>', '>='])} ${random.pick(['any', 'all'])}`
        return `${oneValue(expression(random, scope, type, 1))} ${test} ${column(asking, seen, [type])}`
      },
    ],
    [
      20,
      () => {
        const type = compared()
        const operator = random.pick(['=', '<>', '<>', '<=', '>=', 'is distinct from', 'is not distinct from'])
        const value = scalar(asking, seen, type) ?? expression(random, scope, type, 0)
        return `${expression(random, scope, type, 1)} ${operator} ${value}`
      },
    ],
  ])()
}

/** PostgreSQL takes a row there for as many values, also where it is cast to a composite type. */
function oneValue(sql: string): string {
  return sql.startsWith('row(') ? `coalesce(${sql})` : sql
}

function exists(asking: Asking, seen: Scope): string {
  const { random } = asking
  if (random.chance(0.1)) return asking.hold(asking.query({ comparable: false }).query)
  const inner = asking.from()
  const where = [...correlation(random, seen, inner.scope, 0.9), ...local(random, inner.scope, 0.5)]
  return asking.hold(asking.select(inner, [{ sql: random.pick(['1', 'null']), name: 'one' }], where))
}

/** The rows that IN, ANY and ALL compare with. */
function column(asking: Asking, seen: Scope, types: readonly TypeName[]): string {
  const { random } = asking
  if (random.chance(0.35)) return asking.hold(asking.query({ comparable: true, types }).query)
  const inner = asking.from()
  const items = types.map((type, i) => ({ sql: expression(random, inner.scope, type, 1), name: `c${i + 1}` }))
  const where = [...correlation(random, seen, inner.scope, 0.35), ...local(random, inner.scope, 0.5)]
  return asking.hold(asking.select(inner, items, where))
}

/** At most one row: an aggregate without groups, or a row by its key. */
function scalar(asking: Asking, seen: Scope, type: TypeName): string | null {
  const { random } = asking
  if (random.chance(0.3)) {
    const keyed = byKey(asking, seen, type)
    if (keyed !== null) return keyed
  }
  const inner = asking.from()
  if (TYPES[type].comparable && random.chance(0.2)) return asking.hold(first(asking, inner, seen, type))
  const call = aggregateOf(random, inner.scope, type, true)
  if (call === null) return null
  const sql = random.chance(0.2) ? `coalesce(${call}, ${expression(random, [], type, 0)})` : call
  const pairs = random.chance(0.6) ? random.sample(equalities(seen, inner.scope), random.chance(0.8) ? 1 : 2) : []
  const where = [...pairs, ...local(random, inner.scope, 0.3)]
  if (seen.length > 0 && random.chance(0.15)) where.push(predicate(random, [...seen, ...inner.scope], 0))
  return asking.hold(asking.select(inner, [{ sql, name: 'c1' }], where))
}

/** The first row by a total order. */
function first(asking: Asking, inner: From, seen: Scope, type: TypeName): Query {
  const { random } = asking
  const items = [{ sql: expression(random, inner.scope, type, 1), name: 'c1' }]
  const query = asking.select(inner, items, [
    ...correlation(random, seen, inner.scope, 0.8),
    ...local(random, inner.scope, 0.3),
  ])
  const tail = [`order by 1${random.pick(['', ' desc'])} nulls ${random.pick(['first', 'last'])}`, 'limit 1']
  return query.kind === 'select' ? { ...query, tail } : query
}

/** ARRAY(select …), in the order of its values. */
function arrayOf(asking: Asking, seen: Scope): string {
  const { random } = asking
  const inner = asking.from()
  const items = [{ sql: expression(random, inner.scope, 'int', 1), name: 'c1' }]
  const query = asking.select(inner, items, [
    ...correlation(random, seen, inner.scope, 0.7),
    ...local(random, inner.scope, 0.3),
  ])
  const tail = [`order by 1${random.pick(['', ' desc'])}`, ...(random.chance(0.3) ? ['limit 3'] : [])]
  return `array${asking.hold(query.kind === 'select' ? { ...query, distinct: random.chance(0.2), tail } : query)}`
}

function byKey(asking: Asking, seen: Scope, type: TypeName): string | null {
  const { random } = asking
  const keyed = asking.sources.filter(({ key, columns }) =>
    key?.every((name) => seen.some((column) => column.type === columns.find(({ sql }) => sql === name)?.type)),
  )
  if (keyed.length === 0) return null
  const source = random.pick(keyed)
  const alias = asking.alias()
  const scope = source.columns.map((each) => ({ ...each, sql: `${alias}.${each.sql}` }))
  const where = (source.key ?? []).map((name) => {
    const keyType = source.columns.find(({ sql }) => sql === name)?.type ?? 'int'
    const outside = random.pick(seen.filter((each) => each.type === keyType)).sql
    return random.chance(0.5) ? `${alias}.${name} = ${outside}` : `${outside} = ${alias}.${name}`
  })
  const from: From = {
    items: [{ alias, source: source.sql, join: 'inner', on: [] }],
    scope,
    rows: 1,
    subqueries: {},
  }
  const items = [{ sql: expression(random, scope, type, 1), name: 'c1' }]
  return asking.hold(asking.select(from, items, [...where, ...local(random, scope, 0.3)]))
}

/** How the subquery depends on the query around it. */
export function correlation(random: Random, outer: Scope, inner: Scope, chance: number): string[] {
  if (outer.length === 0 || !random.chance(chance)) return []
  const pairs = equalities(outer, inner)
  return random.weighted<() => string[]>([
    [pairs.length > 0 ? 60 : 0, () => random.sample(pairs, random.chance(0.8) ? 1 : 2)],
    [
      pairs.length > 0 ? 15 : 0,
      () => [random.pick(pairs).replace(' = ', random.pick([' < ', ' >= ', ' <> ', ' is not distinct from ']))],
    ],
    [20, () => [predicate(random, [...outer, ...inner], 1)]],
    [5, () => [predicate(random, outer, 1)]],
  ])()
}

function equalities(outer: Scope, inner: Scope): string[] {
  return outer.flatMap((o) =>
    inner.filter((i) => i.type === o.type && TYPES[i.type].comparable).map((i) => `${i.sql} = ${o.sql}`),
  )
}

export function local(random: Random, scope: Scope, chance: number): string[] {
  return random.chance(chance) ? [predicate(random, scope, 1)] : []
}
