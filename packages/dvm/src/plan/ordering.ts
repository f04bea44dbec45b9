import { as, isObject, list, strings, type Ast, type JsonObject } from '../ast.ts'
import { Unsupported } from '../unsupported.ts'
import type { Level, QueryAnalyser } from './level.ts'
import type { Transform } from './plan.ts'
import { EMPTY_SCOPE, type Scope } from './scope.ts'

/** ORDER BY, LIMIT and OFFSET: what is sorted by, and the one partition that a limit makes of its input. */

/** ORDER BY 2 means the second target. */
export function sortTarget(node: Ast, select: JsonObject): Ast {
  const ordinal = as('A_Const', node)?.['ival']
  const position = isObject(ordinal) ? ordinal['ival'] : undefined
  const target =
    typeof position === 'number' ? as('ResTarget', list(select['targetList'])[position - 1])?.['val'] : undefined
  return isObject(target) ? target : node
}

/** The count may name the query around, of whose rows each has its own. */
export function limited(
  analyser: QueryAnalyser,
  select: JsonObject,
  level: Level,
  order: readonly Ast[],
  outer: Scope | null,
): Level {
  const constant = (node: unknown): Ast | null => {
    if (node === undefined || node === null) return null
    const expression = analyser.expression(node as Ast, { ...EMPTY_SCOPE, outer })
    return as('A_Const', expression)?.['isnull'] === true ? null : expression
  }
  const { plan, outputs } = level
  const transform: Transform = {
    kind: 'limit',
    order,
    limit: constant(select['limitCount']),
    offset: constant(select['limitOffset']),
    withTies: select['limitOption'] === 'LIMIT_OPTION_WITH_TIES',
  }
  return { plan: { kind: 'partitioned', input: plan, keys: [], transform, columns: plan.columns }, outputs }
}

/** ORDER BY of a set operation names output columns, by name or position. */
export function orderOfColumns(select: JsonObject, level: Level): Ast[] {
  return list(select['sortClause']).map((sort): Ast => {
    const node = sortKey(sort)
    const ordinal = as('A_Const', node)?.['ival']
    const position = isObject(ordinal) && typeof ordinal['ival'] === 'number' ? ordinal['ival'] : undefined
    const name = strings(as('ColumnRef', node)?.['fields'])[0]
    const output =
      position === undefined ? level.outputs.find((candidate) => candidate.name === name) : level.outputs[position - 1]
    if (output === undefined) throw new Unsupported('LIMIT', 'an ORDER BY over a set operation')
    return { SortBy: { ...as('SortBy', sort), node: output.expression } }
  })
}

export function limits(select: JsonObject): boolean {
  return select['limitCount'] !== undefined || select['limitOffset'] !== undefined
}

export function sortKey(sort: Ast): Ast {
  const node = as('SortBy', sort)?.['node']
  return isObject(node) ? node : {}
}
