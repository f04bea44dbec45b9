import { expression, predicate, type Column, type Scope } from './expression.ts'
import type { From, Source } from './generated.ts'
import type { Cte, FromItem, Query } from './query.ts'
import { correlation, type Asking } from './subquery-generator.ts'
import { TYPES, type TypeName } from './type.ts'

/** A recursive common table expression: a few rounds, each joined to a table by an equality; null where none fits. */
export function recursiveTable(asking: Asking, base: From, name: string): { cte: Cte; source: Source } | null {
  const { random } = asking
  const types = random.sample(
    base.scope.map(({ type }) => type).filter((type) => TYPES[type].comparable && type !== 'boolean'),
    random.int(1, 2),
  )
  if (types.length === 0) return null
  const columns: readonly Column[] = [
    { sql: 'round', type: 'int' },
    ...types.map((type, i): Column => ({ sql: `v${i + 1}`, type })),
  ]
  const start = asking.select(
    base,
    items(asking, '0', base.scope, types),
    random.chance(0.5) ? [predicate(random, base.scope, 1)] : [],
  )
  const self = asking.alias()
  const own = columns.map((column) => ({ ...column, sql: `${self}.${column.sql}` }))
  const other = asking.from()
  const [on] = correlation(random, own.slice(1), other.scope, 1)
  // PostgreSQL lets a recursion read its rows once, and not where an outer join pads them; a lateral item may need them twice
  const unfit = other.items.some(
    ({ join, source }) =>
      join === 'right' || join === 'full' || (join.endsWith('lateral') && typeof source !== 'string'),
  )
  if (on?.includes(' = ') !== true || unfit) return null
  const first: FromItem = { alias: self, source: name, join: 'inner', on: [] }
  const rest = other.items.map((item, i): FromItem => (i === 0 ? { ...item, join: 'inner', on: [] } : item))
  const from: From = { ...other, items: [first, ...rest], scope: [...own, ...other.scope] }
  const where = [
    on,
    `${self}.round < ${random.int(1, 2)}`,
    ...(random.chance(0.2) ? [predicate(random, from.scope, 1)] : []),
  ]
  const step = asking.select(from, items(asking, `${self}.round + 1`, from.scope, types), where)
  const query: Query = { kind: 'set', operator: random.chance(0.6) ? 'union' : 'union all', left: start, right: step }
  const declared = `${name}(${columns.map(({ sql }) => sql).join(', ')})`
  return {
    cte: { name: declared, materialized: false, recursive: true, query },
    source: { sql: name, columns, rows: 60 },
  }
}

function items(asking: Asking, round: string, scope: Scope, types: readonly TypeName[]) {
  const values = types.map((type) => `(${expression(asking.random, scope, type, 0)})::${TYPES[type].sql}`)
  return [`(${round})::int`, ...values].map((sql, i) => ({ sql, name: `c${i + 1}` }))
}
