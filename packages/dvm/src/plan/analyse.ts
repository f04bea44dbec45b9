import { as, columnRef, isObject, list, nodeType, strings, text, walk, type Ast, type JsonObject } from '../ast.ts'
import { relationKey, type QueryFacts, type RelationFacts } from '../facts.ts'
import { parseSelect } from '../parse.ts'
import { printStatement } from '../print/expression.ts'
import { Unsupported } from '../unsupported.ts'
import { aggregated, isAggregation } from './aggregation.ts'
import { Names } from './names.ts'
import { notNull, refineByPredicates } from './nullability.ts'
import { distinct, filter, join, passThrough, project, type Column, type Item, type Plan, type Query } from './plan.ts'
import { combine, EMPTY_SCOPE, resolve, type Scope } from './scope.ts'

/**
 * Parse tree to plan. One function a clause, in the order in which SQL gives them meaning:
 * WITH, FROM, WHERE, GROUP BY and HAVING, the target list, DISTINCT, UNION. A clause without a law is refused by reason.
 */
export function analyse(facts: QueryFacts): Query {
  const analyser = new Analyser(facts)
  const { plan, outputs } = analyser.select(parseSelect(facts.definition), new Map())
  const items = outputs.map((output, i): Item => ({ name: facts.columns[i]?.name ?? output.name, expression: output.expression }))
  return { input: plan, items }
}

/** A query level: a plan and its columns under the names that the SQL around it sees. */
interface Level {
  readonly plan: Plan
  readonly outputs: readonly (Item & { readonly notNull: boolean })[]
}

interface CommonTable {
  readonly select: JsonObject
  readonly columns: readonly string[]
  readonly environment: Environment
}

type Environment = ReadonlyMap<string, CommonTable>

interface Source {
  readonly plan: Plan
  readonly scope: Scope
}

class Analyser {
  private readonly names = new Names()
  private readonly facts: QueryFacts

  constructor(facts: QueryFacts) {
    this.facts = facts
  }

  select(select: JsonObject, outer: Environment): Level {
    const environment = this.commonTables(select, outer)
    refuseClauses(select)
    if (isObject(select['larg'])) return this.setOperation(select, environment)
    if (list(select['valuesLists']).length > 0) return this.values(select)
    const level = this.plainSelect(select, environment)
    return select['distinctClause'] === undefined ? level : this.distinctRows(select, level)
  }

  private commonTables(select: JsonObject, outer: Environment): Environment {
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

  private setOperation(select: JsonObject, environment: Environment): Level {
    if (select['op'] !== 'SETOP_UNION') throw new Unsupported('SET_OPERATION', select['op'] === 'SETOP_EXCEPT' ? 'EXCEPT' : 'INTERSECT')
    const sides = [select['larg'], select['rarg']].map((side) => this.select(isObject(side) ? side : {}, environment))
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

  private plainSelect(select: JsonObject, environment: Environment): Level {
    const from = this.from(list(select['fromClause']), environment)
    const where = isObject(select['whereClause']) ? conjuncts(this.expression(select['whereClause'], from.scope)) : []
    const filtered = refineByPredicates(filter(from.plan, where))
    const targets = list(select['targetList']).map((node) => {
      const target = as('ResTarget', node) ?? {}
      const value = isObject(target['val']) ? target['val'] : {}
      return { name: targetName(target, value), expression: this.expression(value, from.scope) }
    })
    if (!isAggregation(select, this.facts)) return { plan: filtered, outputs: withNullability(filtered, targets) }
    const grouping = list(select['groupClause']).map((node) => this.groupExpression(node, targets, from.scope))
    const having = isObject(select['havingClause']) ? conjuncts(this.expression(select['havingClause'], from.scope)) : []
    const result = aggregated({ input: filtered, grouping, targets, having, facts: this.facts, names: this.names })
    return { plan: result.plan, outputs: withNullability(result.plan, result.targets) }
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
  private named(level: Level): Level {
    const columns = level.outputs.map((output) => ({ ...output, name: this.names.fresh(output.name) }))
    const plan = project(level.plan, columns)
    const outputs = columns.map((column, i) => ({
      name: level.outputs[i]?.name ?? column.name,
      expression: columnRef(column.name),
      notNull: column.notNull,
    }))
    return { plan, outputs }
  }

  private from(items: readonly Ast[], environment: Environment): Source {
    const [first, ...rest] = items.map((item) => this.fromItem(item, environment))
    if (first === undefined) return { plan: { kind: 'constant', query: 'select', columns: [] }, scope: EMPTY_SCOPE }
    return rest.reduce((left, right) => ({ plan: join(left.plan, right.plan, []), scope: combine(left.scope, right.scope) }), first)
  }

  private fromItem(item: Ast, environment: Environment): Source {
    const relation = as('RangeVar', item)
    if (relation !== undefined) return this.relation(relation, environment)
    const joined = as('JoinExpr', item)
    if (joined !== undefined) return this.joinExpression(joined, environment)
    const subquery = as('RangeSubselect', item)
    if (subquery !== undefined) return this.subquery(subquery, environment)
    if (nodeType(item) === 'RangeTableSample') throw new Unsupported('TABLE_SAMPLE', 'TABLESAMPLE')
    throw new Unsupported('LATERAL', `${nodeType(item)} in FROM`)
  }

  private joinExpression(body: JsonObject, environment: Environment): Source {
    if (body['jointype'] !== 'JOIN_INNER') throw new Unsupported('OUTER_JOIN', String(body['jointype']).replace('JOIN_', '').toLowerCase() + ' join')
    if (body['isNatural'] === true || body['alias'] !== undefined || body['join_using_alias'] !== undefined) {
      throw new Unsupported('OTHER', 'an alias of a join')
    }
    const left = this.fromItem(isObject(body['larg']) ? body['larg'] : {}, environment)
    const right = this.fromItem(isObject(body['rarg']) ? body['rarg'] : {}, environment)
    const both = combine(left.scope, right.scope)
    const using = strings(body['usingClause'])
    const pairs = using.map((name) => {
      const ref: Ast = { ColumnRef: { fields: [{ String: { sval: name } }] } }
      return { name, left: resolve(ref, left.scope), right: resolve(ref, right.scope) }
    })
    const equalities = pairs.map((pair): Ast => ({
      A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: '=' } }], lexpr: pair.left, rexpr: pair.right },
    }))
    const merged = pairs.flatMap((pair) => {
      const [column] = strings(as('ColumnRef', pair.left)?.['fields'])
      return column === undefined ? [] : [[pair.name, column] as const]
    })
    const scope: Scope = { ranges: both.ranges, merged: new Map([...both.merged, ...merged]) }
    const quals = isObject(body['quals']) ? conjuncts(this.expression(body['quals'], scope)) : []
    return { plan: join(left.plan, right.plan, [...equalities, ...quals]), scope }
  }

  private subquery(body: JsonObject, environment: Environment): Source {
    if (body['lateral'] === true) throw new Unsupported('LATERAL', 'a lateral subquery')
    const select = as('SelectStmt', body['subquery'])
    if (select === undefined) throw new Unsupported('OTHER', 'a subquery in FROM')
    return this.range(this.select(select, environment), body['alias'])
  }

  private relation(body: JsonObject, environment: Environment): Source {
    const table = text(body['relname'])
    const common = body['schemaname'] === undefined ? environment.get(table) : undefined
    if (common !== undefined) {
      const level = this.select(common.select, common.environment)
      const outputs = level.outputs.map((output, i) => ({ ...output, name: common.columns[i] ?? output.name }))
      return this.range({ plan: level.plan, outputs }, body['alias'], table)
    }
    const schema = body['schemaname'] === undefined ? 'pg_catalog' : text(body['schemaname'])
    const facts = this.facts.relations.get(relationKey(schema, table))
    if (facts === undefined) throw new Unsupported('UNCAPTURED_SOURCE', `the relation ${schema}.${table}`)
    if (facts.kind === 'view' && facts.definition !== null) {
      return this.range(this.select(parseSelect(facts.definition), new Map()), body['alias'], table, facts.columns.map((column) => column.name))
    }
    if (body['inh'] === false) throw new Unsupported('ONLY', `FROM ONLY ${table}`)
    return this.scan(facts, body['alias'])
  }

  private scan(facts: RelationFacts, alias: unknown): Source {
    if (facts.kind === 'materialized_view' || facts.kind === 'foreign' || facts.kind === 'system') {
      throw new Unsupported('UNCAPTURED_SOURCE', `${facts.schema}.${facts.table}`)
    }
    const { label, columnAliases } = aliasOf(alias, facts.table)
    const columns = facts.columns.map((column): Column => ({ name: this.names.fresh(column.name), notNull: column.notNull }))
    const visible = facts.columns.map((column, i) => [columnAliases[i] ?? column.name, columns[i]?.name ?? column.name] as const)
    return {
      plan: { kind: 'scan', relation: facts, label, columns, sourceColumns: facts.columns.map((column) => column.name) },
      scope: { ranges: [{ alias: label, columns: new Map(visible) }], merged: new Map() },
    }
  }

  private range(level: Level, alias: unknown, table = 'subquery', columnNames: readonly string[] = []): Source {
    const { label, columnAliases } = aliasOf(alias, table)
    const { plan, outputs } = this.named(level)
    const visible = outputs.map((output, i) => [columnAliases[i] ?? columnNames[i] ?? output.name, plan.columns[i]?.name ?? output.name] as const)
    return { plan, scope: { ranges: [{ alias: label, columns: new Map(visible) }], merged: new Map() } }
  }

  private expression(node: Ast, scope: Scope): Ast {
    refuseExpression(node, this.facts)
    return resolve(node, scope)
  }
}

function withNullability(input: Plan, items: readonly Item[]): (Item & { readonly notNull: boolean })[] {
  return items.map((item) => ({ ...item, notNull: notNull(item.expression, input.columns) }))
}

export function conjuncts(expression: Ast): Ast[] {
  const body = as('BoolExpr', expression)
  return body !== undefined && body['boolop'] === 'AND_EXPR' ? list(body['args']).flatMap(conjuncts) : [expression]
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

function refuseExpression(expression: Ast, facts: QueryFacts): void {
  const setReturning = new Set(facts.functions.filter((known) => known.setReturning).map((known) => known.name))
  walk(expression, (type, body) => {
    if (type === 'SubLink') throw new Unsupported('SUBQUERY_EXPRESSION', 'a subquery inside an expression')
    if (type === 'GroupingFunc') throw new Unsupported('GROUPING_SETS', 'grouping()')
    if (/^Json\w*Agg$/.test(type)) throw new Unsupported('OTHER', 'a JSON aggregate of the SQL standard')
    if (type !== 'FuncCall') return
    const name = functionName(body)
    if (body['over'] !== undefined) throw new Unsupported('WINDOW_FUNCTION', `the window function ${name}`)
    if (setReturning.has(name)) throw new Unsupported('SET_RETURNING_FUNCTION', `the function ${name} returns a set`)
  })
}

/** A function's name as `FunctionFacts` has it. */
export function functionName(call: JsonObject): string {
  const names = strings(call['funcname'])
  return (names[0] === 'pg_catalog' ? names.slice(1) : names).join('.')
}
