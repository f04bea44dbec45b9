import { as, columnRef, columnsOf, isObject, list, strings, type Ast, type JsonObject } from '../ast.ts'
import { Unsupported } from '../unsupported.ts'
import { groupedBy, isAggregation } from './aggregation.ts'
import { requireClosed } from './free-columns.ts'
import { equated, keysOf } from './keys.ts'
import type { Environment, QueryAnalyser, Source } from './level.ts'
import { lift, liftedSubplan } from './lifting.ts'
import { join, project, type Plan } from './plan.ts'

/**
 * Scalar subqueries as joins that keep every row of the query around them and add a column:
 *
 *   one row for sure    R × S, or R ⟕ S on true
 *   an aggregate        R ⟕ γ_k(S) on k = what the subquery compares with R's columns
 *   by a key            R ⟕ S on the comparison
 */
export function scalarValue(
  analyser: QueryAnalyser,
  link: JsonObject,
  source: Source,
  environment: Environment,
): { plan: Plan; expression: Ast } {
  const select = as('SelectStmt', link['subselect'])
  if (select !== undefined && isCorrelatedAggregate(select, analyser))
    return groupedValue(analyser, select, source, environment)
  const level = liftedSubplan(analyser, link, source.scope, environment, false)
  if (level.lifted.length === 0) {
    const { plan, outputs } = analyser.named(level)
    if (!keysOf(plan).some((key) => key.length === 0))
      throw new Unsupported('SCALAR_NOT_UNIQUE', 'a scalar subquery that may return several rows')
    return { plan: join(source.plan, plan, [], 'left'), expression: outputs[0]?.expression ?? NULL }
  }
  // A row without a match sees null, whatever the expression makes of nulls: so the value is a column of the right side.
  const name = analyser.names.fresh('value')
  const own = level.plan.columns.map((column) => ({
    name: column.name,
    expression: columnRef(column.name),
    notNull: column.notNull,
  }))
  const right = project(level.plan, [
    ...own,
    { name, expression: level.outputs[0]?.expression ?? NULL, notNull: false },
  ])
  const fixed = equated(level.lifted, new Set(source.plan.columns.map((column) => column.name)))
  if (!keysOf(right).some((key) => key.every((column) => fixed.has(column)))) {
    throw new Unsupported('SCALAR_NOT_UNIQUE', 'a scalar subquery that may return several rows')
  }
  return { plan: join(source.plan, right, level.lifted, 'left'), expression: columnRef(name) }
}

function isCorrelatedAggregate(select: JsonObject, analyser: QueryAnalyser): boolean {
  return (
    isAggregation(select, analyser.facts) &&
    list(select['groupClause']).length === 0 &&
    select['havingClause'] === undefined
  )
}

/**
 * `(select f(x) from S where S.k = R.k)`: grouped by k and joined to R. A row of R without a group sees what the
 * aggregate gives for no rows: null, or 0 for count.
 */
function groupedValue(
  analyser: QueryAnalyser,
  select: JsonObject,
  source: Source,
  around: Environment,
): { plan: Plan; expression: Ast } {
  const environment = analyser.commonTables(select, around)
  const from = analyser.from(list(select['fromClause']), environment, source.scope)
  const { plan: input, lifted } = lift(analyser.where(select, from, environment))
  requireClosed(input)
  const inner = new Set(input.columns.map((column) => column.name))
  const pairs = lifted.map((condition) => equality(condition, inner))
  if (pairs.some((pair) => pair === undefined))
    throw new Unsupported('CORRELATED', 'a correlated aggregate that compares by something else than =')
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
    A_Expr: {
      kind: 'AEXPR_OP',
      name: [{ String: { sval: '=' } }],
      lexpr: columnRef(grouped.keys[i] ?? ''),
      rexpr: pair.outer,
    },
  }))
  return { plan: join(source.plan, grouped.plan, conditions, 'left'), expression: grouped.value }
}

function equality(
  condition: Ast,
  inner: ReadonlySet<string>,
): { readonly inner: Ast; readonly outer: Ast } | undefined {
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

const NULL: Ast = { A_Const: { isnull: true } }
