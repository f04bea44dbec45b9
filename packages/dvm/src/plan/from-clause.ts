import {
  as,
  fingerprint,
  isObject,
  list,
  nodeType,
  soleColumn,
  strings,
  text,
  type Ast,
  type JsonObject,
} from '../ast.ts'
import { relationKey, type RelationFacts } from '../facts.ts'
import { parseSelect } from '../parse.ts'
import { declaredColumns } from '../print/json-and-xml.ts'
import { Unsupported } from '../unsupported.ts'
import { conditionedJoin } from './conditioned-join.ts'
import { conjuncts } from './conditions.ts'
import { dependentJoin } from './dependent-join.ts'
import type { Environment, Level, QueryAnalyser, Source } from './level.ts'
import { mergedColumn } from './merged-column.ts'
import { isNumberType } from './numbers.ts'
import type { Column } from './column.ts'
import type { Expand, Plan } from './plan.ts'
import { withRow } from './whole-row.ts'
import { recursion, workingTable } from './recursion.ts'
import { combine, EMPTY_SCOPE, resolve, scopeOf, type Scope } from './scope.ts'

/**
 * FROM: tables, views and common table expressions, subqueries, joins, and set-returning functions, which see the
 * items before them. Each item gives a plan and the names by which the rest of the query knows its columns.
 */
export function fromClause(
  analyser: QueryAnalyser,
  items: readonly Ast[],
  environment: Environment,
  outer: Scope | null,
): Source {
  const nothing: Source = { plan: { kind: 'constant', query: 'select', columns: [] }, scope: { ...EMPTY_SCOPE, outer } }
  const [first, ...rest] = items
  if (first === undefined) return nothing
  return rest.reduce(
    (left, item) => joinedWith(analyser, left, item, environment, outer),
    fromItem(analyser, first, environment, { outer, beside: null }),
  )
}

/** What an item may name: the query around it, and if it is lateral the items before it. */
interface Around {
  readonly outer: Scope | null
  readonly beside: Scope | null
}

function joinedWith(
  analyser: QueryAnalyser,
  left: Source,
  item: Ast,
  environment: Environment,
  outer: Scope | null,
): Source {
  if (isCall(item)) return expand(analyser, left, item, 'inner', null)
  const right = fromItem(analyser, item, environment, { outer, beside: left.scope })
  return { plan: dependentJoin(analyser, left.plan, right.plan, [], 'inner'), scope: combine(left.scope, right.scope) }
}

/** A function in FROM sees the items before it; so do JSON_TABLE and XMLTABLE. */
function expand(analyser: QueryAnalyser, input: Source, item: Ast, type: Expand['type'], beside: Scope | null): Source {
  const { kind, body } = callOf(item)
  const { alias: written, ...unnamed } = body
  const alias = isObject(written) ? written : {}
  const definitions = list(body['coldeflist']).map((node) => as('ColumnDef', node) ?? {})
  const renamed = strings(alias['colnames'])
  const own =
    definitions.length > 0
      ? definitions.map((definition) => text(definition['colname']))
      : declaredColumns(list(body['columns']))
  const declared = own.length > renamed.length ? own.map((name, i) => renamed[i] ?? name) : renamed
  if (declared.length === 0) throw new Unsupported('LATERAL', 'a function in FROM whose columns have no names')
  const added = declared.map((name) => analyser.names.fresh(name))
  const resolved = resolve({ [kind]: unnamed }, { ...input.scope, outer: beside ?? input.scope.outer })
  // a name that no column and no other item has
  const aliased = { aliasname: '__call', colnames: added.map(nameNode) }
  const call: Ast = { [kind]: { ...withDefinitions(as(kind, resolved) ?? {}), lateral: true, alias: aliased } }
  const columns = [...input.plan.columns, ...added.map((name): Column => ({ name, notNull: false }))]
  const plan: Plan = { kind: 'expand', type, input: input.plan, call, added, columns }
  const scope = scopeOf(
    text(alias['aliasname']),
    declared.map((name, i) => [name, added[i] ?? name] as const),
    input.scope.outer,
  )
  return { plan, scope: combine(input.scope, scope) }
}

/** A function may look at the names of the columns that it is defined with, so they stay as they are, under others. */
function withDefinitions(body: JsonObject): JsonObject {
  const { coldeflist, ...call } = body
  const definitions = list(coldeflist)
  if (definitions.length === 0) return body
  const functions = list(call['functions']).map((node): Ast => ({
    List: { items: [...list(as('List', node)?.['items']).slice(0, 1), { List: { items: definitions } }] },
  }))
  return { ...call, is_rowsfrom: true, functions }
}

const CALLS = ['RangeFunction', 'JsonTable', 'RangeTableFunc'] as const

function isCall(item: Ast): boolean {
  return CALLS.some((kind) => as(kind, item) !== undefined)
}

function callOf(item: Ast): { readonly kind: string; readonly body: JsonObject } {
  const kind = nodeType(item)
  return { kind, body: as(kind, item) ?? {} }
}

function nameNode(name: string): Ast {
  return { String: { sval: name } }
}

function fromItem(analyser: QueryAnalyser, item: Ast, environment: Environment, around: Around): Source {
  const { outer, beside } = around
  const relation = as('RangeVar', item)
  if (relation !== undefined) return relationItem(analyser, relation, environment, outer)
  const joined = as('JoinExpr', item)
  if (joined !== undefined) return joinExpression(analyser, joined, environment, around)
  if (isCall(item))
    return expand(
      analyser,
      { plan: { kind: 'constant', query: 'select', columns: [] }, scope: { ...EMPTY_SCOPE, outer } },
      item,
      'inner',
      beside,
    )
  const subquery = as('RangeSubselect', item)
  if (subquery !== undefined) return subqueryItem(analyser, subquery, environment, around)
  if (nodeType(item) === 'RangeTableSample') throw new Unsupported('TABLE_SAMPLE', 'TABLESAMPLE')
  throw new Unsupported('LATERAL', `${nodeType(item)} in FROM`)
}

function joinExpression(analyser: QueryAnalyser, body: JsonObject, environment: Environment, around: Around): Source {
  const { alias, join_using_alias: usingAlias, ...unnamed } = body
  if (isObject(alias) || isObject(usingAlias))
    return aliasedJoin(joinExpression(analyser, unnamed, environment, around), unnamed, alias, usingAlias)
  const left = fromItem(analyser, isObject(body['larg']) ? body['larg'] : {}, environment, around)
  const beside = around.beside === null ? left.scope : combine(around.beside, left.scope)
  const called = isObject(body['rarg']) && isCall(body['rarg']) ? body['rarg'] : undefined
  const simply = called === undefined ? undefined : joinedCall(analyser, left, called, body, around)
  if (simply !== undefined) return simply
  const right = fromItem(analyser, isObject(body['rarg']) ? body['rarg'] : {}, environment, { ...around, beside })
  const both = combine(left.scope, right.scope)
  const type = body['jointype']
  const pairs = strings(body['usingClause']).map((name) => {
    const reference: Ast = { ColumnRef: { fields: [{ String: { sval: name } }] } }
    return { name, left: resolve(reference, left.scope), right: resolve(reference, right.scope) }
  })
  const equalities = pairs.map((pair): Ast => ({
    A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: '=' } }], lexpr: pair.left, rexpr: pair.right },
  }))
  const kind = JOINS[text(type)]
  if (kind === undefined) throw new Unsupported('OTHER', `a join of type ${text(type)}`)
  const merged = pairs.map((pair): readonly [string, Ast] => [
    pair.name,
    mergedColumn(kind, { plan: left.plan, column: pair.left }, { plan: right.plan, column: pair.right }),
  ])
  const scope: Scope = { ...both, merged: new Map([...both.merged, ...merged]) }
  const quals = isObject(body['quals']) ? conjuncts(body['quals']) : []
  const sides = { left, right: { ...right, scope }, equalities, quals }
  if (kind !== 'right') return { plan: conditionedJoin(analyser, kind, sides, environment), scope }
  const exchanged = { ...sides, left: right, right: { ...left, scope } }
  return { plan: conditionedJoin(analyser, 'left', exchanged, environment), scope }
}

const JOINS: Readonly<Record<string, 'inner' | 'left' | 'right' | 'full'>> = {
  JOIN_INNER: 'inner',
  JOIN_LEFT: 'left',
  JOIN_RIGHT: 'right',
  JOIN_FULL: 'full',
}

/**
 * `(a join b) as j` hides both sides behind one name, the merged columns first; `using (…) as j` names the merged ones
 * beside them.
 */
function aliasedJoin(
  source: Source,
  body: JsonObject,
  alias: JsonObject[string],
  usingAlias: JsonObject[string],
): Source {
  const { scope } = source
  const merged = strings(body['usingClause']).flatMap((name) => {
    const column = soleColumn(scope.merged.get(name) ?? {})
    if (column === undefined)
      throw new Unsupported('OTHER', 'an alias of a join by USING that is a full one, or of columns of different types')
    return [[name, column] as const]
  })
  if (isObject(usingAlias)) {
    const { ranges } = scopeOf(text(usingAlias['aliasname']), merged, scope.outer)
    const named = { ...source, scope: { ...scope, ranges: [...scope.ranges, ...ranges] } }
    return isObject(alias) ? aliasedJoin(named, body, alias, undefined) : named
  }
  const { label, columnAliases } = aliasOf(alias, '')
  const shared = new Set(merged.map(([name]) => name))
  const others = scope.ranges.flatMap(({ columns }) => [...columns]).filter(([name]) => !shared.has(name))
  const visible = [...merged, ...others].map(([name, column], i) => [columnAliases[i] ?? name, column] as const)
  return { ...source, scope: scopeOf(label, visible, scope.outer) }
}

/** A join with a function without a condition that the function's own law would not hold under. */
function joinedCall(
  analyser: QueryAnalyser,
  left: Source,
  call: Ast,
  body: JsonObject,
  { beside }: Around,
): Source | undefined {
  const using = list(body['usingClause']).length > 0
  const always = !using && (body['quals'] === undefined || fingerprint(body['quals']) === fingerprint(TRUE))
  if (body['jointype'] === 'JOIN_INNER' && always) return expand(analyser, left, call, 'inner', beside)
  if (body['jointype'] === 'JOIN_LEFT' && always) return expand(analyser, left, call, 'left', beside)
  return undefined
}

function subqueryItem(
  analyser: QueryAnalyser,
  body: JsonObject,
  environment: Environment,
  { outer, beside }: Around,
): Source {
  const scope = body['lateral'] === true ? (beside ?? outer) : outer
  const select = as('SelectStmt', body['subquery'])
  if (select === undefined) throw new Unsupported('OTHER', 'a subquery in FROM')
  return range(analyser, analyser.select(select, environment, scope), {
    alias: body['alias'],
    table: 'subquery',
    outer,
  })
}

function relationItem(
  analyser: QueryAnalyser,
  body: JsonObject,
  environment: Environment,
  outer: Scope | null,
): Source {
  const table = text(body['relname'])
  const common = body['schemaname'] === undefined ? environment.get(table) : undefined
  if (common !== undefined) {
    const open = analyser.recursionOf(common)
    if (open !== undefined) {
      const plan = workingTable(analyser, open)
      const shown = open.shown.map((name, i) => [common.columns[i] ?? name, plan.columns[i]?.name ?? name] as const)
      const { label, columnAliases } = aliasOf(body['alias'], table)
      const visible = shown.map(([name, column], i) => [columnAliases[i] ?? name, column] as const)
      return { plan, scope: scopeOf(label, visible, outer) }
    }
    const level = analyser.shared(common, () =>
      common.recursive ? recursion(analyser, common) : analyser.select(common.select, common.environment, common.outer),
    )
    const outputs = level.outputs.map((output, i) => ({ ...output, name: common.columns[i] ?? output.name }))
    return range(analyser, { plan: level.plan, outputs }, { alias: body['alias'], table, outer })
  }
  const schema = body['schemaname'] === undefined ? 'pg_catalog' : text(body['schemaname'])
  const facts = analyser.facts.relations.get(relationKey(schema, table))
  if (facts === undefined) throw new Unsupported('UNCAPTURED_SOURCE', `the relation ${schema}.${table}`)
  if (facts.kind === 'view' && facts.definition !== null) {
    const { definition } = facts
    const level = analyser.shared(facts, () => analyser.select(parseSelect(definition), new Map(), null))
    const columns = facts.columns.map((column) => column.name)
    return range(analyser, level, { alias: body['alias'], table, outer, columns, view: facts })
  }
  // the parser leaves out what is false
  if (body['inh'] !== true) throw new Unsupported('ONLY', `FROM ONLY ${table}`)
  return scan(analyser, facts, body['alias'], outer)
}

function scan(analyser: QueryAnalyser, facts: RelationFacts, alias: unknown, outer: Scope | null): Source {
  if (facts.kind === 'materialized_view' || facts.kind === 'foreign' || facts.kind === 'system') {
    throw new Unsupported('UNCAPTURED_SOURCE', `${facts.schema}.${facts.table}`)
  }
  const { label, columnAliases } = aliasOf(alias, facts.table)
  const columns = facts.columns.map((column): Column => ({
    name: analyser.names.fresh(column.name),
    notNull: column.notNull,
    number: isNumberType(column.type?.oid),
  }))
  const visible = facts.columns.map(
    (column, i) => [columnAliases[i] ?? column.name, columns[i]?.name ?? column.name] as const,
  )
  const sourceColumns = facts.columns.map((column) => column.name)
  const read: Plan = { kind: 'scan', relation: facts, label, columns, sourceColumns }
  const { plan, row } = withRow(read, facts, analyser.names, analyser.facts)
  return { plan, scope: scopeOf(label, visible, outer, row) }
}

function range(
  analyser: QueryAnalyser,
  level: Level,
  as: {
    readonly alias: unknown
    readonly table: string
    readonly outer: Scope | null
    readonly columns?: readonly string[]
    readonly view?: RelationFacts
  },
): Source {
  const { label, columnAliases } = aliasOf(as.alias, as.table)
  const named = analyser.named(level)
  const { outputs } = named
  const visible = outputs.map(
    (output, i) =>
      [columnAliases[i] ?? as.columns?.[i] ?? output.name, named.plan.columns[i]?.name ?? output.name] as const,
  )
  const { plan, row } =
    as.view === undefined
      ? { plan: named.plan, row: null }
      : withRow(named.plan, as.view, analyser.names, analyser.facts)
  return { plan, scope: scopeOf(label, visible, as.outer, row) }
}

const TRUE: Ast = { A_Const: { boolval: { boolval: true } } }

function aliasOf(alias: unknown, fallback: string): { label: string; columnAliases: readonly string[] } {
  if (typeof alias !== 'object' || alias === null) return { label: fallback, columnAliases: [] }
  const body = alias as JsonObject
  return {
    label: typeof body['aliasname'] === 'string' ? body['aliasname'] : fallback,
    columnAliases: strings(body['colnames']),
  }
}
