import {
  as,
  columnRef,
  columnsOf,
  isObject,
  list,
  rebuild,
  soleColumn,
  strings,
  text,
  type Ast,
  type JsonObject,
} from '../ast.ts'
import { arrayValue } from './array-subqueries.ts'
import { liftedSubplan } from './lifting.ts'
import { rowsCompared } from './row-comparison.ts'
import { scalarValue } from './scalar-subqueries.ts'
import { Unsupported } from '../unsupported.ts'
import { isAggregateCall } from './calls.ts'
import { conjuncts, refuseExpression } from './conditions.ts'
import type { Environment, QueryAnalyser, Source } from './level.ts'
import { PENDING_SUBQUERY, refuseAggregates } from './aggregation.ts'

import type { Column } from './column.ts'
import { filter, markJoin, semiJoin, type Plan } from './plan.ts'
import { resolve, type Scope } from './scope.ts'
import { hasWindow } from './windows.ts'

/**
 * Subqueries in expressions become joins.
 *
 *   where exists (S)            R ⋉ S          where not exists (S)      R ▷ S
 *   where x in (S)              R ⋉ S on x = y
 *   where x not in (S)          R ▷ S on (x = y) is not false          nulls included
 *   where x op all (S)          R ▷ S on (x op y) is not true
 *   anywhere else               the mark of a mark join; of IN two, to tell false from null
 *   scalar, one row for sure    R × S, or R ⟕ S on true
 *   scalar, an aggregate        R ⟕ γ_k(S) on k = the columns that the subquery compares with R's
 *   scalar, by a key            R ⟕ S on the comparison
 *
 * What a subquery's WHERE says of the columns around it is lifted into the join's condition.
 */
export function wherePlan(analyser: QueryAnalyser, clause: Ast, from: Source, environment: Environment): Plan {
  let { plan } = from
  const predicates: Ast[] = []
  for (const conjunct of conjuncts(clause)) {
    const source = { plan, scope: from.scope }
    const joined = asSemiJoin(analyser, conjunct, source, environment)
    if (joined !== undefined) {
      plan = joined
      continue
    }
    const result = withSubqueries(analyser, conjunct, source, environment)
    plan = result.plan
    predicates.push(result.expression)
  }
  return filter(plan, predicates)
}

/** Replaces the subqueries of an expression by columns of joins that are added to the plan. */
export function withSubqueries(
  analyser: QueryAnalyser,
  node: Ast,
  source: Source,
  environment: Environment,
): { readonly plan: Plan; readonly expression: Ast } {
  refuseAggregates(node, analyser.facts)
  return withJoins(analyser, node, source, environment)
}

function withJoins(
  analyser: QueryAnalyser,
  node: Ast,
  source: Source,
  environment: Environment,
): { readonly plan: Plan; readonly expression: Ast } {
  refuseExpression(node)
  let { plan } = source
  const replaced = rebuild(rowsCompared(node), (type, body) => {
    if (type !== 'SubLink') return undefined
    const result = subqueryValue(analyser, body, { plan, scope: source.scope }, environment)
    plan = result.plan
    return { [RESOLVED]: { expression: result.expression } }
  })
  const expression = resolveAround(replaced, source.scope)
  return { plan, expression }
}

/** Marks what is already in the plan's names, so that resolving the expression around it leaves it alone. */
const RESOLVED = 'FreshetResolved'

function resolveAround(expression: Ast, scope: Scope): Ast {
  return rebuild(expression, (type, body, node) => {
    if (type === RESOLVED) return isObject(body['expression']) ? body['expression'] : undefined
    if (type === PENDING_SUBQUERY) return node
    return type === 'ColumnRef' ? resolve({ ColumnRef: body }, scope) : undefined
  })
}

/**
 * An expression of a grouped query. Subqueries inside aggregate calls belong below the grouping; all others see groups,
 * and wait until these exist.
 */
export function beforeGrouping(
  analyser: QueryAnalyser,
  node: Ast,
  source: Source,
  environment: Environment,
): { readonly plan: Plan; readonly expression: Ast } {
  refuseExpression(node)
  let { plan } = source
  const replaced = rebuild(rowsCompared(node), (type, body, whole) => {
    if (type === 'FuncCall' && isAggregateCall(body, analyser.facts)) {
      const result = withJoins(analyser, whole, { plan, scope: source.scope }, environment)
      plan = result.plan
      return { [RESOLVED]: { expression: result.expression } }
    }
    if (type !== 'SubLink') return undefined
    // what is compared with the subquery's rows is an expression of the groups like any other
    const { testexpr, ...link } = body
    if (!isObject(testexpr)) return { [PENDING_SUBQUERY]: { link } }
    refuseWindow(testexpr)
    const tested = beforeGrouping(analyser, testexpr, { plan, scope: source.scope }, environment)
    plan = tested.plan
    return { [PENDING_SUBQUERY]: { link, tested: tested.expression } }
  })
  return { plan, expression: resolveAround(replaced, source.scope) }
}

export function afterGrouping(
  analyser: QueryAnalyser,
  expression: Ast,
  source: Source,
  environment: Environment,
): { readonly plan: Plan; readonly expression: Ast } {
  let { plan } = source
  const settled = rebuild(expression, (type, body) => {
    if (type !== PENDING_SUBQUERY) return undefined
    const link = isObject(body['link']) ? body['link'] : {}
    const tested = body['tested']
    const around = isObject(tested) ? afterGrouping(analyser, tested, { plan, scope: source.scope }, environment) : null
    const whole = around === null ? link : { ...link, testexpr: { [RESOLVED]: { expression: around.expression } } }
    const result = subqueryValue(analyser, whole, { plan: around?.plan ?? plan, scope: source.scope }, environment)
    plan = result.plan
    return result.expression
  })
  return { plan, expression: settled }
}

/** The link with the expression that it compares in the plan's names. */
function withTest(
  analyser: QueryAnalyser,
  link: JsonObject,
  source: Source,
  environment: Environment,
): { readonly plan: Plan; readonly link: JsonObject } {
  const tested = isObject(link['testexpr']) ? link['testexpr'] : {}
  if (as(RESOLVED, tested) !== undefined) return { plan: source.plan, link }
  refuseWindow(tested)
  const { plan, expression } = withSubqueries(analyser, tested, source, environment)
  return { plan, link: { ...link, testexpr: { [RESOLVED]: { expression } } } }
}

/** Subqueries become joins below the windows of their query, which can not be compared with rows there. */
function refuseWindow(tested: Ast): void {
  if (hasWindow(tested)) throw new Unsupported('WINDOW_FUNCTION', 'compared with the rows of a subquery')
}

function asSemiJoin(
  analyser: QueryAnalyser,
  conjunct: Ast,
  source: Source,
  environment: Environment,
): Plan | undefined {
  const negated = as('BoolExpr', conjunct)
  const inner = negated?.['boolop'] === 'NOT_EXPR' ? list(negated['args'])[0] : conjunct
  const link = as('SubLink', inner)
  if (link === undefined) return undefined
  const not = inner !== conjunct
  switch (link['subLinkType']) {
    case 'EXISTS_SUBLINK': {
      const { plan, lifted } = liftedSubplan(analyser, link, source, environment, true)
      return semiJoin(source.plan, plan, lifted, not ? 'anti' : 'semi')
    }
    case 'ANY_SUBLINK': {
      const tested = withTest(analyser, link, source, environment)
      const { plan, lifted, comparison } = comparedSubplan(
        analyser,
        tested.link,
        { ...source, plan: tested.plan },
        environment,
      )
      const condition =
        not && !neverNull(comparison, [...tested.plan.columns, ...plan.columns])
          ? test(comparison, 'IS_NOT_FALSE')
          : comparison
      return semiJoin(tested.plan, plan, [...lifted, condition], not ? 'anti' : 'semi')
    }
    case 'ALL_SUBLINK': {
      const tested = withTest(analyser, link, source, environment)
      const { plan, lifted, comparison } = comparedSubplan(
        analyser,
        tested.link,
        { ...source, plan: tested.plan },
        environment,
      )
      return not
        ? semiJoin(tested.plan, plan, [...lifted, test(comparison, 'IS_FALSE')], 'semi')
        : semiJoin(tested.plan, plan, [...lifted, test(comparison, 'IS_NOT_TRUE')], 'anti')
    }
    default:
      return undefined
  }
}

function subqueryValue(
  analyser: QueryAnalyser,
  link: JsonObject,
  source: Source,
  environment: Environment,
): { plan: Plan; expression: Ast } {
  const mark = (plan: Plan, right: Plan, conditions: readonly Ast[]) => {
    const name = analyser.names.fresh('mark')
    return { plan: markJoin(plan, right, conditions, name), expression: columnRef(name) }
  }
  switch (link['subLinkType']) {
    case 'EXISTS_SUBLINK': {
      const { plan, lifted } = liftedSubplan(analyser, link, source, environment, true)
      return mark(source.plan, plan, lifted)
    }
    case 'ANY_SUBLINK':
    case 'ALL_SUBLINK': {
      // x op any: true if a comparison is true, else null if one is null, else false; x op all is its mirror image.
      const any = link['subLinkType'] === 'ANY_SUBLINK'
      const tested = withTest(analyser, link, source, environment)
      const {
        plan: rows,
        lifted,
        comparison,
      } = comparedSubplan(analyser, tested.link, { ...source, plan: tested.plan }, environment)
      const decided = mark(tested.plan, rows, [...lifted, test(comparison, any ? 'IS_TRUE' : 'IS_FALSE')])
      const undecided = mark(decided.plan, rows, [...lifted, test(comparison, 'IS_UNKNOWN')])
      const expression = cases(
        [
          [decided.expression, boolean(any)],
          [undecided.expression, NULL],
        ],
        boolean(!any),
      )
      return { plan: undecided.plan, expression }
    }
    case 'EXPR_SUBLINK':
      return scalarValue(analyser, link, source, environment)
    case 'ARRAY_SUBLINK':
      return arrayValue(analyser, link, source, environment)
    default:
      throw new Unsupported('SUBQUERY_EXPRESSION', `a subquery of the kind ${text(link['subLinkType'])}`)
  }
}

function comparedSubplan(analyser: QueryAnalyser, link: JsonObject, source: Source, environment: Environment) {
  const level = liftedSubplan(analyser, link, source, environment, false)
  const settled = as(RESOLVED, link['testexpr'])?.['expression']
  const tested = isObject(settled) ? settled : {}
  const row = as('RowExpr', tested)
  const left = row === undefined ? [tested] : list(row['args'])
  const operator = strings(link['operName'])
  const name = (operator.length === 0 ? ['='] : operator).map((part): Ast => ({ String: { sval: part } }))
  if (left.length !== level.outputs.length) throw new Unsupported('SUBQUERY_EXPRESSION', 'a row comparison')
  const right = level.outputs.map((output) => output.expression)
  if (left.length > 1 && operator.length > 0 && operator.at(-1) !== '=') {
    // rows are ordered by their first columns that differ: PostgreSQL compares them as it does any rows
    const rows = [left, right].map((args): Ast => ({ RowExpr: { args, row_format: 'COERCE_EXPLICIT_CALL' } }))
    const comparison: Ast = {
      A_Expr: { kind: 'AEXPR_OP', name, lexpr: rows[0] ?? NULL, rexpr: rows[1] ?? NULL },
    }
    return { plan: level.plan, lifted: level.lifted, comparison }
  }
  const comparisons = left.map((value, i): Ast => ({
    A_Expr: { kind: 'AEXPR_OP', name, lexpr: value, rexpr: level.outputs[i]?.expression ?? NULL },
  }))
  const [only] = comparisons
  const comparison: Ast =
    comparisons.length === 1 && only !== undefined ? only : { BoolExpr: { boolop: 'AND_EXPR', args: comparisons } }
  return { plan: level.plan, lifted: level.lifted, comparison }
}

function neverNull(comparison: Ast, columns: readonly Column[]): boolean {
  const names = columnsOf(comparison)
  const body = as('A_Expr', comparison)
  const plain = [body?.['lexpr'], body?.['rexpr']].every((side) => isObject(side) && soleColumn(side) !== undefined)
  return plain && [...names].every((name) => columns.some((column) => column.name === name && column.notNull))
}

function test(argument: Ast, kind: 'IS_TRUE' | 'IS_NOT_TRUE' | 'IS_FALSE' | 'IS_NOT_FALSE' | 'IS_UNKNOWN'): Ast {
  return { BooleanTest: { arg: argument, booltesttype: kind } }
}

const NULL: Ast = { A_Const: { isnull: true } }

function boolean(value: boolean): Ast {
  return { A_Const: { boolval: value ? { boolval: true } : {} } }
}

function cases(branches: readonly (readonly [Ast, Ast])[], otherwise: Ast): Ast {
  return {
    CaseExpr: { args: branches.map(([expr, result]): Ast => ({ CaseWhen: { expr, result } })), defresult: otherwise },
  }
}
