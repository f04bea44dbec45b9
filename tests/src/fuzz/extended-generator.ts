import type { Random } from '@freshet/testkit'
import { expression, predicate, type Column, type Scope } from './expression.ts'
import type { FromItem, Select } from './query.ts'
import type { Source } from './query-generator.ts'
import { TYPES, type TypeName } from './type.ts'

/**
 * What goes beyond the operators that must be maintained differentially: outer joins, subqueries in expressions,
 * windows, ordered aggregates, LIMIT, lateral items. Whether such a query is maintained or refreshed in full, its answer
 * must be right; so everything here has one answer only, whatever the order in which rows are read.
 */
export interface Extension {
  readonly random: Random
  readonly sources: readonly Source[]
  readonly alias: () => string
}

/** A join that keeps rows without a partner. FULL JOIN takes nothing but equalities. */
export function outerJoin({ random }: Extension, on: readonly string[]): Pick<FromItem, 'join' | 'on'> {
  const plain = on.filter((condition) => /^\S+ = \S+$/.test(condition))
  if (plain.length > 0 && random.chance(0.25)) return { join: 'full', on: plain }
  return { join: random.chance(0.7) ? 'left' : 'right', on }
}

/** A condition that asks another relation. */
export function subqueryPredicate(extension: Extension, scope: Scope): string | null {
  const { random } = extension
  const inner = relation(extension)
  const pair = pairOf(random, scope, inner.columns)
  if (pair === null) return null
  const [outside, inside] = pair
  const some = () => (random.chance(0.5) ? predicate(random, inner.columns, 0) : 'true')
  const not = random.chance(0.4) ? 'not ' : ''
  return random.weighted<() => string>([
    [4, () => `${not}exists (select from ${inner.from} where ${outside} = ${inside} and ${some()})`],
    [2, () => `${not}exists (select 1 from ${inner.from} where ${predicate(random, [...scope, ...inner.columns], 0)})`],
    [4, () => `${outside} ${not}in (select ${inside} from ${inner.from} where ${some()})`],
    [
      1,
      () =>
        `${outside} ${random.pick(['=', '<', '>'])} ${random.pick(['any', 'all'])} (select ${inside} from ${inner.from})`,
    ],
    [2, () => `${outside} ${random.pick(['=', '<>', '<', '>='])} (${scalar(extension, scope, inside, inner, 'same')})`],
    [1, () => `(${scalar(extension, scope, inside, inner, 'count')}) > ${random.int(0, 3)}`],
  ])()
}

/** A subquery as a value. */
export function subqueryValue(extension: Extension, scope: Scope): Column | null {
  const inner = relation(extension)
  const pair = pairOf(extension.random, scope, inner.columns)
  if (pair === null) return null
  const sql = `(${scalar(extension, scope, pair[1], inner, 'count')})`
  return { sql: extension.random.chance(0.3) ? `coalesce(${sql}, 0)` : sql, type: 'bigint' }
}

/** A window function whose value does not depend on the order of equal rows. */
export function windowValue({ random }: Extension, scope: Scope): Column | null {
  const comparable = scope.filter(({ type }) => TYPES[type].comparable)
  if (comparable.length === 0) return null
  const parts = random.chance(0.8) ? `partition by ${random.pick(comparable).sql} ` : ''
  const order = `order by ${random.pick(comparable).sql}${random.chance(0.3) ? ' desc nulls last' : ''}`
  const int = expression(random, scope, 'int', 0)
  return random.pick<Column>([
    { sql: `rank() over (${parts}${order})`, type: 'bigint' },
    { sql: `dense_rank() over (${parts}${order})`, type: 'bigint' },
    { sql: `count(*) over (${parts})`, type: 'bigint' },
    { sql: `sum(${int}) over (${parts}${order})`, type: 'bigint' },
    { sql: `max(${int}) over (${parts})`, type: 'int' },
  ])
}

/** Aggregates that do not add up: of distinct values, ordered, or of a position. */
export function holisticAggregate({ random }: Extension, scope: Scope, type: TypeName): string | null {
  const of = (inner: TypeName) => expression(random, scope, inner, 0)
  const int = of('int')
  const text = of('text')
  const forms: Partial<Readonly<Record<TypeName, string>>> = {
    bigint: random.pick([`count(distinct ${int})`, `sum(distinct ${int})`, `count(distinct ${text})`]),
    text: `string_agg(${random.chance(0.5) ? 'distinct ' : ''}${text}, ',' order by ${text})`,
    array: `array_agg(${int} order by ${int})`,
    int: random.pick([`percentile_disc(0.5) within group (order by ${int})`, `mode() within group (order by ${int})`]),
    numeric: random.pick([`stddev_pop(${int})`, `var_samp(${int})`]),
    json: `json_agg(${int} order by ${int})`,
  }
  return forms[type] ?? null
}

/** The first rows of a total order; or of any order, with those that tie with the last. */
export function limit({ random }: Extension, columns: Scope): string[] {
  if (columns.some(({ type }) => !TYPES[type].comparable)) return []
  const descending = random.chance(0.4) ? ' desc' : ''
  const every = columns.map((_, i) => `${i + 1}${i === 0 ? descending : ''}`).join(', ')
  return random.chance(0.7)
    ? [`order by ${every}`, `limit ${random.int(1, 5)}${random.chance(0.3) ? ` offset ${random.int(1, 3)}` : ''}`]
    : [`order by 1${descending}`, `fetch first ${random.int(1, 4)} rows with ties`]
}

/** An item of FROM that sees those before it: a function, or a subquery. */
export function lateralItem(extension: Extension, scope: Scope): { item: FromItem; columns: Scope } | null {
  const { random } = extension
  const alias = extension.alias()
  const arrays = scope.filter(({ type }) => type === 'array')
  if (arrays.length > 0 && random.chance(0.5)) {
    const item: FromItem = {
      alias: `${alias}(c1)`,
      source: `unnest(${random.pick(arrays).sql})`,
      join: 'lateral',
      on: [],
    }
    return { item, columns: [{ sql: `${alias}.c1`, type: 'int' }] }
  }
  const inner = relation(extension)
  const pair = pairOf(random, scope, inner.columns)
  if (pair === null) return null
  const column = random.chance(0.5) ? { sql: 'count(*)', type: 'bigint' as const } : random.pick(inner.columns)
  const source: Select = {
    kind: 'select',
    with: [],
    distinct: false,
    items: [{ sql: column.sql, name: 'c1' }],
    from: [{ alias: inner.alias, source: inner.source, join: 'inner', on: [] }],
    where: [`${pair[0]} = ${pair[1]}`],
    groupBy: [],
    having: [],
    tail: [],
  }
  return { item: { alias, source, join: 'lateral', on: [] }, columns: [{ sql: `${alias}.c1`, type: column.type }] }
}

interface Inner {
  readonly alias: string
  readonly source: string
  readonly from: string
  readonly columns: Scope
}

function relation({ random, sources, alias }: Extension): Inner {
  const source = random.pick(sources)
  const name = alias()
  return {
    alias: name,
    source: source.sql,
    from: `${source.sql} as ${name}`,
    columns: source.columns.map((column) => ({ ...column, sql: `${name}.${column.sql}` })),
  }
}

function pairOf(random: Random, outer: Scope, inner: Scope): [string, string] | null {
  const pairs = outer.flatMap((o) =>
    inner.filter((i) => i.type === o.type && TYPES[i.type].comparable).map((i): [string, string] => [o.sql, i.sql]),
  )
  return pairs.length === 0 ? null : random.pick(pairs)
}

/** At most one row: an aggregate without groups, correlated or not. */
function scalar({ random }: Extension, scope: Scope, column: string, inner: Inner, result: 'same' | 'count'): string {
  const pair = random.chance(0.7) ? pairOf(random, scope, inner.columns) : null
  const where = pair === null ? '' : ` where ${pair[0]} = ${pair[1]}`
  const value = result === 'count' ? random.pick(['count(*)', `count(${column})`]) : `min(${column})`
  return `select ${value} from ${inner.from}${where}`
}
