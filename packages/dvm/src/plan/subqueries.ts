import { as, columnRef, columnsOf, isObject, list, rebuild, soleColumn, strings, text, type Ast, type JsonObject } from '../ast.ts'
import { Unsupported } from '../unsupported.ts'
import { isAggregateCall } from './calls.ts'
import { conjuncts, refuseExpression } from './conditions.ts'
import { requireClosed } from './free-columns.ts'
import type { Environment, Level, QueryAnalyser, Source } from './level.ts'
import { groupedBy, isAggregation, PENDING_SUBQUERY } from './aggregation.ts'
import { equated, keysOf } from './keys.ts'
import { filter, join, markJoin, project, semiJoin, type Column, type Plan } from './plan.ts'
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
export function withSubqueries(analyser: QueryAnalyser, node: Ast, source: Source, environment: Environment): { readonly plan: Plan; readonly expression: Ast } {
  refuseExpression(node)
  let { plan } = source
  const replaced = rebuild(node, (type, body) => {
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
export function beforeGrouping(analyser: QueryAnalyser, node: Ast, source: Source, environment: Environment): { readonly plan: Plan; readonly expression: Ast } {
  refuseExpression(node)
  let { plan } = source
  const replaced = rebuild(node, (type, body, whole) => {
    if (type === 'FuncCall' && isAggregateCall(body, analyser.facts)) {
      const result = withSubqueries(analyser, whole, { plan, scope: source.scope }, environment)
      plan = result.plan
      return { [RESOLVED]: { expression: result.expression } }
    }
    if (type !== 'SubLink') return undefined
    // what is compared with the subquery's rows is an expression of the groups like any other
    const { testexpr, ...link } = body
    if (!isObject(testexpr)) return { [PENDING_SUBQUERY]: { link } }
    const tested = beforeGrouping(analyser, testexpr, { plan, scope: source.scope }, environment)
    plan = tested.plan
    return { [PENDING_SUBQUERY]: { link, tested: tested.expression } }
  })
  return { plan, expression: resolveAround(replaced, source.scope) }
}

export function afterGrouping(analyser: QueryAnalyser, expression: Ast, source: Source, environment: Environment): { readonly plan: Plan; readonly expression: Ast } {
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
function withTest(analyser: QueryAnalyser, link: JsonObject, source: Source, environment: Environment): { readonly plan: Plan; readonly link: JsonObject } {
  const tested = isObject(link['testexpr']) ? link['testexpr'] : {}
  if (as(RESOLVED, tested) !== undefined) return { plan: source.plan, link }
  const { plan, expression } = withSubqueries(analyser, tested, source, environment)
  return { plan, link: { ...link, testexpr: { [RESOLVED]: { expression } } } }
}

function asSemiJoin(analyser: QueryAnalyser, conjunct: Ast, source: Source, environment: Environment): Plan | undefined {
  const negated = as('BoolExpr', conjunct)
  const inner = negated?.['boolop'] === 'NOT_EXPR' ? list(negated['args'])[0] : conjunct
  const link = as('SubLink', inner)
  if (link === undefined) return undefined
  const not = inner !== conjunct
  switch (link['subLinkType']) {
    case 'EXISTS_SUBLINK': {
      const { plan, lifted } = liftedSubplan(analyser, link, source.scope, environment, true)
      return semiJoin(source.plan, plan, lifted, not ? 'anti' : 'semi')
    }
    case 'ANY_SUBLINK': {
      const tested = withTest(analyser, link, source, environment)
      const { plan, lifted, comparison } = comparedSubplan(analyser, tested.link, source.scope, environment)
      const condition = not && !neverNull(comparison, [...tested.plan.columns, ...plan.columns]) ? test(comparison, 'IS_NOT_FALSE') : comparison
      return semiJoin(tested.plan, plan, [...lifted, condition], not ? 'anti' : 'semi')
    }
    case 'ALL_SUBLINK': {
      const tested = withTest(analyser, link, source, environment)
      const { plan, lifted, comparison } = comparedSubplan(analyser, tested.link, source.scope, environment)
      return not
        ? semiJoin(tested.plan, plan, [...lifted, test(comparison, 'IS_FALSE')], 'semi')
        : semiJoin(tested.plan, plan, [...lifted, test(comparison, 'IS_NOT_TRUE')], 'anti')
    }
    default:
      return undefined
  }
}

function subqueryValue(analyser: QueryAnalyser, link: JsonObject, source: Source, environment: Environment): { plan: Plan; expression: Ast } {
  const mark = (plan: Plan, right: Plan, conditions: readonly Ast[]) => {
    const name = analyser.names.fresh('mark')
    return { plan: markJoin(plan, right, conditions, name), expression: columnRef(name) }
  }
  switch (link['subLinkType']) {
    case 'EXISTS_SUBLINK': {
      const { plan, lifted } = liftedSubplan(analyser, link, source.scope, environment, true)
      return mark(source.plan, plan, lifted)
    }
    case 'ANY_SUBLINK':
    case 'ALL_SUBLINK': {
      // x op any: true if a comparison is true, else null if one is null, else false; x op all is its mirror image.
      const any = link['subLinkType'] === 'ANY_SUBLINK'
      const tested = withTest(analyser, link, source, environment)
      const { plan: rows, lifted, comparison } = comparedSubplan(analyser, tested.link, source.scope, environment)
      const decided = mark(tested.plan, rows, [...lifted, test(comparison, any ? 'IS_TRUE' : 'IS_FALSE')])
      const undecided = mark(decided.plan, rows, [...lifted, test(comparison, 'IS_UNKNOWN')])
      const expression = cases([[decided.expression, boolean(any)], [undecided.expression, NULL]], boolean(!any))
      return { plan: undecided.plan, expression }
    }
    case 'EXPR_SUBLINK':
      return scalarValue(analyser, link, source, environment)
    default:
      throw new Unsupported('SUBQUERY_EXPRESSION', `a subquery of the kind ${text(link['subLinkType'])}`)
  }
}

interface Lifted extends Level {
  /** Conditions of the subquery's WHERE that name the query around it. */
  readonly lifted: readonly Ast[]
}

/** The subquery as a plan of its own, and what it says of the query around it as conditions. */
function liftedSubplan(analyser: QueryAnalyser, link: JsonObject, scope: Scope, around: Environment, existence: boolean): Lifted {
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

function lift(plan: Plan): { plan: Plan; lifted: readonly Ast[] } {
  if (plan.kind !== 'filter') return { plan, lifted: [] }
  const own = new Set(plan.input.columns.map((column) => column.name))
  const local = plan.predicates.filter((predicate) => [...columnsOf(predicate)].every((name) => own.has(name)))
  return { plan: filter(plan.input, local), lifted: plan.predicates.filter((predicate) => !local.includes(predicate)) }
}

function comparedSubplan(analyser: QueryAnalyser, link: JsonObject, scope: Scope, environment: Environment) {
  const level = liftedSubplan(analyser, link, scope, environment, false)
  const settled = as(RESOLVED, link['testexpr'])?.['expression']
  const tested = isObject(settled) ? settled : {}
  const row = as('RowExpr', tested)
  const left = row === undefined ? [tested] : list(row['args'])
  const operator = strings(link['operName'])
  const name = (operator.length === 0 ? ['='] : operator).map((part): Ast => ({ String: { sval: part } }))
  if (left.length !== level.outputs.length) throw new Unsupported('SUBQUERY_EXPRESSION', 'a row comparison')
  if (left.length > 1 && operator.join('') !== '' && operator.join('') !== '=') throw new Unsupported('SUBQUERY_EXPRESSION', 'an ordering of rows')
  const comparisons = left.map((value, i): Ast => ({
    A_Expr: { kind: 'AEXPR_OP', name, lexpr: value, rexpr: level.outputs[i]?.expression ?? NULL },
  }))
  const [only] = comparisons
  const comparison: Ast = comparisons.length === 1 && only !== undefined ? only : { BoolExpr: { boolop: 'AND_EXPR', args: comparisons } }
  return { plan: level.plan, lifted: level.lifted, comparison }
}

function scalarValue(analyser: QueryAnalyser, link: JsonObject, source: Source, environment: Environment): { plan: Plan; expression: Ast } {
  const select = as('SelectStmt', link['subselect'])
  if (select !== undefined && isCorrelatedAggregate(select, analyser)) return groupedValue(analyser, select, source, environment)
  const level = liftedSubplan(analyser, link, source.scope, environment, false)
  if (level.lifted.length === 0) {
    const { plan, outputs } = analyser.named(level)
    if (!keysOf(plan).some((key) => key.length === 0)) throw new Unsupported('SCALAR_NOT_UNIQUE', 'a scalar subquery that may return several rows')
    return { plan: join(source.plan, plan, [], 'left'), expression: outputs[0]?.expression ?? NULL }
  }
  // A row without a match sees null, whatever the expression makes of nulls: so the value is a column of the right side.
  const name = analyser.names.fresh('value')
  const own = level.plan.columns.map((column) => ({ name: column.name, expression: columnRef(column.name), notNull: column.notNull }))
  const right = project(level.plan, [...own, { name, expression: level.outputs[0]?.expression ?? NULL, notNull: false }])
  const fixed = equated(level.lifted, new Set(source.plan.columns.map((column) => column.name)))
  if (!keysOf(right).some((key) => key.every((column) => fixed.has(column)))) {
    throw new Unsupported('SCALAR_NOT_UNIQUE', 'a scalar subquery that may return several rows')
  }
  return { plan: join(source.plan, right, level.lifted, 'left'), expression: columnRef(name) }
}

function isCorrelatedAggregate(select: JsonObject, analyser: QueryAnalyser): boolean {
  return isAggregation(select, analyser.facts) && list(select['groupClause']).length === 0 && select['havingClause'] === undefined
}

/**
 * `(select f(x) from S where S.k = R.k)`: grouped by k and joined to R. A row of R without a group sees what the
 * aggregate gives for no rows: null, or 0 for count.
 */
function groupedValue(analyser: QueryAnalyser, select: JsonObject, source: Source, around: Environment): { plan: Plan; expression: Ast } {
  const environment = analyser.commonTables(select, around)
  const from = analyser.from(list(select['fromClause']), environment, source.scope)
  const { plan: input, lifted } = lift(analyser.where(select, from, environment))
  requireClosed(input)
  const inner = new Set(input.columns.map((column) => column.name))
  const pairs = lifted.map((condition) => equality(condition, inner))
  if (pairs.some((pair) => pair === undefined)) throw new Unsupported('CORRELATED', 'a correlated aggregate that compares by something else than =')
  const value = as('ResTarget', list(select['targetList'])[0])?.['val']
  if (!isObject(value)) throw new Unsupported('SUBQUERY_EXPRESSION', 'a scalar subquery')
  const keys = pairs.flatMap((pair) => (pair === undefined ? [] : [pair]))
  const grouped = groupedBy({
    input,
    grouping: keys.map((pair) => pair.inner),
    value: analyser.expression(value, from.scope),
    facts: analyser.facts,
    names: analyser.names,
  })
  const conditions = keys.map((pair, i): Ast => ({
    A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: '=' } }], lexpr: columnRef(grouped.keys[i] ?? ''), rexpr: pair.outer },
  }))
  return { plan: join(source.plan, grouped.plan, conditions, 'left'), expression: grouped.value }
}

function equality(condition: Ast, inner: ReadonlySet<string>): { readonly inner: Ast; readonly outer: Ast } | undefined {
  const body = as('A_Expr', condition)
  if (body?.['kind'] !== 'AEXPR_OP' || strings(body['name']).join('.') !== '=') return undefined
  const [left, right] = [body['lexpr'], body['rexpr']]
  if (!isObject(left) || !isObject(right)) return undefined
  const isInner = (side: Ast) => columnsOf(side).size > 0 && [...columnsOf(side)].every((name) => inner.has(name))
  const isOuter = (side: Ast) => [...columnsOf(side)].every((name) => !inner.has(name))
  if (isInner(left) && isOuter(right)) return { inner: left, outer: right }
  if (isInner(right) && isOuter(left)) return { inner: right, outer: left }
  return undefined
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
  return { CaseExpr: { args: branches.map(([expr, result]): Ast => ({ CaseWhen: { expr, result } })), defresult: otherwise } }
}

