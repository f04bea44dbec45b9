import { aggregateOf } from './aggregate-generator.ts'
import { expression, predicate, someType, type Column, type Scope } from './expression.ts'
import { limited } from './order-generator.ts'
import type { FromItem, Query, Select } from './query.ts'
import { correlation, local, type Asking } from './subquery-generator.ts'
import { TYPES, type TypeName } from './type.ts'

/** Lateral subqueries: the first rows, an aggregate, groups, distinct rows, sets, or nothing but expressions, for each row before them. */
export function lateralSubquery(asking: Asking, seen: Scope, alias: string): { item: FromItem; columns: Scope } {
  const { random } = asking
  const made = random.weighted<() => { query: Query; types: readonly TypeName[] }>([
    [30, () => rows(asking, seen, { limit: true })],
    [14, () => rows(asking, seen, { limit: false })],
    [22, () => aggregates(asking, seen, false)],
    [12, () => aggregates(asking, seen, true)],
    [8, () => distinct(asking, seen)],
    [8, () => union(asking, seen)],
    [8, () => expressions(asking, seen)],
    [6, () => values(asking, seen)],
  ])()
  const names = made.types.map((_, i) => `c${i + 1}`)
  const columns = names.map((name, i): Column => ({ sql: `${alias}.${name}`, type: made.types[i] ?? 'int' }))
  const left = random.chance(0.4)
  const on = left && random.chance(0.3) ? [predicate(random, [...seen, ...columns], 0)] : []
  const item: FromItem = {
    alias: `${alias}(${names.join(', ')})`,
    source: made.query,
    join: left ? 'left lateral' : 'lateral',
    on,
  }
  return { item, columns }
}

function rows(asking: Asking, seen: Scope, wish: { readonly limit: boolean }) {
  const { random } = asking
  const inner = asking.from()
  const types = outputTypes(asking, inner.scope)
  const visible = random.chance(0.3) ? [...inner.scope, ...seen] : inner.scope
  const items = types.map((type, i) => ({ sql: expression(random, visible, type, 1), name: `c${i + 1}` }))
  const query = asking.select(inner, items, where(asking, seen, inner.scope))
  const outputs = items.map(({ sql }, i): Column => ({ sql, type: types[i] ?? 'int' }))
  return { query: wish.limit ? withTail(query, limited(random, outputs, [])) : query, types }
}

function aggregates(asking: Asking, seen: Scope, grouped: boolean) {
  const { random } = asking
  const inner = asking.from()
  const keys = grouped ? outputTypes(asking, inner.scope).slice(0, 1) : []
  const groupBy = keys.map((type) => expression(random, inner.scope, type, 0))
  const calls = Array.from({ length: random.int(1, 2) }, () => {
    const type = random.pick(['int', 'numeric', 'text', 'bigint'] as const)
    return { type, sql: aggregateOf(random, inner.scope, type, true) }
  })
  const counted = { type: 'bigint' as const, sql: 'count(*)' }
  const known = [...calls.flatMap(({ type, sql }) => (sql === null ? [] : [{ type, sql }])), counted]
  const items = [...groupBy, ...known.map(({ sql }) => sql)].map((sql, i) => ({ sql, name: `c${i + 1}` }))
  const query = asking.select(inner, items, where(asking, seen, inner.scope))
  const having = random.chance(0.15) ? ['count(*) > 1'] : []
  const plain = groupBy.every((sql) => inner.scope.some((column) => sql.includes(column.sql)))
  const select = query.kind === 'select' ? { ...query, groupBy: plain ? groupBy : [], having } : query
  const types = [...keys, ...known.map(({ type }) => type)]
  return plain ? { query: select, types } : rows(asking, seen, { limit: false })
}

function distinct(asking: Asking, seen: Scope) {
  const made = rows(asking, seen, { limit: false })
  return made.query.kind === 'select' ? { ...made, query: { ...made.query, distinct: true } } : made
}

function union(asking: Asking, seen: Scope) {
  const left = rows(asking, seen, { limit: false })
  const inner = asking.from()
  const items = left.types.map((type, i) => ({
    sql: expression(asking.random, inner.scope, type, 1),
    name: `c${i + 1}`,
  }))
  const right = asking.select(inner, items, where(asking, seen, inner.scope))
  const operator = asking.random.pick(['union all', 'union', 'except', 'intersect all'] as const)
  return { query: { kind: 'set' as const, operator, left: left.query, right }, types: left.types }
}

function expressions(asking: Asking, seen: Scope) {
  const { random } = asking
  const types = outputTypes(asking, seen)
  const items = types.map((type, i) => ({ sql: expression(random, seen, type, 1), name: `c${i + 1}` }))
  const none = { items: [], scope: [], rows: 1, subqueries: {} }
  const query = asking.select(none, items, random.chance(0.3) ? [predicate(random, seen, 1)] : [])
  return { query, types }
}

function values(asking: Asking, seen: Scope) {
  const { random } = asking
  const types = outputTypes(asking, seen)
  const row = () => `(${types.map((type) => `(${expression(random, seen, type, 0)})::${TYPES[type].sql}`).join(', ')})`
  return { query: { kind: 'values' as const, rows: Array.from({ length: random.int(1, 3) }, row) }, types }
}

function where(asking: Asking, seen: Scope, inner: Scope): string[] {
  return [...correlation(asking.random, seen, inner, 0.9), ...local(asking.random, inner, 0.3)]
}

function outputTypes(asking: Asking, scope: Scope): readonly TypeName[] {
  return Array.from({ length: asking.random.int(1, 2) }, () => someType(asking.random, scope, true))
}

function withTail(query: Query, tail: readonly string[]): Query {
  return query.kind === 'select' ? ({ ...query, tail } satisfies Select) : query
}
