import type { Random } from '@freshet/testkit'
import { aggregate, aggregateOf } from './aggregate-generator.ts'
import { expression, predicate, someType, type Column, type Scope } from './expression.ts'
import {
  holisticAggregate,
  lateralItem,
  limit,
  outerJoin,
  subqueryPredicate,
  subqueryValue,
  windowValue,
  type Extension,
} from './extended-generator.ts'
import type { Cte, FromItem, Item, Query, SetOperation } from './query.ts'
import { TYPES, type TypeName } from './type.ts'

/**
 * Random queries over the operators that are maintained differentially: scan, filter, project, inner joins of any
 * condition, self-joins, UNION [ALL], GROUP BY with its aggregates, FILTER, HAVING, DISTINCT, CTEs and subqueries.
 */
export interface Source {
  readonly sql: string
  readonly columns: readonly Column[]
  /** About how many rows it gives; keeps joins small. */
  readonly rows: number
}

export interface Wanted {
  /** Output types, when they are given: the other side of a UNION. */
  readonly types?: readonly TypeName[]
  /** Every output column has an equality. */
  readonly comparable: boolean
}

export interface Generated {
  readonly query: Query
  /** Names and types of the output. */
  readonly columns: readonly Column[]
  readonly rows: number
}

const ANY: Wanted = { comparable: false }
const MAX_JOIN_ROWS = 3_000

export class QueryGenerator {
  readonly #random: Random
  readonly #extended: boolean
  #aliases = 0
  #beyond = 0

  /** `extended`: with parts that need not be maintained differentially. */
  constructor(random: Random, extended = false) {
    this.#random = random
    this.#extended = extended
  }

  /** How many such parts were made so far. */
  get beyond(): number {
    return this.#beyond
  }

  query(sources: readonly Source[], depth: number, wanted: Wanted = ANY): Generated {
    const equality = !wanted.types?.some((type) => !TYPES[type].comparable)
    return this.#random.weighted<() => Generated>([
      [28, () => this.#plain(sources, depth, wanted)],
      [30, () => this.#grouped(sources, depth, wanted)],
      [equality ? 10 : 0, () => this.#distinct(sources, depth, wanted)],
      [depth > 0 ? 12 : 0, () => this.#union('union all', sources, depth, wanted)],
      [depth > 0 && equality ? 10 : 0, () => this.#union('union', sources, depth, wanted)],
      [depth > 0 ? 12 : 0, () => this.#withCtes(sources, depth, wanted)],
      [this.#extended && depth > 0 && equality ? 6 : 0, () => this.#setDifference(sources, depth, wanted)],
    ])()
  }

  /** An extended part, now and then: null otherwise, or where there is none that fits. */
  #extend<T>(probability: number, sources: readonly Source[], make: (extension: Extension) => T | null): T | null {
    if (!this.#extended || !this.#random.chance(probability)) return null
    const made = make({ random: this.#random, sources, alias: () => `r${++this.#aliases}` })
    if (made !== null) this.#beyond++
    return made
  }

  #setDifference(sources: readonly Source[], depth: number, wanted: Wanted): Generated {
    this.#beyond++
    return this.#union(
      this.#random.pick(['except', 'except all', 'intersect', 'intersect all']),
      sources,
      depth,
      wanted,
    )
  }

  #plain(sources: readonly Source[], depth: number, wanted: Wanted): Generated {
    const from = this.#from(sources, depth)
    const types = this.#outputTypes(from.scope, wanted)
    const items: Column[] = types.map((type) => ({ sql: expression(this.#random, from.scope, type, 2), type }))
    if (!wanted.types) {
      const window = this.#extend(0.12, sources, (extension) => windowValue(extension, from.scope))
      const value = this.#extend(0.12, sources, (extension) => subqueryValue(extension, from.scope))
      items.push(...[window, value].filter((item) => item !== null))
    }
    return this.#limited(sources, this.#select(from, items, { where: this.#where(sources, from.scope, depth) }))
  }

  #distinct(sources: readonly Source[], depth: number, wanted: Wanted): Generated {
    const { query, columns, rows } = this.#plain(sources, depth, { ...wanted, comparable: true })
    return { query: query.kind === 'select' ? { ...query, distinct: true } : query, columns, rows }
  }

  #grouped(sources: readonly Source[], depth: number, wanted: Wanted): Generated {
    const random = this.#random
    const from = this.#from(sources, depth)
    const keys: Column[] = []
    for (
      let left = random.weighted([
        [20, 0],
        [45, 1],
        [25, 2],
        [10, 3],
      ]);
      left > 0;
      left--
    ) {
      const type = someType(random, from.scope, true)
      const sql = expression(random, from.scope, type, random.chance(0.7) ? 0 : 2)
      // a constant as a key is an error, or an output position
      if (from.scope.some((column) => sql.includes(column.sql)) && !keys.some((key) => key.sql === sql))
        keys.push({ sql, type })
    }
    const aggregates = Array.from({ length: random.int(1, 3) }, () => {
      const column = aggregate(random, from.scope, wanted.comparable)
      const other = this.#extend(0.15, sources, (extension) => holisticAggregate(extension, from.scope, column.type))
      return other === null ? column : { ...column, sql: other }
    })
    const results: Scope = [...keys, ...aggregates]
    const items = wanted.types
      ? wanted.types.map((type) => this.#groupedItem(results, from.scope, type))
      : [...keys.filter(() => random.chance(0.9)), ...aggregates].map((column) =>
          random.chance(0.85) ? column : { sql: expression(random, results, column.type, 1), type: column.type },
        )
    const having = random.chance(0.2)
      ? [predicate(random, random.chance(0.5) ? results : [...results, aggregate(random, from.scope, true)], 1)]
      : []
    const made = this.#select(from, items, {
      where: this.#where(sources, from.scope, depth),
      groupBy:
        this.#extend(keys.length > 1 ? 0.05 : 0, sources, () => [
          `rollup (${keys.map((key) => key.sql).join(', ')})`,
        ]) ?? keys.map((key) => key.sql),
      having,
    })
    return this.#limited(sources, { ...made, rows: keys.length === 0 ? 1 : Math.min(made.rows, 6 ** keys.length) })
  }

  #groupedItem(results: Scope, inputs: Scope, type: TypeName): Column {
    if (results.some((column) => column.type === type)) return { sql: expression(this.#random, results, type, 1), type }
    return { sql: aggregateOf(this.#random, inputs, type) ?? expression(this.#random, results, type, 2), type }
  }

  #union(operator: SetOperation['operator'], sources: readonly Source[], depth: number, wanted: Wanted): Generated {
    const sides: Wanted = { ...wanted, comparable: wanted.comparable || operator !== 'union all' }
    const left = this.query(sources, depth - 1, sides)
    const types = left.columns.map((column) => column.type)
    const right = this.query(sources, depth - 1, { comparable: sides.comparable, types })
    return {
      query: { kind: 'set', operator, left: left.query, right: right.query },
      columns: left.columns,
      rows: left.rows + right.rows,
    }
  }

  #withCtes(sources: readonly Source[], depth: number, wanted: Wanted): Generated {
    const ctes: Cte[] = []
    const visible: Source[] = []
    for (let left = this.#random.int(1, 2); left > 0; left--) {
      const body = this.query([...visible, ...sources], depth - 1)
      const name = `cte${++this.#aliases}`
      ctes.push({ name, materialized: this.#random.chance(0.2), query: body.query })
      visible.push({ sql: name, columns: body.columns, rows: body.rows })
    }
    const body = this.#random.chance(0.5)
      ? this.#plain([...visible, ...visible, ...sources], depth - 1, wanted)
      : this.#grouped([...visible, ...visible, ...sources], depth - 1, wanted)
    return body.query.kind === 'select' ? { ...body, query: { ...body.query, with: ctes } } : body
  }

  #from(sources: readonly Source[], depth: number): { items: FromItem[]; scope: Column[]; rows: number } {
    const random = this.#random
    const items: FromItem[] = []
    const scope: Column[] = []
    let rows = 1
    const wanted = random.weighted([
      [50, 1],
      [36, 2],
      [14, 3],
    ])
    while (items.length < wanted) {
      const { source, columns, rows: more } = this.#relation(sources, depth)
      const alias = `r${++this.#aliases}`
      const own = columns.map((column) => ({ sql: `${alias}.${column.sql}`, type: column.type }))
      const on = items.length === 0 ? [] : this.#joinCondition(scope, own, rows * more)
      const joined = on.some((condition) => condition.includes(' = ')) ? (rows * more) / 4 : rows * more
      if (joined > MAX_JOIN_ROWS && items.length > 0) break
      const outer = items.length === 0 ? null : this.#extend(0.3, sources, (extension) => outerJoin(extension, on))
      items.push({ alias, source, join: 'inner', on, ...outer })
      scope.push(...own)
      rows = joined
    }
    const lateral = this.#extend(0.06, sources, (extension) => lateralItem(extension, scope))
    if (lateral !== null) {
      items.push(lateral.item)
      scope.push(...lateral.columns)
    }
    return { items, scope, rows }
  }

  #relation(
    sources: readonly Source[],
    depth: number,
  ): { source: string | Query; columns: readonly Column[]; rows: number } {
    if (depth > 0 && this.#random.chance(0.3)) {
      const { query, columns, rows } = this.query(sources, depth - 1)
      return { source: query, columns, rows }
    }
    const { sql, columns, rows } = this.#random.pick(sources)
    return { source: sql, columns, rows }
  }

  /** Mostly an equality, at times several conditions, any other condition, or none. */
  #joinCondition(left: Scope, right: Scope, product: number): string[] {
    const random = this.#random
    const conditions: string[] = []
    const pairs = left.flatMap((l) =>
      right
        .filter((r) => r.type === l.type && TYPES[r.type].comparable && r.type !== 'boolean')
        .map((r) => [l, r] as const),
    )
    const equalities =
      product > 400 || random.chance(0.75)
        ? random.weighted([
            [80, 1],
            [20, 2],
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
    if (random.chance(conditions.length > 0 ? 0.2 : 0.7)) conditions.push(predicate(random, [...left, ...right], 1))
    return conditions
  }

  #limited(sources: readonly Source[], made: Generated): Generated {
    const tail = this.#extend(0.08, sources, (extension) => limit(extension, made.columns))
    if (tail === null || made.query.kind !== 'select') return made
    return { ...made, query: { ...made.query, tail } }
  }

  #where(sources: readonly Source[], scope: Scope, depth: number): string[] {
    // conditions of every level multiply: too many leave nothing to maintain
    const count = this.#random.weighted([
      [55 + 25 * depth, 0],
      [34, 1],
      [4, 2],
    ])
    const plain = Array.from({ length: count }, () => predicate(this.#random, scope, 1))
    const asking = this.#extend(0.25, sources, (extension) => subqueryPredicate(extension, scope))
    return asking === null ? plain : [...plain, asking]
  }

  #outputTypes(scope: Scope, wanted: Wanted): readonly TypeName[] {
    if (wanted.types) return wanted.types
    return Array.from({ length: this.#random.int(1, 4) }, () => someType(this.#random, scope, wanted.comparable))
  }

  #select(
    from: { items: readonly FromItem[]; rows: number },
    outputs: readonly Column[],
    parts: { where: string[]; groupBy?: string[]; having?: string[] },
  ): Generated {
    const items: Item[] = outputs.map(({ sql }, i) => ({ sql, name: `c${i + 1}` }))
    // the same join, written with commas and WHERE
    const commas =
      from.items.length > 1 && from.items.every((item) => item.join === 'inner') && this.#random.chance(0.25)
    const where = commas ? [...from.items.flatMap((item) => item.on), ...parts.where] : parts.where
    return {
      query: {
        kind: 'select',
        with: [],
        distinct: false,
        items,
        from: commas ? from.items.map((item) => ({ ...item, join: 'comma' as const, on: [] })) : from.items,
        where,
        groupBy: parts.groupBy ?? [],
        having: parts.having ?? [],
        tail: [],
      },
      columns: outputs.map(({ type }, i) => ({ sql: `c${i + 1}`, type })),
      rows: from.rows,
    }
  }
}
