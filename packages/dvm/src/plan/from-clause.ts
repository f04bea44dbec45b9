import { as, fingerprint, isObject, list, nodeType, strings, text, walk, type Ast, type JsonObject } from '../ast.ts'
import { relationKey, type RelationFacts } from '../facts.ts'
import { parseSelect } from '../parse.ts'
import { Unsupported } from '../unsupported.ts'
import { conjuncts } from './conditions.ts'
import type { Environment, Level, QueryAnalyser, Source } from './level.ts'
import { isNumberType } from './numbers.ts'
import type { Column } from './column.ts'
import { filter, join, type Expand, type Plan } from './plan.ts'
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
    fromItem(analyser, first, environment, outer),
  )
}

function joinedWith(
  analyser: QueryAnalyser,
  left: Source,
  item: Ast,
  environment: Environment,
  outer: Scope | null,
): Source {
  const call = as('RangeFunction', item)
  if (call !== undefined) return expand(analyser, left, call, 'inner')
  const right = fromItem(analyser, item, environment, outer)
  return { plan: join(left.plan, right.plan, []), scope: combine(left.scope, right.scope) }
}

/** A function in FROM sees the items before it. */
function expand(analyser: QueryAnalyser, input: Source, body: JsonObject, type: Expand['type']): Source {
  const alias = isObject(body['alias']) ? body['alias'] : {}
  const definitions = list(body['coldeflist']).map((node) => as('ColumnDef', node) ?? {})
  const declared =
    definitions.length > 0 ? definitions.map((definition) => text(definition['colname'])) : strings(alias['colnames'])
  if (declared.length === 0) throw new Unsupported('LATERAL', 'a function in FROM whose columns have no names')
  const added = declared.map((name) => analyser.names.fresh(name))
  const resolved = resolve({ List: { items: list(body['functions']) } }, input.scope)
  const call: Ast = {
    RangeFunction: {
      ...body,
      lateral: true,
      functions: list(as('List', resolved)?.['items']),
      alias:
        definitions.length > 0 ? alias : { ...alias, colnames: added.map((name): Ast => ({ String: { sval: name } })) },
      ...(definitions.length > 0
        ? {
            coldeflist: definitions.map((definition, i): Ast => ({
              ColumnDef: { ...definition, colname: added[i] ?? '' },
            })),
          }
        : {}),
    },
  }
  const columns = [...input.plan.columns, ...added.map((name): Column => ({ name, notNull: false }))]
  const plan: Plan = { kind: 'expand', type, input: input.plan, call, added, columns }
  const own = scopeOf(
    text(alias['aliasname']),
    declared.map((name, i) => [name, added[i] ?? name] as const),
    input.scope.outer,
  )
  return { plan, scope: combine(input.scope, own) }
}

function fromItem(analyser: QueryAnalyser, item: Ast, environment: Environment, outer: Scope | null): Source {
  const relation = as('RangeVar', item)
  if (relation !== undefined) return relationItem(analyser, relation, environment, outer)
  const joined = as('JoinExpr', item)
  if (joined !== undefined) return joinExpression(analyser, joined, environment, outer)
  const call = as('RangeFunction', item)
  if (call !== undefined)
    return expand(
      analyser,
      { plan: { kind: 'constant', query: 'select', columns: [] }, scope: { ...EMPTY_SCOPE, outer } },
      call,
      'inner',
    )
  const subquery = as('RangeSubselect', item)
  if (subquery !== undefined) return subqueryItem(analyser, subquery, environment, outer)
  if (nodeType(item) === 'RangeTableSample') throw new Unsupported('TABLE_SAMPLE', 'TABLESAMPLE')
  throw new Unsupported('LATERAL', `${nodeType(item)} in FROM`)
}

function joinExpression(
  analyser: QueryAnalyser,
  body: JsonObject,
  environment: Environment,
  outer: Scope | null,
): Source {
  if (body['isNatural'] === true || body['alias'] !== undefined || body['join_using_alias'] !== undefined) {
    throw new Unsupported('OTHER', 'an alias of a join')
  }
  const left = fromItem(analyser, isObject(body['larg']) ? body['larg'] : {}, environment, outer)
  const called = as('RangeFunction', body['rarg'])
  if (called !== undefined) return joinedCall(analyser, left, called, body)
  const right = fromItem(analyser, isObject(body['rarg']) ? body['rarg'] : {}, environment, outer)
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
  // between inner joins ON is a WHERE, and may ask the same
  if (type === 'JOIN_INNER' && asks(body['quals'])) {
    const source = { plan: join(left.plan, right.plan, equalities), scope }
    return { plan: analyser.where({ whereClause: body['quals'] }, source, environment), scope }
  }
  const quals = isObject(body['quals']) ? conjuncts(analyser.expression(body['quals'], scope)) : []
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
      throw new Unsupported('OTHER', `a join of type ${text(type)}`)
  }
}

function asks(condition: JsonObject[string]): boolean {
  let found = false
  walk(condition, (type) => {
    if (type === 'SubLink') found = true
  })
  return found
}

function joinedCall(analyser: QueryAnalyser, left: Source, call: JsonObject, body: JsonObject): Source {
  const always = body['quals'] === undefined || fingerprint(body['quals']) === fingerprint(TRUE)
  if (body['jointype'] === 'JOIN_INNER') {
    const source = expand(analyser, left, call, 'inner')
    return always
      ? source
      : {
          ...source,
          plan: filter(
            source.plan,
            conjuncts(analyser.expression(isObject(body['quals']) ? body['quals'] : TRUE, source.scope)),
          ),
        }
  }
  if (body['jointype'] === 'JOIN_LEFT' && always) return expand(analyser, left, call, 'left')
  throw new Unsupported('LATERAL', 'an outer join with a function on a condition')
}

function subqueryItem(
  analyser: QueryAnalyser,
  body: JsonObject,
  environment: Environment,
  outer: Scope | null,
): Source {
  if (body['lateral'] === true) throw new Unsupported('LATERAL', 'a lateral subquery')
  const select = as('SelectStmt', body['subquery'])
  if (select === undefined) throw new Unsupported('OTHER', 'a subquery in FROM')
  return range(analyser, analyser.select(select, environment, outer), {
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
    const level = analyser.shared(common, () => analyser.select(common.select, common.environment, null))
    const outputs = level.outputs.map((output, i) => ({ ...output, name: common.columns[i] ?? output.name }))
    return range(analyser, { plan: level.plan, outputs }, { alias: body['alias'], table, outer })
  }
  const schema = body['schemaname'] === undefined ? 'pg_catalog' : text(body['schemaname'])
  const facts = analyser.facts.relations.get(relationKey(schema, table))
  if (facts === undefined) throw new Unsupported('UNCAPTURED_SOURCE', `the relation ${schema}.${table}`)
  if (facts.kind === 'view' && facts.definition !== null) {
    const { definition } = facts
    const level = analyser.shared(facts, () => analyser.select(parseSelect(definition), new Map(), null))
    return range(analyser, level, {
      alias: body['alias'],
      table,
      outer,
      columns: facts.columns.map((column) => column.name),
    })
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
  return {
    plan: { kind: 'scan', relation: facts, label, columns, sourceColumns: facts.columns.map((column) => column.name) },
    scope: scopeOf(label, visible, outer),
  }
}

function range(
  analyser: QueryAnalyser,
  level: Level,
  as: {
    readonly alias: unknown
    readonly table: string
    readonly outer: Scope | null
    readonly columns?: readonly string[]
  },
): Source {
  const { label, columnAliases } = aliasOf(as.alias, as.table)
  const { plan, outputs } = analyser.named(level)
  const visible = outputs.map(
    (output, i) => [columnAliases[i] ?? as.columns?.[i] ?? output.name, plan.columns[i]?.name ?? output.name] as const,
  )
  return { plan, scope: scopeOf(label, visible, as.outer) }
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
