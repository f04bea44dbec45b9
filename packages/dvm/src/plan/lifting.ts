import { as, columnsOf, isObject, list, type Ast, type JsonObject } from '../ast.ts'
import { Unsupported } from '../unsupported.ts'
import { isAggregation } from './aggregation.ts'
import { requireClosed } from './free-columns.ts'
import type { Environment, Level, QueryAnalyser } from './level.ts'
import { filter, type Plan } from './plan.ts'
import type { Scope } from './scope.ts'
import { hasWindow } from './windows.ts'

/**
 * A subquery as a plan of its own. What its WHERE says of the query around it is lifted out, into the condition of the
 * join that the subquery becomes.
 */
export interface Lifted extends Level {
  /** Conditions of the subquery's WHERE that name the query around it. */
  readonly lifted: readonly Ast[]
}

/** The subquery as a plan of its own, and what it says of the query around it as conditions. */
export function liftedSubplan(
  analyser: QueryAnalyser,
  link: JsonObject,
  scope: Scope,
  around: Environment,
  existence: boolean,
): Lifted {
  const select = as('SelectStmt', link['subselect'])
  if (select === undefined) throw new Unsupported('SUBQUERY_EXPRESSION', 'a subquery')
  const body = existence ? withoutIrrelevantLimit(select) : select
  if (!isPlain(body, analyser)) {
    const level = analyser.named(analyser.select(body, around, scope))
    requireClosed(level.plan)
    return { ...level, lifted: [] }
  }
  const environment = analyser.commonTables(body, around)
  const from = analyser.from(list(body['fromClause']), environment, scope)
  const { plan, lifted } = lift(analyser.where(body, from, environment))
  requireClosed(plan)
  if (existence) return { plan, outputs: [], lifted }
  const level = analyser.output(body, { plan, scope: from.scope }, environment)
  return { plan: level.plan, outputs: level.outputs, lifted }
}

/** One SELECT over FROM and WHERE: what it says of the columns around it can be lifted out of it. */
function isPlain(select: JsonObject, analyser: QueryAnalyser): boolean {
  return (
    !isObject(select['larg']) &&
    list(select['valuesLists']).length === 0 &&
    select['distinctClause'] === undefined &&
    select['limitCount'] === undefined &&
    select['limitOffset'] === undefined &&
    // a window sees the rows that WHERE leaves: lifting a condition out of it would show it more
    !list(select['targetList']).some(hasWindow) &&
    !isAggregation(select, analyser.facts)
  )
}

/** EXISTS asks for a row; ORDER BY and a constant LIMIT of one or more do not change the answer. */
function withoutIrrelevantLimit(select: JsonObject): JsonObject {
  const limit = as('A_Const', select['limitCount'])?.['ival']
  const count = isObject(limit) ? limit['ival'] : undefined
  if (typeof count !== 'number' || count < 1 || select['limitOffset'] !== undefined) return select
  const { limitCount: _, limitOption: __, ...rest } = select
  return rest
}

export function lift(plan: Plan): { plan: Plan; lifted: readonly Ast[] } {
  if (plan.kind !== 'filter') return { plan, lifted: [] }
  const own = new Set(plan.input.columns.map((column) => column.name))
  const local = plan.predicates.filter((predicate) => [...columnsOf(predicate)].every((name) => own.has(name)))
  return { plan: filter(plan.input, local), lifted: plan.predicates.filter((predicate) => !local.includes(predicate)) }
}
