import { as, columnRef, isObject, list, nodeType, strings, text, walk, type Ast, type JsonObject } from '../ast.ts'
import { relationKey, type QueryFacts, type RelationFacts } from '../facts.ts'
import { parseSelect } from '../parse.ts'
import { printStatement } from '../print/expression.ts'
import { Unsupported } from '../unsupported.ts'
import { aggregated, isAggregation } from './aggregation.ts'
import { Names } from './names.ts'
import { notNull, refineByPredicates } from './nullability.ts'
import { distinct, filter, join, passThrough, project, type Column, type Item, type Plan, type Query } from './plan.ts'
import { freeColumns } from './free-columns.ts'
import { combine, EMPTY_SCOPE, resolve, scopeOf, type Scope } from './scope.ts'
import { afterGrouping, beforeGrouping, wherePlan, withSubqueries } from './subqueries.ts'

/**
 * Parse tree to plan. One function a clause, in the order in which SQL gives them meaning:
 * WITH, FROM, WHERE, GROUP BY and HAVING, the target list, DISTINCT, UNION. A clause without a law is refused by reason.
 */
export function analyse(facts: QueryFacts): Query {
  const analyser = new Analyser(facts)
  const { plan, outputs } = analyser.select(parseSelect(facts.definition), new Map(), null)
  requireClosed(plan)
  const items = outputs.map((output, i): Item => ({ name: facts.columns[i]?.name ?? output.name, expression: output.expression }))
  return { input: plan, items }
}

/** A query level: a plan and its columns under the names that the SQL around it sees. */
export interface Level {
  readonly plan: Plan
  readonly outputs: readonly (Item & { readonly notNull: boolean })[]
}

export interface CommonTable {
  readonly select: JsonObject
  readonly columns: readonly string[]
  readonly environment: Environment
}

export type Environment = ReadonlyMap<string, CommonTable>

export interface Source {
  readonly plan: Plan
  readonly scope: Scope
}

export class Analyser {
  readonly names = new Names()
  readonly facts: QueryFacts

  constructor(facts: QueryFacts) {
    this.facts = facts
  }

  /** `outer` is the scope around a subquery, null for a query that stands alone. */
  select(select: JsonObject, around: Environment, outer: Scope | null): Level {
    const environment = this.commonTables(select, around)
    refuseClauses(select)
    if (isObject(select['larg'])) return this.setOperation(select, environment, outer)
    if (list(select['valuesLists']).length > 0) return this.values(select)
    const level = this.plainSelect(select, environment, outer)
    return select['distinctClause'] === undefined ? level : this.distinctRows(select, level)
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
    if (select['op'] !== 'SETOP_UNION') throw new Unsupported('SET_OPERATION', select['op'] === 'SETOP_EXCEPT' ? 'EXCEPT' : 'INTERSECT')
    const sides = [select['larg'], select['rarg']].map((side) => this.select(isObject(side) ? side : {}, environment, outer))
    const [left] = sides
    if (left === undefined) throw new TypeError('a set operation without sides')
    const columns = left.outputs.map((output, i): Column => ({
      name: this.names.fresh(output.name),
      notNull: sides.every((side) => side.outputs[i]?.notNull === true),
    }))
    const inputs = sides.map((side) => {
      const items = side.outputs.map((output, i) => ({ ...output, name: columns[i]?.name ?? output.name }))
      return project(side.plan, items)
    })
    const union: Plan = { kind: 'union-all', inputs, columns }
    const plan = select['all'] === true ? union : distinct(union)
    const outputs = passThrough(columns).map((item, i) => ({ ...item, name: left.outputs[i]?.name ?? item.name, notNull: columns[i]?.notNull === true }))
    return { plan, outputs }
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
    const filtered = this.where(select, from, environment)
    return this.output(select, { plan: filtered, scope: from.scope }, environment)
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
    return { plan, outputs: withNullability(plan, targets) }
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
    const grouping = list(select['groupClause']).map((node) => this.groupExpression(node, targets, source.scope))
    const grouped = aggregated({ input: plan, grouping, targets, having, facts: this.facts, names: this.names })
    plan = grouped.plan
    const above = (expression: Ast): Ast => {
      const result = afterGrouping(this, expression, { plan, scope: source.scope }, environment)
      plan = result.plan
      return result.expression
    }
    const conditions = grouped.having.map(above)
    plan = filter(plan, conditions)
    const outputs = grouped.targets.map((target) => ({ name: target.name, expression: above(target.expression) }))
    return { plan, outputs: withNullability(plan, outputs) }
  }

  private groupExpression(node: Ast, targets: readonly Item[], scope: Scope): Ast {
    if (nodeType(node) === 'GroupingSet') throw new Unsupported('GROUPING_SETS', 'GROUPING SETS, CUBE or ROLLUP')
    const ordinal = as('A_Const', node)?.['ival']
    const position = isObject(ordinal) ? ordinal['ival'] : undefined
    const target = typeof position === 'number' ? targets[position - 1] : undefined
    return target?.expression ?? this.expression(node, scope)
  }

  /** DISTINCT groups by every output column, so each becomes a column first. */
  private distinctRows(select: JsonObject, level: Level): Level {
    const on = list(select['distinctClause'])
    if (on.some((node) => Object.keys(node).length > 0)) throw new Unsupported('DISTINCT_ON', 'DISTINCT ON')
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
    const [first, ...rest] = items.map((item) => this.fromItem(item, environment, outer))
    if (first === undefined) return { plan: { kind: 'constant', query: 'select', columns: [] }, scope: { ...EMPTY_SCOPE, outer } }
    return rest.reduce((left, right) => ({ plan: join(left.plan, right.plan, []), scope: combine(left.scope, right.scope) }), first)
  }

  private fromItem(item: Ast, environment: Environment, outer: Scope | null): Source {
    const relation = as('RangeVar', item)
    if (relation !== undefined) return this.relation(relation, environment, outer)
    const joined = as('JoinExpr', item)
    if (joined !== undefined) return this.joinExpression(joined, environment, outer)
    const subquery = as('RangeSubselect', item)
    if (subquery !== undefined) return this.subquery(subquery, environment, outer)
    if (nodeType(item) === 'RangeTableSample') throw new Unsupported('TABLE_SAMPLE', 'TABLESAMPLE')
    throw new Unsupported('LATERAL', `${nodeType(item)} in FROM`)
  }

  private joinExpression(body: JsonObject, environment: Environment, outer: Scope | null): Source {
    if (body['isNatural'] === true || body['alias'] !== undefined || body['join_using_alias'] !== undefined) {
      throw new Unsupported('OTHER', 'an alias of a join')
    }
    const left = this.fromItem(isObject(body['larg']) ? body['larg'] : {}, environment, outer)
    const right = this.fromItem(isObject(body['rarg']) ? body['rarg'] : {}, environment, outer)
    const both = combine(left.scope, right.scope)
    const type = body['jointype']
    const pairs = strings(body['usingClause']).map((name) => {
      const reference: Ast = { ColumnRef: { fields: [{ String: { sval: name } }] } }
      return { name, left: resolve(reference, left.scope), right: resolve(reference, right.scope) }
    })
    const equalities = pairs.map((pair): Ast => ({
      A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: '=' } }], lexpr: pair.left, rexpr: pair.right },
    }))
    const merged = pairs.map((pair): readonly [string, Ast] => {
      if (type === 'JOIN_FULL') return [pair.name, { CoalesceExpr: { args: [pair.left, pair.right] } }]
      return [pair.name, type === 'JOIN_RIGHT' ? pair.right : pair.left]
    })
    const scope: Scope = { ...both, merged: new Map([...both.merged, ...merged]) }
    const quals = isObject(body['quals']) ? conjuncts(this.expression(body['quals'], scope)) : []
    const conditions = [...equalities, ...quals]
    switch (type) {
      case 'JOIN_INNER':
        return { plan: join(left.plan, right.plan, conditions), scope }
      case 'JOIN_LEFT':
        return { plan: join(left.plan, right.plan, conditions, 'left'), scope }
      case 'JOIN_RIGHT':
        return { plan: join(right.plan, left.plan, conditions, 'left'), scope }
      case 'JOIN_FULL':
        return { plan: join(left.plan, right.plan, conditions, 'full'), scope }
      default:
        throw new Unsupported('OTHER', `a join of type ${String(type)}`)
    }
  }

  private subquery(body: JsonObject, environment: Environment, outer: Scope | null): Source {
    if (body['lateral'] === true) throw new Unsupported('LATERAL', 'a lateral subquery')
    const select = as('SelectStmt', body['subquery'])
    if (select === undefined) throw new Unsupported('OTHER', 'a subquery in FROM')
    return this.range(this.select(select, environment, outer), { alias: body['alias'], table: 'subquery', outer })
  }

  private relation(body: JsonObject, environment: Environment, outer: Scope | null): Source {
    const table = text(body['relname'])
    const common = body['schemaname'] === undefined ? environment.get(table) : undefined
    if (common !== undefined) {
      const level = this.select(common.select, common.environment, null)
      const outputs = level.outputs.map((output, i) => ({ ...output, name: common.columns[i] ?? output.name }))
      return this.range({ plan: level.plan, outputs }, { alias: body['alias'], table, outer })
    }
    const schema = body['schemaname'] === undefined ? 'pg_catalog' : text(body['schemaname'])
    const facts = this.facts.relations.get(relationKey(schema, table))
    if (facts === undefined) throw new Unsupported('UNCAPTURED_SOURCE', `the relation ${schema}.${table}`)
    if (facts.kind === 'view' && facts.definition !== null) {
      const level = this.select(parseSelect(facts.definition), new Map(), null)
      return this.range(level, { alias: body['alias'], table, outer, columns: facts.columns.map((column) => column.name) })
    }
    if (body['inh'] === false) throw new Unsupported('ONLY', `FROM ONLY ${table}`)
    return this.scan(facts, body['alias'], outer)
  }

  private scan(facts: RelationFacts, alias: unknown, outer: Scope | null): Source {
    if (facts.kind === 'materialized_view' || facts.kind === 'foreign' || facts.kind === 'system') {
      throw new Unsupported('UNCAPTURED_SOURCE', `${facts.schema}.${facts.table}`)
    }
    const { label, columnAliases } = aliasOf(alias, facts.table)
    const columns = facts.columns.map((column): Column => ({ name: this.names.fresh(column.name), notNull: column.notNull }))
    const visible = facts.columns.map((column, i) => [columnAliases[i] ?? column.name, columns[i]?.name ?? column.name] as const)
    return {
      plan: { kind: 'scan', relation: facts, label, columns, sourceColumns: facts.columns.map((column) => column.name) },
      scope: scopeOf(label, visible, outer),
    }
  }

  private range(level: Level, as: { readonly alias: unknown; readonly table: string; readonly outer: Scope | null; readonly columns?: readonly string[] }): Source {
    const { label, columnAliases } = aliasOf(as.alias, as.table)
    const { plan, outputs } = this.named(level)
    const visible = outputs.map((output, i) => [columnAliases[i] ?? as.columns?.[i] ?? output.name, plan.columns[i]?.name ?? output.name] as const)
    return { plan, scope: scopeOf(label, visible, as.outer) }
  }

  /** An expression in which subqueries are not looked for. */
  expression(node: Ast, scope: Scope): Ast {
    refuseExpression(node, this.facts)
    return resolve(node, scope)
  }
}

/** A plan reads only columns that it has: what is left over names the query around it in a place without a law. */
export function requireClosed(plan: Plan): void {
  const [free] = freeColumns(plan)
  if (free !== undefined) throw new Unsupported('CORRELATED', `a subquery that names ${free} of the query around it in this place`)
}

function withNullability(input: Plan, items: readonly Item[]): (Item & { readonly notNull: boolean })[] {
  return items.map((item) => ({ ...item, notNull: notNull(item.expression, input.columns) }))
}

export function conjuncts(expression: Ast): Ast[] {
  const body = as('BoolExpr', expression)
  return body !== undefined && body['boolop'] === 'AND_EXPR' ? list(body['args']).flatMap(conjuncts) : [expression]
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

function aliasOf(alias: unknown, fallback: string): { label: string; columnAliases: readonly string[] } {
  if (typeof alias !== 'object' || alias === null) return { label: fallback, columnAliases: [] }
  const body = alias as JsonObject
  return { label: typeof body['aliasname'] === 'string' ? body['aliasname'] : fallback, columnAliases: strings(body['colnames']) }
}

function refuseClauses(select: JsonObject): void {
  if (select['limitCount'] !== undefined || select['limitOffset'] !== undefined) throw new Unsupported('LIMIT', 'LIMIT or OFFSET')
  if (select['lockingClause'] !== undefined) throw new Unsupported('OTHER', 'FOR UPDATE')
}

export function refuseExpression(expression: Ast, facts: QueryFacts): void {
  const setReturning = new Set(facts.functions.filter((known) => known.setReturning).map((known) => known.name))
  walk(expression, (type, body) => {
    if (type === 'SubLink') return false
    if (type === 'GroupingFunc') throw new Unsupported('GROUPING_SETS', 'grouping()')
    if (/^Json\w*Agg$/.test(type)) throw new Unsupported('OTHER', 'a JSON aggregate of the SQL standard')
    if (type !== 'FuncCall') return true
    const name = functionName(body)
    if (body['over'] !== undefined) throw new Unsupported('WINDOW_FUNCTION', `the window function ${name}`)
    if (setReturning.has(name)) throw new Unsupported('SET_RETURNING_FUNCTION', `the function ${name} returns a set`)
    return true
  })
}

/** A function's name as `FunctionFacts` has it. */
export function functionName(call: JsonObject): string {
  const names = strings(call['funcname'])
  return (names[0] === 'pg_catalog' ? names.slice(1) : names).join('.')
}
