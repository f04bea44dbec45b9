import { as, columnRef, fingerprint, isObject, list, rebuild, soleColumn, strings, text, walk, type Ast, type JsonObject } from '../ast.ts'
import type { QueryFacts } from '../facts.ts'
import { parseSelect } from '../parse.ts'
import { printStatement } from '../print/expression.ts'
import { Unsupported } from '../unsupported.ts'
import { aggregated, isAggregation, PENDING_SUBQUERY } from './aggregation.ts'
import { functionName, isAggregateCall } from './calls.ts'
import { groupingSets, hasGroupingSets, withGroupingValue, withNulls } from './grouping-sets.ts'
import { conjuncts, refuseExpression } from './conditions.ts'
import { Names } from './names.ts'
import { notNull, refineByPredicates } from './nullability.ts'
import { distinct, filter, join, passThrough, project, type Column, type Item, type Plan, type Query, type Transform } from './plan.ts'
import { requireClosed } from './free-columns.ts'
import { fromClause } from './from-clause.ts'
import { requireLawful } from './lawful.ts'
import type { CommonTable, Environment, Level, QueryAnalyser, Source } from './level.ts'
import { EMPTY_SCOPE, renamed, resolve, type Scope } from './scope.ts'
import { byMultiplicity } from './set-operations.ts'
import { afterGrouping, beforeGrouping, wherePlan, withSubqueries } from './subqueries.ts'
import { hasWindow, windowed, withOwnWindows } from './windows.ts'

/**
 * Parse tree to plan. One function a clause, in the order in which SQL gives them meaning:
 * WITH, FROM, WHERE, GROUP BY and HAVING, the target list, DISTINCT, set operations, ORDER BY with LIMIT. A clause without
 * a law is refused by reason.
 */
export function analyse(facts: QueryFacts): Query {
  const analyser = new Analyser(facts)
  const { plan, outputs } = analyser.select(parseSelect(facts.definition), new Map(), null)
  requireClosed(plan)
  const items = outputs.map((output, i): Item => ({ name: facts.columns[i]?.name ?? output.name, expression: output.expression }))
  const query = { input: plan, items }
  requireLawful(query, facts)
  return query
}

class Analyser implements QueryAnalyser {
  readonly names = new Names()
  readonly facts: QueryFacts

  private readonly known = new Map<object, Level>()

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
    const environment = this.commonTables(select, around)
    refuseClauses(select)
    const combined = isObject(select['larg'])
    if (combined || list(select['valuesLists']).length > 0) {
      const level = combined ? this.setOperation(select, environment, outer) : this.values(select)
      return limits(select) ? this.limited(select, level, this.orderOfColumns(select, level)) : level
    }
    return this.plainSelect(withOwnWindows(select), environment, outer)
  }

  commonTables(select: JsonObject, outer: Environment): Environment {
    const clause = isObject(select['withClause']) ? select['withClause'] : undefined
    if (clause === undefined) return outer
    if (clause['recursive'] === true) throw new Unsupported('RECURSIVE', 'WITH RECURSIVE')
    let environment = outer
    for (const node of list(clause['ctes'])) {
      const body = as('CommonTableExpr', node) ?? {}
      const inner = as('SelectStmt', body['ctequery'])
      if (inner === undefined) throw new Unsupported('MODIFYING_CTE', `the common table expression ${text(body['ctename'])}`)
      const table: CommonTable = { select: inner, columns: strings(body['aliascolnames']), environment }
      environment = new Map([...environment, [text(body['ctename']), table]])
    }
    return environment
  }

  private setOperation(select: JsonObject, environment: Environment, outer: Scope | null): Level {
    const sides = [select['larg'], select['rarg']].map((side) => this.select(isObject(side) ? side : {}, environment, outer))
    const [left] = sides
    if (left === undefined) throw new TypeError('a set operation without sides')
    const columns = left.outputs.map((output, i): Column => ({
      name: this.names.fresh(output.name),
      notNull: sides.every((side) => side.outputs[i]?.notNull === true),
    }))
    const plan = this.combined(select, sides, columns)
    const outputs = passThrough(columns).map((item, i) => ({ ...item, name: left.outputs[i]?.name ?? item.name, notNull: columns[i]?.notNull === true }))
    return { plan, outputs }
  }

  private combined(select: JsonObject, sides: readonly Level[], columns: readonly Column[]): Plan {
    const all = select['all'] === true
    if (select['op'] !== 'SETOP_UNION') return byMultiplicity(select['op'] === 'SETOP_EXCEPT' ? 'except' : 'intersect', all, sides, columns, this.names)
    const inputs = sides.map((side) => project(side.plan, side.outputs.map((output, i) => ({ ...output, name: columns[i]?.name ?? output.name }))))
    const union: Plan = { kind: 'union-all', inputs, columns }
    return all ? union : distinct(union)
  }

  private values(select: JsonObject): Level {
    const [first] = list(select['valuesLists'])
    const width = list(as('List', first)?.['items']).length
    const columns = Array.from({ length: width }, (_, i): Column => ({ name: this.names.fresh(`column${i + 1}`), notNull: false }))
    const plan: Plan = { kind: 'constant', query: printStatement(select), columns }
    return { plan, outputs: passThrough(columns).map((item, i) => ({ ...item, name: `column${i + 1}`, notNull: false })) }
  }

  private plainSelect(select: JsonObject, environment: Environment, outer: Scope | null): Level {
    const from = this.from(list(select['fromClause']), environment, outer)
    const source = { plan: this.where(select, from, environment), scope: from.scope }
    const on = list(select['distinctClause']).filter((node) => Object.keys(node).length > 0)
    if (on.length === 0 && !limits(select)) {
      const level = this.output(select, source, environment)
      return select['distinctClause'] === undefined ? level : this.distinctRows(level)
    }
    // DISTINCT ON and LIMIT look at expressions that need not be shown: they become columns beside the targets.
    const sorts = list(select['sortClause'])
    const hidden = [...on, ...sorts.map((sort) => sortKey(sort))].map((node): Ast => ({ ResTarget: { name: 'sort', val: this.sortTarget(node, select) } }))
    const unnamed = this.output({ ...select, targetList: [...list(select['targetList']), ...hidden] }, source, environment)
    const level = this.named(unnamed)
    const shown = level.outputs.slice(0, level.outputs.length - hidden.length)
    // What is shown anyway is not carried twice.
    const prints = unnamed.outputs.map((output) => fingerprint(output.expression))
    const columns = level.outputs.slice(shown.length).map((output, i) => level.outputs[prints.indexOf(prints[shown.length + i] ?? '')]?.expression ?? output.expression)
    const order = sorts.map((sort, i): Ast => ({ SortBy: { ...as('SortBy', sort), node: columns[on.length + i] ?? null } }))
    if (on.length > 0) {
      const keys = columns.slice(0, on.length).map((column) => soleColumn(column) ?? '')
      const plan: Plan = { kind: 'partitioned', input: level.plan, keys, transform: { kind: 'distinct-on', order }, columns: level.plan.columns }
      return limits(select) ? this.limited(select, { plan, outputs: shown }, order) : { plan, outputs: shown }
    }
    if (select['distinctClause'] === undefined) return this.limited(select, { plan: level.plan, outputs: shown }, order)
    const rows = this.distinctRows({ plan: level.plan, outputs: level.outputs })
    const sorted = order.map((sort, i): Ast => ({ SortBy: { ...as('SortBy', sort), node: rows.outputs[shown.length + i]?.expression ?? null } }))
    return this.limited(select, { plan: rows.plan, outputs: rows.outputs.slice(0, shown.length) }, sorted)
  }

  /** ORDER BY 2 means the second target. */
  private sortTarget(node: Ast, select: JsonObject): Ast {
    const ordinal = as('A_Const', node)?.['ival']
    const position = isObject(ordinal) ? ordinal['ival'] : undefined
    const target = typeof position === 'number' ? as('ResTarget', list(select['targetList'])[position - 1])?.['val'] : undefined
    return isObject(target) ? target : node
  }

  private limited(select: JsonObject, level: Level, order: readonly Ast[]): Level {
    const constant = (node: unknown): Ast | null => {
      if (node === undefined || node === null) return null
      const expression = this.expression(node as Ast, EMPTY_SCOPE)
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
  private orderOfColumns(select: JsonObject, level: Level): Ast[] {
    return list(select['sortClause']).map((sort): Ast => {
      const node = sortKey(sort)
      const ordinal = as('A_Const', node)?.['ival']
      const position = isObject(ordinal) && typeof ordinal['ival'] === 'number' ? ordinal['ival'] : undefined
      const name = strings(as('ColumnRef', node)?.['fields'])[0]
      const output = position === undefined ? level.outputs.find((candidate) => candidate.name === name) : level.outputs[position - 1]
      if (output === undefined) throw new Unsupported('LIMIT', 'an ORDER BY over a set operation')
      return { SortBy: { ...as('SortBy', sort), node: output.expression } }
    })
  }

  where(select: JsonObject, from: Source, environment: Environment): Plan {
    if (!isObject(select['whereClause'])) return from.plan
    return refineByPredicates(wherePlan(this, select['whereClause'], from, environment))
  }

  /** Target list, GROUP BY and HAVING over what FROM and WHERE gave. */
  output(select: JsonObject, source: Source, environment: Environment): Level {
    return isAggregation(select, this.facts) ? this.groupedOutput(select, source, environment) : this.plainOutput(select, source, environment)
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
    if (!targets.some((target) => this.returnsSet(target.expression))) return level
    const named = this.named(level)
    if (named.plan.kind !== 'project') throw new TypeError('naming columns makes a projection')
    return { plan: { ...named.plan, expands: true, columns: named.plan.columns.map((column) => ({ ...column, notNull: false })) }, outputs: named.outputs.map((output) => ({ ...output, notNull: false })) }
  }

  private returnsSet(expression: Ast): boolean {
    const names = new Set(this.facts.functions.filter((known) => known.setReturning).map((known) => known.name))
    let found = false
    walk(expression, (type, body) => {
      if (type === 'FuncCall' && names.has(functionName(body))) found = true
    })
    return found
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
      return this.finished(...this.inSets({ input: plan, sets: groupingSets(group, expression), targets, having, scope: source.scope }, environment))
    }
    return this.finished(...this.inGroups({ input: plan, grouping: group.map(expression), targets, having, scope: source.scope }, environment))
  }

  private inGroups(query: Grouped & { readonly grouping: readonly Ast[] }, environment: Environment, beside: Plan | null = null): readonly [Plan, readonly Item[]] {
    const grouped = aggregated({ ...query, facts: this.facts, names: this.names })
    let plan: Plan = beside === null ? grouped.plan : join(grouped.plan, beside, [FALSE], 'left')
    const above = (expression: Ast): Ast => {
      const result = afterGrouping(this, expression, { plan, scope: query.scope }, environment)
      plan = result.plan
      return result.expression
    }
    const conditions = grouped.having.map(above)
    plan = filter(plan, conditions)
    // what a target asks joins the plan, which is therefore read last
    const targets = grouped.targets.map((target) => ({ name: target.name, expression: above(target.expression) }))
    return [plan, targets]
  }

  /** One grouping a set; what a set leaves out is null, typed by a join on false with the input. */
  private inSets(query: Grouped & { readonly sets: readonly (readonly Ast[])[] }, environment: Environment): readonly [Plan, readonly Item[]] {
    const all = new Map(query.sets.flat().map((expression) => [fingerprint(expression), expression]))
    if (query.targets.some((target) => hasWindow(target.expression))) return this.inSetsBelowWindows(query, all, environment)
    const levels = query.sets.map((set) => {
      const present = new Set(set.map(fingerprint))
      const absent = [...all].filter(([print]) => !present.has(print))
      const nulls = absent.map(([, expression]) => ({ name: this.names.fresh('left_out'), expression, notNull: false }))
      const columns = new Map(absent.map(([print], i) => [print, columnRef(nulls[i]?.name ?? '')]))
      const fit = (expression: Ast) => withNulls(withGroupingValue(expression, set), set, columns, this.facts)
      const targets = query.targets.map((target) => ({ name: target.name, expression: fit(target.expression) }))
      const having = query.having.map(fit)
      const beside = absent.length === 0 ? null : project(query.input, nulls)
      const seen = absent.flatMap(([, expression], i) => [[soleColumn(expression) ?? '', nulls[i]?.name ?? ''] as const])
      return this.inGroups({ ...query, targets, having, grouping: set, scope: renamed(query.scope, new Map(seen)) }, environment, beside)
    })
    const columns = query.targets.map((target): Column => ({ name: this.names.fresh(target.name), notNull: false }))
    const inputs = levels.map(([plan, items]) => project(plan, items.map((item, i) => ({ ...item, name: columns[i]?.name ?? item.name, notNull: false }))))
    const outputs = query.targets.map((target, i): Item => ({ name: target.name, expression: columnRef(columns[i]?.name ?? '') }))
    return [{ kind: 'union-all', inputs, columns }, outputs]
  }

  /** A window sees the groups of all sets: what its query needs of a group becomes a column first. */
  private inSetsBelowWindows(query: Grouped & { readonly sets: readonly (readonly Ast[])[] }, keys: ReadonlyMap<string, Ast>, environment: Environment): readonly [Plan, readonly Item[]] {
    const parts = new Map<string, Item>()
    const targets = query.targets.map((target) => ({
      name: target.name,
      expression: rebuild(target.expression, (type, body, node) => {
        const print = fingerprint(node)
        const ofGroup = keys.has(print) || type === 'ColumnRef' || type === 'GroupingFunc' || type === PENDING_SUBQUERY || (type === 'FuncCall' && isAggregateCall(body, this.facts))
        if (!ofGroup) return undefined
        const part = parts.get(print) ?? { name: this.names.fresh('part'), expression: node }
        parts.set(print, part)
        return columnRef(part.name)
      }),
    }))
    const [plan, columns] = this.inSets({ ...query, targets: [...parts.values()] }, environment)
    const shown = project(plan, columns.map((column) => ({ ...column, notNull: false })))
    return [shown, targets]
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
    return resolve(node, scope)
  }
}

const FALSE: Ast = { A_Const: { boolval: {} } }

interface Grouped {
  readonly input: Plan
  readonly targets: readonly Item[]
  readonly having: readonly Ast[]
  readonly scope: Scope
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

function limits(select: JsonObject): boolean {
  return select['limitCount'] !== undefined || select['limitOffset'] !== undefined
}

function sortKey(sort: Ast): Ast {
  const node = as('SortBy', sort)?.['node']
  return isObject(node) ? node : {}
}

function refuseClauses(select: JsonObject): void {
  if (select['lockingClause'] !== undefined) throw new Unsupported('OTHER', 'FOR UPDATE')
}
