import { as, fingerprint, list, nodeType, rebuild, text, type Ast, type JsonObject } from '../ast.ts'
import type { QueryFacts } from '../facts.ts'
import { Unsupported } from '../unsupported.ts'
import { aggregateOfAround, comparing, PENDING_SUBQUERY } from './aggregation.ts'
import { isAggregateCall } from './calls.ts'

/**
 * GROUPING SETS, CUBE and ROLLUP as the list of the sets they stand for; several items of one GROUP BY multiply.
 *
 *   rollup(a, b) = (a, b), (a), ()      cube(a, b) = (a, b), (a), (b), ()
 */
const MOST_SETS = 64

export function groupingSets(select: JsonObject, resolve: (node: Ast) => Ast): readonly (readonly Ast[])[] {
  const all = list(select['groupClause'])
    .map((item) => setsOf(item, resolve))
    .reduce((left, right) => left.flatMap((l) => right.map((r) => [...l, ...r])), [[]] as Ast[][])
  const sets = select['groupDistinct'] === true ? [...new Map(all.map((set) => [printOf(set), set])).values()] : all
  if (sets.length > MOST_SETS) throw new Unsupported('GROUPING_SETS', `${sets.length} grouping sets`)
  return sets
}

/** GROUP BY DISTINCT takes sets of the same members as one, in whatever order these stand, and how often. */
function printOf(set: readonly Ast[]): string {
  return [...new Set(set.map(fingerprint))].toSorted().join(' ')
}

function setsOf(item: Ast, resolve: (node: Ast) => Ast): Ast[][] {
  const body = as('GroupingSet', item)
  if (body === undefined) return [members(item).map(resolve)]
  const content = list(body['content'])
  switch (body['kind']) {
    case 'GROUPING_SET_EMPTY':
      return [[]]
    case 'GROUPING_SET_SETS':
      return content.flatMap((inner) => setsOf(inner, resolve))
    case 'GROUPING_SET_ROLLUP': {
      const parts = content.map((inner) => members(inner).map(resolve))
      return Array.from({ length: parts.length + 1 }, (_, i) => parts.slice(0, parts.length - i).flat())
    }
    case 'GROUPING_SET_CUBE': {
      const parts = content.map((inner) => members(inner).map(resolve))
      return Array.from({ length: 2 ** parts.length }, (_, mask) =>
        parts.filter((_part, i) => (mask & (1 << i)) === 0).flat(),
      )
    }
    default:
      throw new Unsupported('GROUPING_SETS', text(body['kind']))
  }
}

/** `(a, b)` inside a grouping set is a row of two. */
function members(node: Ast): readonly Ast[] {
  const row = as('RowExpr', node)
  return row === undefined ? [node] : list(row['args'])
}

export function hasGroupingSets(items: readonly Ast[]): boolean {
  return items.some((item) => nodeType(item) === 'GroupingSet')
}

/** `grouping(a, b)` in one set of all: a bit for each argument that the set leaves out. */
export function withGroupingValue(expression: Ast, set: readonly Ast[], all: ReadonlyMap<string, Ast>): Ast {
  const present = new Set(set.map(fingerprint))
  return rebuild(expression, (type, body) => {
    if (type === PENDING_SUBQUERY) return comparing(body, (tested) => withGroupingValue(tested, set, all))
    if (type !== 'GroupingFunc') return undefined
    if (list(body['args']).some((argument) => !all.has(fingerprint(argument)))) throw aggregateOfAround()
    const value = list(body['args']).reduce(
      (bits, argument) => bits * 2 + (present.has(fingerprint(argument)) ? 0 : 1),
      0,
    )
    return { A_Const: { ival: value === 0 ? {} : { ival: value } } }
  })
}

/**
 * Replaces group expressions that a set leaves out by the columns that stand for their nulls. What the set groups by
 * stays whole, even if it contains one that is left out; inside an aggregate call a column is the row's own.
 */
export function withNulls(
  expression: Ast,
  set: readonly Ast[],
  nulls: ReadonlyMap<string, Ast>,
  facts: QueryFacts,
): Ast {
  const present = new Set(set.map(fingerprint))
  return rebuild(expression, (type, body, node) => {
    const print = fingerprint(node)
    if (present.has(print)) return node
    const column = nulls.get(print)
    if (column !== undefined) return column
    if (type === PENDING_SUBQUERY) return comparing(body, (tested) => withNulls(tested, set, nulls, facts))
    return type === 'FuncCall' && isAggregateCall(body, facts) ? node : undefined
  })
}
