import { as, columnRef, columnsOf, isObject, list, strings, type Ast, type JsonObject } from '../ast.ts'
import { Unsupported } from '../unsupported.ts'
import { aggregates, groupedBy } from './aggregation.ts'
import { makesSets } from './calls.ts'
import { asks, equals, refuseExpression } from './conditions.ts'
import { dependentJoin, dependsOn } from './dependent-join.ts'
import { hasCollations } from './domain.ts'
import { freeColumns } from './free-columns.ts'
import { fixedBy, keysOf } from './keys.ts'
import type { Environment, Level, QueryAnalyser, Source } from './level.ts'
import { lift, liftedSubplan, withoutIrrelevantLimit } from './lifting.ts'
import { limits } from './ordering.ts'
import { join, project, type Plan } from './plan.ts'
import { resolve } from './scope.ts'
import { hasWindow } from './windows.ts'

/**
 * Scalar subqueries as joins that keep every row of the query around them and add a column:
 *
 *   one row for sure    R × S, or R ⟕ S on true
 *   an aggregate        R ⟕ γ_k(S) on k = what the subquery compares with R's columns
 *   by a key            R ⟕ S on the comparison
 *   anything else       R ⟕ᵈ S's first row and its number of rows, an error where that is more than one
 */
export function scalarValue(
  analyser: QueryAnalyser,
  link: JsonObject,
  source: Source,
  environment: Environment,
): { plan: Plan; expression: Ast } {
  const select = as('SelectStmt', link['subselect'])
  if (select === undefined) throw new Unsupported('SUBQUERY_EXPRESSION', 'a subquery')
  if (isCorrelatedAggregate(select, analyser)) {
    return (
      groupedValue(analyser, select, source, environment) ??
      dependentValue(source, analyser.select(select, environment, source.scope), analyser)
    )
  }
  const level = liftedSubplan(analyser, link, source, environment, false)
  if (level.lifted.length === 0) {
    const { plan, outputs } = analyser.named(level)
    if (keysOf(plan).some((key) => key.length === 0))
      return { plan: join(source.plan, plan, [], 'left'), expression: outputs[0]?.expression ?? NULL }
    return singleValue(source, { plan, outputs }, analyser)
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
  const fixed = fixedBy(source.plan, right, level.lifted)
  const unique = keysOf(right).some((key) => key.every((column) => fixed.has(column)))
  if (!unique || dependsOn(right, source.plan))
    return singleValue(source, analyser.named(analyser.select(select, environment, source.scope)), analyser)
  return { plan: join(source.plan, right, level.lifted, 'left'), expression: columnRef(name) }
}

/** A subquery that gives exactly one row, or at most one. */
function dependentValue(source: Source, level: Level, analyser: QueryAnalyser): { plan: Plan; expression: Ast } {
  const { plan, outputs } = analyser.named(level)
  return {
    plan: dependentJoin(analyser, source.plan, plan, [], 'left'),
    expression: outputs[0]?.expression ?? NULL,
  }
}

/**
 * A subquery that may give several rows: each is beside their number, and the first is kept. The error is raised where
 * the value is used, as PostgreSQL does.
 */
function singleValue(source: Source, level: Level, analyser: QueryAnalyser): { plan: Plan; expression: Ast } {
  const value = level.outputs[0]?.expression ?? NULL
  const rows = analyser.names.fresh('rows')
  const counted: Plan = {
    kind: 'partitioned',
    input: level.plan,
    keys: [],
    transform: { kind: 'window', calls: [{ name: rows, call: COUNT_ROWS }] },
    columns: [...level.plan.columns, { name: rows, notNull: false }],
  }
  const first: Plan = {
    kind: 'partitioned',
    input: counted,
    keys: [],
    transform: { kind: 'limit', order: [], limit: ONE, offset: null, withTies: false },
    columns: counted.columns,
  }
  const plan = dependentJoin(analyser, source.plan, first, [], 'left')
  const several: Ast = {
    A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: '>' } }], lexpr: columnRef(rows), rexpr: ONE },
  }
  const one = caseWhen(several, textOf('more than one row returned by a subquery used as an expression'), textOf('1'))
  const checked: Ast = {
    TypeCast: {
      arg: one,
      typeName: { names: [{ String: { sval: 'pg_catalog' } }, { String: { sval: 'int4' } }], typemod: -1 },
    },
  }
  return { plan, expression: caseWhen(equals(checked, ONE), value, NULL) }
}

function caseWhen(expr: Ast, result: Ast, defresult: Ast): Ast {
  return { CaseExpr: { args: [{ CaseWhen: { expr, result } }], defresult } }
}

function textOf(sval: string): Ast {
  return {
    TypeCast: {
      arg: { A_Const: { sval: { sval } } },
      typeName: { names: [{ String: { sval: 'text' } }], typemod: -1 },
    },
  }
}

const ONE: Ast = { A_Const: { ival: { ival: 1 } } }

const COUNT_ROWS: Ast = {
  FuncCall: {
    funcname: [{ String: { sval: 'count' } }],
    agg_star: true,
    over: { frameOptions: 1058 },
    funcformat: 'COERCE_EXPLICIT_CALL',
  },
}

/** One row for sure, whose value is an expression of aggregates. */
function isCorrelatedAggregate(select: JsonObject, { facts }: QueryAnalyser): boolean {
  const targets = select['targetList']
  return (
    aggregates(targets, facts) &&
    !aggregates(select['sortClause'], facts) &&
    !list(targets).some(hasWindow) &&
    !makesSets(select, facts) &&
    list(select['groupClause']).length === 0 &&
    select['havingClause'] === undefined &&
    !limits(withoutIrrelevantLimit(select))
  )
}

/**
 * `(select f(x) from S where S.k = R.k)`: grouped by k and joined to R. A row of R without a group sees what the
 * aggregate gives for no rows: null, or 0 for count. Undefined where the subquery compares by something else than =.
 */
function groupedValue(
  analyser: QueryAnalyser,
  select: JsonObject,
  source: Source,
  around: Environment,
): { plan: Plan; expression: Ast } | undefined {
  const target = as('ResTarget', list(select['targetList'])[0])?.['val']
  if (hasCollations(analyser.facts) || asks(target)) return undefined
  const environment = analyser.commonTables(select, around, source.scope)
  const from = analyser.from(list(select['fromClause']), environment, source.scope)
  const { plan: input, lifted } = lift(analyser.where(select, from, environment))
  if (freeColumns(input).size > 0) return undefined
  const inner = new Set(input.columns.map((column) => column.name))
  const pairs = lifted.map((condition) => equality(condition, inner))
  if (pairs.some((pair) => pair === undefined)) return undefined
  const value = target
  if (!isObject(value)) throw new Unsupported('SUBQUERY_EXPRESSION', 'a scalar subquery')
  refuseExpression(value)
  const keys = pairs.flatMap((pair) => (pair === undefined ? [] : [pair]))
  const grouped = groupedBy({
    input,
    grouping: keys.map((pair) => pair.inner),
    value: resolve(value, from.scope),
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
