import { as, columnsOf, isObject, list, type Ast, type JsonObject } from '../ast.ts'
import { Unsupported } from '../unsupported.ts'
import { isAggregation } from './aggregation.ts'
import { makesSets } from './calls.ts'
import { boundTo, dependsOn } from './dependent-join.ts'
import type { Environment, Level, QueryAnalyser, Source } from './level.ts'
import { filter, type Plan } from './plan.ts'
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
  source: Source,
  around: Environment,
  existence: boolean,
): Lifted {
  const { scope } = source
  const select = as('SelectStmt', link['subselect'])
  if (select === undefined) throw new Unsupported('SUBQUERY_EXPRESSION', 'a subquery')
  const body = existence ? withoutIrrelevantLimit(select) : select
  if (!isPlain(body, analyser)) {
    return bound(analyser, source, { ...analyser.named(analyser.select(body, around, scope)), lifted: [] })
  }
  const environment = analyser.commonTables(body, around, scope)
  const from = analyser.from(list(body['fromClause']), environment, scope)
  const { plan, lifted } = lift(analyser.where(body, from, environment))
  if (existence) return bound(analyser, source, { plan, outputs: [], lifted })
  const level = analyser.output(body, { plan, scope: from.scope }, environment)
  return bound(analyser, source, { plan: level.plan, outputs: level.outputs, lifted })
}

/** What could not be lifted: the plan is computed for all rows around it at once, and matched to them. */
function bound(analyser: QueryAnalyser, source: Source, level: Lifted): Lifted {
  if (!dependsOn(level.plan, source.plan)) return level
  const { plan, conditions } = boundTo(analyser, source.plan, level.plan)
  return { ...level, plan, lifted: [...conditions, ...level.lifted] }
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
    // nor are the columns that it compares there any more beside a set
    !makesSets(select, analyser.facts) &&
    !isAggregation(select, analyser.facts)
  )
}

/** Where one row is all there is, or all that is asked for, a constant LIMIT of one or more does not change the answer. */
export function withoutIrrelevantLimit(select: JsonObject): JsonObject {
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
