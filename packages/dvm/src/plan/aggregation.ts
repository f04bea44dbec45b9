import {
  as,
  columnRef,
  columnsOf,
  fingerprint,
  isObject,
  list,
  rebuild,
  soleColumn,
  text,
  walkLevel,
  type Ast,
  type Json,
  type JsonObject,
} from '../ast.ts'
import type { QueryFacts } from '../facts.ts'
import { Unsupported } from '../unsupported.ts'
import { functionName, isAggregateCall } from './calls.ts'
import type { Names } from './names.ts'
import { sortKey } from './ordering.ts'
import { notNull } from './nullability.ts'
import type { Column } from './column.ts'
import { project, type Aggregate, type AggregateCall, type Item, type Plan } from './plan.ts'

/**
 * GROUP BY, aggregate calls and HAVING. The input is projected to the group keys and to the calls' arguments, so that
 * an aggregate reads columns only; targets and HAVING then read its columns.
 */
export function aggregated(query: {
  readonly input: Plan
  readonly grouping: readonly Ast[]
  readonly targets: readonly Item[]
  readonly having: readonly Ast[]
  readonly facts: QueryFacts
  readonly names: Names
}): { readonly plan: Aggregate; readonly targets: readonly Item[]; readonly having: readonly Ast[] } {
  const builder = new AggregateBuilder(query.input, query.facts, query.names)
  for (const expression of query.grouping) builder.key(expression)
  const targets = query.targets.map((target) => ({ name: target.name, expression: builder.rewrite(target.expression) }))
  const having = query.having.map((predicate) => builder.rewrite(predicate))
  return { plan: builder.build(), targets, having }
}

/** The aggregate of a correlated subquery: grouped by what it compares, its value as seen by a row without a group. */
export function groupedBy(query: {
  readonly input: Plan
  readonly grouping: readonly Ast[]
  readonly value: Ast
  readonly facts: QueryFacts
  readonly names: Names
}): { readonly plan: Aggregate; readonly keys: readonly string[]; readonly value: Ast } {
  const builder = new AggregateBuilder(query.input, query.facts, query.names)
  const keys = query.grouping.map((expression) => builder.key(expression))
  const value = builder.rewrite(query.value)
  const plan = builder.build()
  return { plan, keys, value: withoutGroup(value, plan.calls) }
}

/** An expression over aggregate calls, as a row without a group sees it. */
export function withoutGroup(expression: Ast, calls: readonly AggregateCall[]): Ast {
  const seen = new Map(calls.map((call) => [call.name, seenOfNothing(call)]))
  return rebuild(expression, (type, _body, node) =>
    type === 'ColumnRef' ? seen.get(soleColumn(node) ?? '') : undefined,
  )
}

/** What a row without a group sees of a call: 0 of count, null of most. */
export function seenOfNothing(call: AggregateCall): Ast {
  const name = functionName(as('FuncCall', call.call) ?? {})
  if (name.includes('.'))
    throw new Unsupported('CORRELATED', 'a correlated aggregate of a user, whose value over no rows is not known')
  const empty = OF_NOTHING[name]
  const column = columnRef(call.name)
  if (empty === undefined) return column
  return { CoalesceExpr: { args: [column, { A_Const: { ival: empty === 0 ? {} : { ival: empty } } }] } }
}

/** What aggregates of PostgreSQL give for no rows; all others give null. */
const OF_NOTHING: Readonly<Record<string, number>> = {
  count: 0,
  regr_count: 0,
  rank: 1,
  dense_rank: 1,
  percent_rank: 0,
  cume_dist: 1,
}

/** A subquery that waits until the groups exist. */
export const PENDING_SUBQUERY = 'FreshetPendingSubquery'

/** A pending subquery whose comparison is rewritten: what is inside has names, groups and windows of its own. */
export function comparing(pending: JsonObject, rewrite: (tested: Ast) => Ast): Ast {
  const tested = pending['tested']
  return { [PENDING_SUBQUERY]: isObject(tested) ? { ...pending, tested: rewrite(tested) } : pending }
}

export function isAggregation(select: JsonObject, facts: QueryFacts): boolean {
  if (list(select['groupClause']).length > 0 || select['havingClause'] !== undefined) return true
  // ORDER BY count(*) makes one row of all, as a target does
  return aggregates(select['targetList'], facts) || aggregates(select['sortClause'], facts)
}

/** Whether an expression calls an aggregate, be it of its own query or of one around it. */
export function aggregates(expression: Json | undefined, facts: QueryFacts): boolean {
  let found = false
  walkLevel(expression, (type, body) => {
    if (type === 'FuncCall' && isAggregateCall(body, facts)) found = true
  })
  return found
}

/** Where a query may not aggregate, as in WHERE and ON, what aggregates is the query around. */
export function refuseAggregates(expression: Ast, facts: QueryFacts): void {
  walkLevel(expression, (type) => {
    if (type === 'GroupingFunc') throw aggregateOfAround()
  })
  if (aggregates(expression, facts)) throw aggregateOfAround()
}

export function aggregateOfAround(): Unsupported {
  return new Unsupported('CORRELATED', 'an aggregate of the query around, inside a subquery')
}

class AggregateBuilder {
  private readonly input: Plan
  private readonly facts: QueryFacts
  private readonly names: Names
  private readonly items = new Map<string, Item & { readonly notNull: boolean }>()
  private readonly keys = new Map<string, string>()
  private readonly calls = new Map<string, AggregateCall>()

  constructor(input: Plan, facts: QueryFacts, names: Names) {
    this.input = input
    this.facts = facts
    this.names = names
  }

  key(expression: Ast): string {
    const print = fingerprint(expression)
    const known = this.keys.get(print)
    if (known !== undefined) return known
    const name = this.item(expression, 'key')
    this.keys.set(print, name)
    return name
  }

  /** Replaces group expressions and aggregate calls by the aggregate's columns. */
  rewrite(expression: Ast): Ast {
    return rebuild(expression, (type, body, node) => {
      const key = this.keys.get(fingerprint(node))
      if (key !== undefined) return columnRef(key)
      if (type === PENDING_SUBQUERY) return comparing(body, (tested) => this.rewrite(tested))
      // what asks for a set of this query has its answer already
      if (type === 'GroupingFunc') throw aggregateOfAround()
      if (type === 'FuncCall' && isAggregateCall(body, this.facts)) return columnRef(this.call(body, node))
      // Not grouped by, yet allowed by PostgreSQL: it depends on a grouped primary key, and so does not split a group.
      // A column that the input does not have belongs to the query around.
      const own = this.input.columns.some((column) => column.name === soleColumn(node))
      return type === 'ColumnRef' ? (own ? columnRef(this.key(node)) : node) : undefined
    })
  }

  build(): Aggregate {
    const input = project(this.input, [...this.items.values()])
    const keys = [...new Set(this.keys.values())]
    const calls = [...this.calls.values()]
    const columns: Column[] = [
      ...keys.map((name) => ({
        name,
        notNull: input.columns.some((column) => column.name === name && column.notNull),
      })),
      ...calls.map((call) => ({ name: call.name, notNull: call.method === 'count' })),
    ]
    return { kind: 'aggregate', input, keys, calls, label: 'aggregate', columns }
  }

  private areOuter(values: readonly Ast[]): boolean {
    const named = values.flatMap((value) => [...columnsOf(value)])
    return named.length > 0 && !named.some((name) => this.input.columns.some((column) => column.name === name))
  }

  private item(expression: Ast, wish: string): string {
    const print = fingerprint(expression)
    const known = this.items.get(print)
    if (known !== undefined) return known.name
    const name = soleColumn(expression) ?? this.names.fresh(wish)
    this.items.set(print, { name, expression, notNull: notNull(expression, this.input.columns) })
    return name
  }

  private call(body: JsonObject, node: Ast): string {
    const print = fingerprint(node)
    const known = this.calls.get(print)
    if (known !== undefined) return known.name
    const method = methodOf(body)
    const withinGroup = body['agg_within_group'] === true
    const argument = (value: Ast): Ast => {
      if (columnsOf(value).size > 0 && withinGroup)
        throw new Unsupported('OTHER', 'a direct argument of an ordered-set aggregate that is not constant')
      return withinGroup || (method === 'recompute' && columnsOf(value).size === 0)
        ? value
        : columnRef(this.item(value, 'argument'))
    }
    const args = list(body['args']).map((value) => argument(value))
    const order = list(body['agg_order']).map((sort): Ast => {
      const by = as('SortBy', sort) ?? {}
      if (!isObject(by['node'])) return sort
      // a constant stays one, as it does among the arguments: DISTINCT wants the two to be the same
      return {
        SortBy: {
          ...by,
          node: columnsOf(by['node']).size === 0 ? by['node'] : columnRef(this.item(by['node'], 'sort')),
        },
      }
    })
    // SQL gives an aggregate of nothing but outer columns to the query around
    const sorts = list(body['agg_order']).map((sort) => sortKey(sort))
    if (this.areOuter([...list(body['args']), ...sorts, ...(isObject(body['agg_filter']) ? [body['agg_filter']] : [])]))
      throw aggregateOfAround()
    const filterColumn = isObject(body['agg_filter']) ? this.item(body['agg_filter'], 'filter') : null
    const rewritten: Ast = {
      FuncCall: {
        ...body,
        ...(args.length > 0 ? { args } : {}),
        ...(order.length > 0 ? { agg_order: order } : {}),
        ...(filterColumn === null ? {} : { agg_filter: columnRef(filterColumn) }),
      },
    }
    const [first] = args
    const call: AggregateCall = {
      name: this.names.fresh(functionName(body).split('.').at(-1) ?? 'aggregate'),
      method,
      call: rewritten,
      argument: first === undefined ? null : (soleColumn(first) ?? null),
      filter: filterColumn,
    }
    this.calls.set(print, call)
    return call.name
  }
}

const METHODS: Readonly<Record<string, AggregateCall['method']>> = {
  count: 'count',
  sum: 'sum',
  avg: 'avg',
  min: 'min',
  max: 'max',
  bool_and: 'bool_and',
  every: 'bool_and',
  bool_or: 'bool_or',
}

function methodOf(call: JsonObject): AggregateCall['method'] {
  const plain = call['agg_distinct'] !== true && call['agg_order'] === undefined && call['agg_within_group'] !== true
  const arity = list(call['args']).length
  if (!plain || arity > 1 || (arity === 0 && call['agg_star'] !== true) || text(call['func_variadic']) !== '')
    return 'recompute'
  return METHODS[functionName(call)] ?? 'recompute'
}
