import type { Random } from '@freshet/testkit'
import { aggregate, aggregateOf } from './aggregate-generator.ts'
import { expression, predicate, someType, type Column, type Scope } from './expression.ts'
import type { Feature, Features } from './features.ts'
import { lateralFunction, setReturningItem } from './function-generator.ts'
import type { From, Generated, Source, Wanted } from './generated.ts'
import { groupingSets } from './grouping-generator.ts'
import { lateralSubquery } from './lateral-generator.ts'
import { joined } from './join-generator.ts'
import { firstOfEach, limited } from './order-generator.ts'
import type { Cte, FromItem, Query, Select, SetOperation } from './query.ts'
import { recursiveTable } from './recursion-generator.ts'
import { subqueryPredicate, subqueryValue, type Asking } from './subquery-generator.ts'
import { literal, TYPES, type TypeName } from './type.ts'
import { comparable, windows } from './window-generator.ts'

/** Random queries over the operators that are maintained differentially, nested to any depth. */
const ANY: Wanted = { comparable: false }

/** Relations of a FROM, and how large its join may become. */
const OUTER = { most: 3, rows: 3_000 }
const INNER = { most: 2, rows: 200 }

export class QueryGenerator {
  readonly #random: Random
  readonly #features: Features
  #aliases = 0

  constructor(random: Random, features: Features) {
    this.#random = random
    this.#features = features
  }

  query(sources: readonly Source[], depth: number, wanted: Wanted = ANY): Generated {
    const equality = !wanted.types?.some((type) => !TYPES[type].comparable)
    const deep = depth > 0
    return this.#random.weighted<() => Generated>([
      [28, () => this.#plain(sources, depth, wanted)],
      [28, () => this.#grouped(sources, depth, wanted)],
      [equality ? 8 : 0, () => this.#distinct(sources, depth, wanted)],
      [this.#weight(7, 'distinct-on', equality), () => this.#firstOfEach(sources, depth, wanted)],
      [this.#weight(11, 'windows', equality && !wanted.types), () => this.#windowed(sources, depth, wanted)],
      [deep ? 10 : 0, () => this.#set('union all', sources, depth, wanted)],
      [deep && equality ? 7 : 0, () => this.#set('union', sources, depth, wanted)],
      [this.#weight(9, 'set-operations', deep && equality), () => this.#difference(sources, depth, wanted)],
      [deep ? 12 : 0, () => this.#withCtes(sources, depth, wanted)],
      [this.#weight(2, 'values', deep), () => this.#values(wanted)],
    ])()
  }

  #weight(weight: number, feature: Feature, possible = true): number {
    return possible && this.#features.has(feature) ? weight : 0
  }

  #chance(probability: number, feature: Feature): boolean {
    return this.#features.has(feature) && this.#random.chance(probability)
  }

  #plain(sources: readonly Source[], depth: number, wanted: Wanted): Generated {
    const from = this.#from(sources, depth)
    const asking = this.#asking(from, sources, depth)
    const items = this.#outputTypes(from.scope, wanted).map((type): Column => {
      const asked = this.#chance(0.1, 'subqueries') ? subqueryValue(asking, from.scope, from.scope, type) : null
      return { sql: asked ?? expression(this.#random, from.scope, type, 2), type }
    })
    if (!wanted.types && this.#chance(0.08, 'functions')) items.push(setReturningItem(this.#random, from.scope))
    const where = this.#where(from, sources, depth)
    // what is sorted by, and not shown, makes rows as well
    if (this.#chance(0.02, 'functions')) {
      const { sql } = setReturningItem(this.#random, from.scope)
      const made = this.#select(from, items, { where, tail: [`order by ${sql}`] })
      return { ...made, rows: made.rows * 2 }
    }
    return this.#limited(this.#select(from, items, { where }), from.scope)
  }

  #distinct(sources: readonly Source[], depth: number, wanted: Wanted): Generated {
    const { query, ...rest } = this.#plain(sources, depth, { ...wanted, comparable: true })
    if (query.kind !== 'select') return { query, ...rest }
    // ORDER BY of a DISTINCT may name nothing but what is shown
    const tail = query.tail.length > 0 ? limited(this.#random, rest.columns, []) : []
    return { query: { ...query, distinct: true, tail }, ...rest }
  }

  #firstOfEach(sources: readonly Source[], depth: number, wanted: Wanted): Generated {
    const random = this.#random
    const from = this.#from(sources, depth)
    const items = this.#outputTypes(from.scope, { ...wanted, comparable: true }).map((type) => ({
      sql: expression(random, from.scope, type, 1),
      type,
    }))
    const named = items.map((item, i) => ({ ...item, sql: String(i + 1) }))
    const { on, tail } = firstOfEach(random, named, from.scope)
    const made = this.#select(from, items, { where: this.#where(from, sources, depth), tail })
    return made.query.kind === 'select' ? { ...made, query: { ...made.query, distinctOn: on } } : made
  }

  #windowed(sources: readonly Source[], depth: number, wanted: Wanted): Generated {
    const random = this.#random
    // mostly over tables: what a join or a group leaves is too little for partitions to differ
    const from = this.#from(sources, random.chance(0.6) ? 0 : depth)
    const shown = random.sample(comparable(from.scope), 6)
    if (shown.length === 0) return this.#plain(sources, depth, wanted)
    const made = windows(random, shown)
    const types = this.#outputTypes(shown, { comparable: true })
    const items = types.map((type) => ({ sql: expression(random, shown, type, 1), type }))
    const all = [...items.slice(0, random.int(0, items.length)), ...made.columns]
    const where = random.chance(0.5) ? this.#where(from, sources, depth) : []
    return this.#select(from, all, { where, tail: made.tail })
  }

  #grouped(sources: readonly Source[], depth: number, wanted: Wanted): Generated {
    const random = this.#random
    const from = this.#from(sources, depth)
    const keys = this.#keys(from.scope)
    const aggregates = Array.from({ length: random.int(1, 3) }, () => this.#aggregate(from, sources, depth, wanted))
    const sets = keys.length > 0 && this.#chance(0.2, 'grouping-sets') ? groupingSets(random, keys) : null
    const results: Scope = [...keys, ...aggregates, ...(sets?.columns ?? [])]
    // a subquery may name a key that is a column; not an expression, nor an aggregate
    const seen = keys.filter(({ sql }) => from.scope.some((column) => column.sql === sql))
    const asking = this.#asking(from, sources, depth)
    const target = (column: Column): Column => {
      const asked = this.#chance(0.06, 'subqueries') ? subqueryValue(asking, results, seen, column.type) : null
      if (asked !== null) return { ...column, sql: asked }
      return random.chance(0.85) ? column : { ...column, sql: expression(random, results, column.type, 1) }
    }
    const having = random.chance(0.15)
      ? [predicate(random, random.chance(0.5) ? results : [...results, aggregate(random, from.scope, true, false)], 1)]
      : []
    if (this.#chance(0.08, 'subqueries')) having.push(subqueryPredicate(asking, results, seen))
    const ordered = comparable(results)
    // the only aggregate may be what is sorted by
    if (keys.length === 0 && !wanted.comparable && this.#chance(0.05, 'limits')) {
      const types = this.#outputTypes([], wanted)
      const alone = types.map((type) => ({ sql: literal(random, type), type }))
      const tail = [`order by ${aggregate(random, from.scope, true, false).sql}`]
      return { ...this.#select(from, alone, { where: this.#where(from, sources, depth), tail }), rows: 1 }
    }
    const over = !wanted.types && ordered.length > 0 && this.#chance(0.1, 'windows') ? windows(random, ordered) : null
    const shown =
      over === null ? [...keys.filter(() => random.chance(0.9)), ...aggregates, ...(sets?.columns ?? [])] : []
    const items = wanted.types
      ? wanted.types.map((type) => this.#groupedItem(results, from.scope, type))
      : over === null
        ? shown.map(target)
        : [...ordered.slice(0, random.int(0, ordered.length)), ...over.columns]
    const made = this.#select(from, items, {
      where: this.#where(from, sources, depth),
      groupBy: sets?.groupBy ?? keys.map((key) => key.sql),
      having,
      ...(over === null ? {} : { tail: over.tail }),
    })
    const rows = keys.length === 0 ? 1 : Math.min(made.rows, 6 ** keys.length) * (sets === null ? 1 : 2)
    return over === null ? this.#limited({ ...made, rows }, ordered) : { ...made, rows }
  }

  #keys(scope: Scope): Column[] {
    const random = this.#random
    const keys: Column[] = []
    const count = random.weighted([
      [20, 0],
      [45, 1],
      [25, 2],
      [10, 3],
    ])
    for (let left = count; left > 0; left--) {
      const type = someType(random, scope, true)
      const sql = expression(random, scope, type, random.chance(0.7) ? 0 : 2)
      // a constant as a key is an error, or an output position
      if (scope.some((column) => sql.includes(column.sql)) && !keys.some((key) => key.sql === sql))
        keys.push({ sql, type })
    }
    return keys
  }

  #aggregate(from: From, sources: readonly Source[], depth: number, wanted: Wanted): Column {
    const random = this.#random
    if (this.#chance(0.05, 'subqueries')) {
      const asking = this.#asking(from, sources, depth)
      const value = random.chance(0.5) ? subqueryValue(asking, from.scope, from.scope, 'int') : null
      if (value !== null) return { sql: `sum(${value})`, type: 'bigint' }
      return { sql: `count(*) filter (where ${subqueryPredicate(asking, from.scope)})`, type: 'bigint' }
    }
    return aggregate(random, from.scope, wanted.comparable, this.#features.has('aggregates'))
  }

  #groupedItem(results: Scope, inputs: Scope, type: TypeName): Column {
    if (results.some((column) => column.type === type)) return { sql: expression(this.#random, results, type, 1), type }
    const call = aggregateOf(this.#random, inputs, type, this.#features.has('aggregates'))
    return { sql: call ?? expression(this.#random, results, type, 2), type }
  }

  #set(operator: SetOperation['operator'], sources: readonly Source[], depth: number, wanted: Wanted): Generated {
    const sides: Wanted = { ...wanted, comparable: wanted.comparable || operator !== 'union all' }
    const left = this.query(sources, depth - 1, sides)
    const types = left.columns.map((column) => column.type)
    const right = this.query(sources, depth - 1, { comparable: sides.comparable, types })
    const query: SetOperation = { kind: 'set', operator, left: left.query, right: right.query }
    // a side may be VALUES, whose columns have names of their own
    const named =
      left.query.kind === 'values' ? left.columns.map((c, i) => ({ ...c, sql: `column${i + 1}` })) : left.columns
    const made = { query, columns: named, rows: left.rows + right.rows }
    return this.#limited(made, [])
  }

  #difference(sources: readonly Source[], depth: number, wanted: Wanted): Generated {
    const operator = this.#random.pick(['except', 'except all', 'intersect', 'intersect all'] as const)
    return this.#set(operator, sources, depth, wanted)
  }

  #values(wanted: Wanted): Generated {
    const random = this.#random
    const types = wanted.types ?? this.#outputTypes([], { comparable: true })
    const row = () => `(${types.map((type) => literal(random, type)).join(', ')})`
    const rows = Array.from({ length: random.int(1, 4) }, row)
    const columns = types.map((type, i) => ({ sql: `column${i + 1}`, type }))
    return { query: { kind: 'values', rows }, columns, rows: rows.length }
  }

  #withCtes(sources: readonly Source[], depth: number, wanted: Wanted): Generated {
    const random = this.#random
    const ctes: Cte[] = []
    const visible: Source[] = []
    for (let left = random.int(1, 2); left > 0; left--) {
      const name = `cte${++this.#aliases}`
      const recursive = this.#chance(0.3, 'recursion') ? this.#recursive(name, sources) : null
      if (recursive !== null) {
        ctes.push(recursive.cte)
        visible.push(recursive.source)
        continue
      }
      const body = this.query([...visible, ...sources], depth - 1)
      const renamed = random.chance(0.2)
      const columns = renamed ? body.columns.map((column, i) => ({ ...column, sql: `d${i + 1}` })) : body.columns
      const declared = renamed ? `${name}(${columns.map(({ sql }) => sql).join(', ')})` : name
      ctes.push({ name: declared, materialized: random.chance(0.2), query: body.query })
      visible.push({ sql: name, columns, rows: body.rows })
    }
    const body = random.chance(0.5)
      ? this.#plain([...visible, ...visible, ...sources], depth - 1, wanted)
      : this.#grouped([...visible, ...visible, ...sources], depth - 1, wanted)
    return body.query.kind === 'select' ? { ...body, query: { ...body.query, with: ctes } } : body
  }

  #recursive(name: string, sources: readonly Source[]) {
    const tables = sources.filter(({ rows }) => rows <= 40)
    if (tables.length === 0) return null
    const base = this.#from(tables, 0, { most: 1, rows: 40 })
    return recursiveTable(this.#asking(base, tables, 0), base, name)
  }

  #from(sources: readonly Source[], depth: number, bounds = OUTER): From {
    const random = this.#random
    const items: FromItem[] = []
    const scope: Column[] = []
    const subqueries: Record<string, Query> = {}
    let rows = 1
    const wanted = random.weighted([
      [50, 1],
      [36, 2],
      [14, Math.min(3, bounds.most)],
    ])
    while (items.length < wanted) {
      const { source, columns, rows: more } = this.#relation(sources, depth)
      const alias = `r${++this.#aliases}`
      const own = columns.map((column) => ({ sql: `${alias}.${column.sql}`, type: column.type }))
      if (items.length === 0) {
        items.push({ alias, source, join: 'inner', on: [] })
        rows = more
      } else {
        const outer = this.#chance(0.35, 'outer-joins')
        const join = joined(random, scope, own, { product: rows * more, outer, using: outer && items.length === 1 })
        const estimate = join.on.some((condition) => condition.includes(' = ')) ? (rows * more) / 4 : rows * more
        if (estimate > bounds.rows) break
        const both = { items, scope: [...scope, ...own], rows: estimate, subqueries }
        const asks = join.using === undefined && join.join !== 'full' && this.#chance(0.05, 'subqueries')
        items.push({ alias, source, ...join, on: asks ? [...join.on, this.#asks(both, sources, depth)] : join.on })
        rows = estimate
      }
      scope.push(...own)
    }
    if (this.#chance(0.1, 'functions')) {
      const { item, columns } = lateralFunction(random, scope, `r${++this.#aliases}`)
      items.push(item)
      scope.push(...columns)
      rows *= 2
    }
    if (rows <= 300 && this.#chance(0.12, 'laterals')) {
      const from = { items, scope, rows, subqueries }
      const made = lateralSubquery(this.#asking(from, sources, Math.min(depth, 1)), scope, `r${++this.#aliases}`)
      items.push(made.item)
      scope.push(...made.columns)
      rows *= 2
    }
    return { items, scope, rows, subqueries }
  }

  #relation(sources: readonly Source[], depth: number): { source: string | Query; columns: Scope; rows: number } {
    if (depth > 0 && this.#random.chance(0.35)) {
      const { query, columns, rows } = this.query(sources, depth - 1)
      return { source: query, columns, rows }
    }
    const { sql, columns, rows } = this.#random.pick(sources)
    return { source: sql, columns, rows }
  }

  #asking(from: From, sources: readonly Source[], depth: number): Asking {
    const inside = Math.max(depth - 1, 0)
    return {
      random: this.#random,
      sources,
      query: (wanted) => this.query(sources, inside, wanted),
      from: () => this.#from(sources, inside, INNER),
      select: (inner, items, where) => {
        const asks = inside > 0 && this.#random.chance(0.25) ? [this.#asks(inner, sources, inside)] : []
        return { ...EMPTY, items, from: inner.items, where: [...where, ...asks], subqueries: inner.subqueries }
      },
      hold: (query) => {
        const name = `q${++this.#aliases}`
        from.subqueries[name] = query
        return `$${name}$`
      },
      alias: () => `r${++this.#aliases}`,
    }
  }

  #asks(from: From, sources: readonly Source[], depth: number): string {
    return subqueryPredicate(this.#asking(from, sources, depth), from.scope)
  }

  #where(from: From, sources: readonly Source[], depth: number): string[] {
    // conditions of every level multiply: too many leave nothing to maintain
    const count = this.#random.weighted([
      [60 + 40 * depth, 0],
      [34, 1],
      [3, 2],
    ])
    const plain = Array.from({ length: count }, () => predicate(this.#random, from.scope, 1))
    const asks = this.#chance(0.18, 'subqueries') && from.rows <= 500
    return asks ? [...plain, this.#asks(from, sources, depth)] : plain
  }

  #limited(made: Generated, hidden: Scope): Generated {
    if (made.query.kind === 'values' || !this.#chance(0.08, 'limits')) return made
    const tail = limited(this.#random, made.columns, hidden)
    return tail.length === 0 ? made : { ...made, query: { ...made.query, tail }, rows: Math.min(made.rows, 6) }
  }

  #outputTypes(scope: Scope, wanted: Wanted): readonly TypeName[] {
    if (wanted.types) return wanted.types
    return Array.from({ length: this.#random.int(1, 4) }, () => someType(this.#random, scope, wanted.comparable))
  }

  #select(
    from: From,
    outputs: readonly Column[],
    parts: { where: string[]; groupBy?: readonly string[]; having?: string[]; tail?: readonly string[] },
  ): Generated {
    // the same join, written with commas and WHERE
    const inner = from.items.every((item) => item.join === 'inner')
    const commas = from.items.length > 1 && inner && this.#random.chance(0.25)
    const where = commas ? [...from.items.flatMap((item) => item.on), ...parts.where] : parts.where
    const query: Select = {
      ...EMPTY,
      items: outputs.map(({ sql }, i) => ({ sql, name: `c${i + 1}` })),
      from: commas ? from.items.map((item) => ({ ...item, join: 'comma' as const, on: [] })) : from.items,
      where,
      groupBy: parts.groupBy ?? [],
      having: parts.having ?? [],
      tail: parts.tail ?? [],
      subqueries: from.subqueries,
    }
    return { query, columns: outputs.map(({ type }, i) => ({ sql: `c${i + 1}`, type })), rows: from.rows }
  }
}

const EMPTY: Select = {
  kind: 'select',
  with: [],
  distinct: false,
  items: [],
  from: [],
  where: [],
  groupBy: [],
  having: [],
  tail: [],
}
