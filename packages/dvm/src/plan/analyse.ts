import {
  as,
  columnRef,
  fingerprint,
  isObject,
  list,
  soleColumn,
  strings,
  text,
  type Ast,
  type JsonObject,
} from '../ast.ts'
import type { QueryFacts } from '../facts.ts'
import { parseSelect } from '../parse.ts'
import { Unsupported } from '../unsupported.ts'
import { aggregates, isAggregation, refuseAggregates } from './aggregation.ts'
import { returnsSet } from './calls.ts'
import { groupingSets, hasGroupingSets, withGroupingValue } from './grouping-sets.ts'
import { conjuncts, refuseExpression } from './conditions.ts'
import { Names } from './names.ts'
import { notNull, refineByPredicates } from './nullability.ts'
import type { Column } from './column.ts'
import { distinct, passThrough, project, type Item, type Plan, type Query } from './plan.ts'
import { requireClosed } from './free-columns.ts'
import { fromClause } from './from-clause.ts'
import { inGroups, inSets } from './grouped.ts'
import { limited, limits, orderOfColumns, sortKey, sortTarget } from './ordering.ts'
import { requireLawful } from './lawful.ts'
import type { CommonTable, Environment, Level, OpenRecursion, QueryAnalyser, Source } from './level.ts'
import { isRecursive, refuseSearch } from './recursion.ts'
import { resolve, type Scope } from './scope.ts'
import { byMultiplicity, sidesOf } from './set-operations.ts'
import { values } from './values.ts'
import { beforeGrouping, wherePlan, withSubqueries } from './subqueries.ts'
import { windowed, withOwnWindows } from './windows.ts'

/**
 * Parse tree to plan. One function a clause, in the order in which SQL gives them meaning:
 * WITH, FROM, WHERE, GROUP BY and HAVING, the target list, DISTINCT, set operations, ORDER BY with LIMIT. A clause without
 * a law is refused by reason.
 */
export function analyse(facts: QueryFacts): Query {
  const analyser = new Analyser(facts)
  const { plan, outputs } = analyser.select(parseSelect(facts.definition), new Map(), null)
  requireClosed(plan)
  const items = outputs.map((output, i): Item => ({
    name: facts.columns[i]?.name ?? output.name,
    expression: output.expression,
  }))
  const query = { input: plan, items }
  requireLawful(query, facts)
  return query
}

class Analyser implements QueryAnalyser {
  readonly names = new Names()
  readonly facts: QueryFacts

  private readonly known = new Map<object, Level>()
  private readonly recursions = new Map<CommonTable, OpenRecursion>()

  constructor(facts: QueryFacts) {
    this.facts = facts
  }

  shared(what: object, analyse: () => Level): Level {
    const known = this.known.get(what)
    if (known !== undefined) return known
    const level = analyse()
    this.known.set(what, level)
    return level
  }

  /** `outer` is the scope around a subquery, null for a query that stands alone. */
  select(select: JsonObject, around: Environment, outer: Scope | null): Level {
    const environment = this.commonTables(select, around, outer)
    refuseClauses(select)
    const combined = isObject(select['larg'])
    if (combined || list(select['valuesLists']).length > 0) {
      const level = combined ? this.setOperation(select, environment, outer) : values(this, select, environment, outer)
      return limits(select) ? limited(this, select, level, orderOfColumns(select, level), outer) : level
    }
    return this.plainSelect(withOwnWindows(select), environment, outer)
  }

  commonTables(select: JsonObject, around: Environment, outer: Scope | null): Environment {
    const clause = isObject(select['withClause']) ? select['withClause'] : undefined
    if (clause === undefined) return around
    // in WITH RECURSIVE each sees all, itself included
    const recursive = clause['recursive'] === true
    const all = new Map(around)
    let environment: Environment = around
    for (const node of list(clause['ctes'])) {
      const body = as('CommonTableExpr', node) ?? {}
      const name = text(body['ctename'])
      const inner = as('SelectStmt', body['ctequery'])
      if (inner === undefined) throw new Unsupported('MODIFYING_CTE', `the common table expression ${name}`)
      refuseSearch(name, body)
      const table: CommonTable = {
        name,
        select: inner,
        columns: strings(body['aliascolnames']),
        environment: recursive ? all : environment,
        outer,
        recursive: recursive && isRecursive(name, inner),
      }
      all.set(name, table)
      environment = new Map([...environment, [name, table]])
    }
    return environment
  }

  recursing(table: CommonTable, open: OpenRecursion, analyse: () => Level): Level {
    this.recursions.set(table, open)
    const level = analyse()
    this.recursions.delete(table)
    return level
  }

  recursionOf(table: CommonTable): OpenRecursion | undefined {
    return this.recursions.get(table)
  }

  private setOperation(select: JsonObject, environment: Environment, outer: Scope | null): Level {
    const sides = sidesOf(select).map((side) => this.select(side, environment, outer))
    const [left] = sides
    if (left === undefined) throw new TypeError('a set operation without sides')
    const columns = left.outputs.map((output, i): Column => ({
      name: this.names.fresh(output.name),
      notNull: sides.every((side) => side.outputs[i]?.notNull === true),
    }))
    const plan = this.combined(select, sides, columns)
    const outputs = passThrough(columns).map((item, i) => ({
      ...item,
      name: left.outputs[i]?.name ?? item.name,
      notNull: columns[i]?.notNull === true,
    }))
    return { plan, outputs }
  }

  private combined(select: JsonObject, sides: readonly Level[], columns: readonly Column[]): Plan {
    const all = select['all'] === true
    if (select['op'] !== 'SETOP_UNION')
      return byMultiplicity(select['op'] === 'SETOP_EXCEPT' ? 'except' : 'intersect', all, sides, columns, this.names)
    const inputs = sides.map((side) =>
      project(
        side.plan,
        side.outputs.map((output, i) => ({ ...output, name: columns[i]?.name ?? output.name })),
      ),
    )
    const union: Plan = { kind: 'union-all', inputs, columns }
    return all ? union : distinct(union)
  }

  private plainSelect(select: JsonObject, environment: Environment, outer: Scope | null): Level {
    const from = this.from(list(select['fromClause']), environment, outer)
    const source = { plan: this.where(select, from, environment), scope: from.scope }
    const on = list(select['distinctClause']).filter((node) => Object.keys(node).length > 0)
    const sorts = list(select['sortClause'])
    const keys = sorts.map((sort) => sortTarget(sortKey(sort), select))
    if (
      on.length === 0 &&
      !limits(select) &&
      !keys.some((key) => returnsSet(key, this.facts) || aggregates(key, this.facts))
    ) {
      const level = this.output(select, source, environment)
      return select['distinctClause'] === undefined ? level : this.distinctRows(level)
    }
    // What is sorted by and need not be shown becomes columns beside the targets.
    const hidden = [...on.map((node) => sortTarget(node, select)), ...keys].map((val): Ast => ({
      ResTarget: { name: 'sort', val },
    }))
    const unnamed = this.output(
      { ...select, targetList: [...list(select['targetList']), ...hidden] },
      source,
      environment,
    )
    const level = this.named(unnamed)
    const shown = level.outputs.slice(0, level.outputs.length - hidden.length)
    // What is shown anyway is not carried twice.
    const prints = unnamed.outputs.map((output) => fingerprint(output.expression))
    const columns = level.outputs
      .slice(shown.length)
      .map(
        (output, i) => level.outputs[prints.indexOf(prints[shown.length + i] ?? '')]?.expression ?? output.expression,
      )
    const order = sorts.map((sort, i): Ast => ({
      SortBy: { ...as('SortBy', sort), node: columns[on.length + i] ?? null },
    }))
    const cut = (rows: Level, by: readonly Ast[]) => (limits(select) ? limited(this, select, rows, by, outer) : rows)
    if (on.length > 0) {
      const groups = columns.slice(0, on.length).map((column) => soleColumn(column) ?? '')
      const plan: Plan = {
        kind: 'partitioned',
        input: level.plan,
        keys: groups,
        transform: { kind: 'distinct-on', order },
        columns: level.plan.columns,
      }
      return cut({ plan, outputs: shown }, order)
    }
    if (select['distinctClause'] === undefined) return cut({ plan: level.plan, outputs: shown }, order)
    const rows = this.distinctRows({ plan: level.plan, outputs: level.outputs })
    const sorted = order.map((sort, i): Ast => ({
      SortBy: { ...as('SortBy', sort), node: rows.outputs[shown.length + i]?.expression ?? null },
    }))
    return cut({ plan: rows.plan, outputs: rows.outputs.slice(0, shown.length) }, sorted)
  }

  where(select: JsonObject, from: Source, environment: Environment): Plan {
    if (!isObject(select['whereClause'])) return from.plan
    return refineByPredicates(wherePlan(this, select['whereClause'], from, environment))
  }

  /** Target list, GROUP BY and HAVING over what FROM and WHERE gave. */
  output(select: JsonObject, source: Source, environment: Environment): Level {
    return isAggregation(select, this.facts)
      ? this.groupedOutput(select, source, environment)
      : this.plainOutput(select, source, environment)
  }

  private plainOutput(select: JsonObject, source: Source, environment: Environment): Level {
    let { plan } = source
    const targets = targetsOf(select).map((target) => {
      const result = withSubqueries(this, target.expression, { plan, scope: source.scope }, environment)
      plan = result.plan
      return { name: target.name, expression: result.expression }
    })
    return this.finished(plan, targets)
  }

  /** Window functions see what WHERE, GROUP BY and HAVING left; set-returning functions come after them. */
  private finished(input: Plan, rows: readonly Item[]): Level {
    const { plan, targets } = windowed(input, rows, this.names)
    const level = { plan, outputs: withNullability(plan, targets) }
    if (!targets.some((target) => returnsSet(target.expression, this.facts))) return level
    const named = this.named(level)
    if (named.plan.kind !== 'project') throw new TypeError('naming columns makes a projection')
    return {
      plan: {
        ...named.plan,
        expands: true,
        columns: named.plan.columns.map((column) => ({ ...column, notNull: false })),
      },
      outputs: named.outputs.map((output) => ({ ...output, notNull: false })),
    }
  }

  private groupedOutput(select: JsonObject, source: Source, environment: Environment): Level {
    let { plan } = source
    const below = (node: Ast): Ast => {
      const result = beforeGrouping(this, node, { plan, scope: source.scope }, environment)
      plan = result.plan
      return result.expression
    }
    const targets = targetsOf(select).map((target) => ({ name: target.name, expression: below(target.expression) }))
    const having = isObject(select['havingClause']) ? conjuncts(below(select['havingClause'])) : []
    const group = list(select['groupClause'])
    const expression = (node: Ast) => this.groupExpression(node, targets, source.scope)
    if (hasGroupingSets(group)) {
      return this.finished(
        ...inSets(
          this,
          { input: plan, sets: groupingSets(select, expression), targets, having, scope: source.scope },
          environment,
        ),
      )
    }
    const grouping = group.map(expression)
    const whole = new Map(grouping.map((key) => [fingerprint(key), key]))
    const grouped = (node: Ast) => withGroupingValue(node, grouping, whole)
    return this.finished(
      ...inGroups(
        this,
        {
          input: plan,
          grouping,
          targets: targets.map((target) => ({ ...target, expression: grouped(target.expression) })),
          having: having.map(grouped),
          scope: source.scope,
        },
        environment,
      ),
    )
  }

  private groupExpression(node: Ast, targets: readonly Item[], scope: Scope): Ast {
    const ordinal = as('A_Const', node)?.['ival']
    const position = isObject(ordinal) ? ordinal['ival'] : undefined
    const target = typeof position === 'number' ? targets[position - 1] : undefined
    return target?.expression ?? this.expression(node, scope)
  }

  /** DISTINCT groups by every output column, so each becomes a column first. */
  private distinctRows(level: Level): Level {
    const { plan, outputs } = this.named(level)
    return { plan: distinct(plan), outputs }
  }

  /** Gives every output of a level a column of its own. */
  named(level: Level): Level {
    const columns = level.outputs.map((output) => ({ ...output, name: this.names.fresh(output.name) }))
    const plan = project(level.plan, columns)
    const outputs = columns.map((column, i) => ({
      name: level.outputs[i]?.name ?? column.name,
      expression: columnRef(column.name),
      notNull: column.notNull,
    }))
    return { plan, outputs }
  }

  from(items: readonly Ast[], environment: Environment, outer: Scope | null): Source {
    return fromClause(this, items, environment, outer)
  }

  /** An expression in which subqueries are not looked for. */
  expression(node: Ast, scope: Scope): Ast {
    refuseExpression(node)
    refuseAggregates(node, this.facts)
    return resolve(node, scope)
  }
}

function withNullability(input: Plan, items: readonly Item[]): (Item & { readonly notNull: boolean })[] {
  return items.map((item) => ({ ...item, notNull: notNull(item.expression, input.columns) }))
}

function targetsOf(select: JsonObject): Item[] {
  return list(select['targetList']).map((node) => {
    const target = as('ResTarget', node) ?? {}
    const expression = isObject(target['val']) ? target['val'] : {}
    return { name: targetName(target, expression), expression }
  })
}

function targetName(target: JsonObject, value: Ast): string {
  if (typeof target['name'] === 'string') return target['name']
  return strings(as('ColumnRef', value)?.['fields']).at(-1) ?? 'column'
}

function refuseClauses(select: JsonObject): void {
  if (select['lockingClause'] !== undefined) throw new Unsupported('OTHER', 'FOR UPDATE')
}
