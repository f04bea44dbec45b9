import type { Random } from '@freshet/testkit'
import { expression, predicate, type Column, type Scope } from './expression.ts'
import { TYPES, type TypeName } from './type.ts'

/**
 * Window functions with one answer only. What depends on the order of equal rows (row_number, lag, frames of rows)
 * uses the window `total`, ordered by everything that the query can show, so that rows which tie in it are alike.
 */
export interface Windows {
  readonly columns: readonly Column[]
  /** The WINDOW clause. */
  readonly tail: readonly string[]
}

/** `scope` must be all that the query shows, and comparable. */
export function windows(random: Random, scope: Scope): Windows {
  const some = (count: number) => random.sample(scope, count).map(({ sql }) => sql)
  const partition = (chance: number) =>
    random.chance(chance) ? `partition by ${some(random.int(1, 2)).join(', ')} ` : ''
  const shared = partition(0.7)
  const every = random.shuffle(scope).map(({ sql }) => sorted(random, sql))
  const of = (type: TypeName) => expression(random, scope, type, random.chance(0.7) ? 0 : 1)
  // an aggregate, of a query that groups, must not stand in FILTER
  const plain = scope.filter(({ sql }) => !sql.includes('('))
  const where = () => (plain.length > 0 && random.chance(0.15) ? ` filter (where ${predicate(random, plain, 0)})` : '')
  const sorts = () =>
    some(random.int(1, 2))
      .map((sql) => sorted(random, sql))
      .join(', ')
  const over = () => `over (${random.chance(0.5) ? shared : partition(0.6)}order by ${sorts()})`
  const ranked = (): Column => {
    const name = random.pick(['rank', 'dense_rank', 'percent_rank', 'cume_dist'])
    const call = `${name}() ${over()}`
    // thirds and sevenths: what they add up to as floats depends on the order of the rows
    return name === 'percent_rank' || name === 'cume_dist'
      ? { sql: `cast(${call} as numeric)`, type: 'numeric' }
      : { sql: call, type: 'bigint' }
  }
  const summed = (): Column => {
    const column = random.pick<Column>([
      { sql: 'count(*)', type: 'bigint' },
      { sql: `count(${random.pick(scope).sql})`, type: 'bigint' },
      { sql: `sum(${of('int')})`, type: 'bigint' },
      { sql: `sum(${of('numeric')})`, type: 'numeric' },
      { sql: `avg(${of('int')})`, type: 'numeric' },
      { sql: `sum(${of('double')})`, type: 'double' },
      { sql: `min(${of('text')})`, type: 'text' },
      { sql: `max(${of('int')})`, type: 'int' },
      { sql: `bool_or(${of('boolean')})`, type: 'boolean' },
    ])
    return {
      ...column,
      sql: `${column.sql}${where()} ${frames(random, scope, random.chance(0.5) ? shared : partition(0.6), `${shared}order by ${every.join(', ')}`)}`,
    }
  }
  const positional = (): Column => {
    const type = random.pick(scope).type
    const value = expression(random, scope, type, random.chance(0.7) ? 0 : 1)
    const column = random.pick<Column>([
      { sql: 'row_number()', type: 'bigint' },
      { sql: `ntile(${random.int(1, 4)})`, type: 'int' },
      { sql: `lag(${value})`, type },
      { sql: `lead(${value}, ${random.int(1, 3)})`, type },
      { sql: `first_value(${value})`, type },
      { sql: `last_value(${value})`, type },
      { sql: `nth_value(${value}, ${random.int(1, 3)})`, type },
      { sql: `array_agg(${of('int')})`, type: 'array' },
    ])
    return { ...column, sql: `${column.sql} over total` }
  }
  const columns = Array.from({ length: random.int(1, 3) }, () =>
    random.weighted<() => Column>([
      [3, ranked],
      [4, summed],
      [4, positional],
    ])(),
  )
  const tail = columns.some(({ sql }) => sql.includes('over total'))
    ? [`window total as (${shared}order by ${every.join(', ')}${random.chance(0.3) ? ` ${rowsFrame(random)}` : ''})`]
    : []
  return { columns, tail }
}

export function sorted(random: Random, sql: string): string {
  return `${sql}${random.chance(0.35) ? ' desc' : ''}${random.weighted([
    [6, ''],
    [1, ' nulls first'],
    [1, ' nulls last'],
  ])}`
}

/**
 * A frame of peers and groups may have any order. A frame of rows has the partitions and the order of `total`: in another,
 * which of the rows that are alike comes first would be another question than it is there, and have another answer.
 */
function frames(random: Random, scope: Scope, partition: string, total: string): string {
  const exclusion = random.weighted([
    [8, ''],
    [1, ' exclude current row'],
    [1, ' exclude group'],
    [1, ' exclude ties'],
  ])
  const key = random.pick(scope)
  const offsets: Partial<Record<TypeName, string>> = {
    int: '2',
    bigint: '1',
    numeric: '1.5',
    double: '0.5::double precision',
    date: `interval '1 month'`,
    timestamptz: `interval '2 hours'`,
  }
  const offset = offsets[key.type]
  return random.weighted<() => string>([
    [3, () => `over (${partition.trim()})`],
    [3, () => `over (${partition}order by ${sorted(random, key.sql)})`],
    [4, () => `over (${total} ${rowsFrame(random)}${exclusion})`],
    [2, () => `over (${partition}order by ${sorted(random, key.sql)} groups ${bounds(random, '1')}${exclusion})`],
    [1, () => `over (${partition}order by ${sorted(random, key.sql)} range ${bounds(random, null)}${exclusion})`],
    [
      offset === undefined ? 0 : 3,
      () => `over (${partition}order by ${sorted(random, key.sql)} range ${bounds(random, offset ?? '')}${exclusion})`,
    ],
  ])()
}

function rowsFrame(random: Random): string {
  return `rows ${bounds(random, String(random.int(1, 2)))}`
}

function bounds(random: Random, offset: string | null): string {
  const points = [
    'unbounded preceding',
    `${offset} preceding`,
    'current row',
    `${offset} following`,
    'unbounded following',
  ]
  const possible = offset === null ? [0, 2, 4] : [0, 1, 2, 3, 4]
  const [a, b] = [random.pick(possible.filter((i) => i < 4)), random.pick(possible.filter((i) => i > 0))]
  const [from, to] = a <= b ? [a, b] : [b, a]
  return `between ${points[from]} and ${points[to]}`
}

/** Columns whose values can be ordered. */
export function comparable(scope: Scope): Scope {
  return scope.filter(({ type }) => TYPES[type].comparable)
}
