import { as, columnsOf, isObject, soleColumn, strings, walk, type Ast } from '../ast.ts'
import { expressionsOf } from './free-columns.ts'
import { inputsOf, type Plan, type Transform } from './plan.ts'

/**
 * Column sets by which the rows of a plan are unique. An empty set means: at most one row.
 * Sound, not complete: no key found means bag storage, never a wrong row.
 */
export function keysOf(plan: Plan): readonly (readonly string[])[] {
  switch (plan.kind) {
    case 'scan':
      return plan.relation.keys.flatMap((key) => {
        const names = key.map((column) => plan.columns[plan.sourceColumns.indexOf(column)]?.name)
        return names.every((name) => name !== undefined) ? [names] : []
      })
    case 'constant':
      return plan.query === 'select' ? [[]] : []
    case 'filter': {
      // what equals a constant tells no rows apart
      const fixed = collates(plan) ? new Set<string>() : constants(plan.predicates)
      return keysOf(plan.input).map((key) => key.filter((column) => !fixed.has(column)))
    }
    case 'expand':
      return []
    case 'partitioned':
      if (plan.transform.kind === 'distinct-on' || isFirstRow(plan.transform)) return [plan.keys]
      return keysOf(plan.input)
    case 'project': {
      if (plan.expands) return []
      const renamed = new Map(
        plan.items.toReversed().flatMap((item) => {
          const column = soleColumn(item.expression)
          return column === undefined ? [] : [[column, item.name] as const]
        }),
      )
      return keysOf(plan.input).flatMap((key) => {
        const names = key.map((column) => renamed.get(column))
        return names.every((name) => name !== undefined) ? [names] : []
      })
    }
    case 'union-all':
    case 'working-table':
      return []
    case 'recursion':
      return plan.all ? [] : [plan.columns.map((column) => column.name)]
    case 'aggregate':
      return [plan.keys]
    case 'semi-join':
      return keysOf(plan.left)
    case 'join': {
      const left = keysOf(plan.left)
      const right = keysOf(plan.right)
      const fixedRight = fixedBy(plan.left, plan.right, plan.conditions)
      const fixedLeft = fixedBy(plan.right, plan.left, plan.conditions)
      // A row of one side meets at most one of the other when the other's key is equated to it.
      const reduced = [
        ...(right.some((key) => key.every((column) => fixedRight.has(column))) ? left : []),
        ...(plan.type === 'inner' && left.some((key) => key.every((column) => fixedLeft.has(column))) ? right : []),
      ].filter(() => plan.type !== 'full')
      const pairs = left.flatMap((l) => right.map((r) => [...l, ...r]))
      // a full join leaves a row of each side alone: with a key of nulls on both, these two would be one
      const never = new Set([...plan.left.columns, ...plan.right.columns].flatMap((c) => (c.notNull ? c.name : [])))
      const apart = plan.type === 'full' ? pairs.filter((pair) => pair.some((column) => never.has(column))) : pairs
      return [...reduced, ...apart].slice(0, 16)
    }
  }
}

/** LIMIT 1: at most one row of each partition. */
function isFirstRow(transform: Transform): boolean {
  if (transform.kind !== 'limit' || transform.withTies || transform.limit === null) return false
  const count = as('A_Const', transform.limit)?.['ival']
  return isObject(count) && (count['ival'] === 1 || count['ival'] === undefined)
}

/** Columns of a side that a condition sets equal to what follows from a row of the other. */
export function fixedBy(other: Plan, side: Plan, conditions: readonly Ast[]): ReadonlySet<string> {
  const fixed = new Set<string>()
  if (collates(other) || collates(side) || conditions.some(isCollated)) return fixed
  const others = new Set(other.columns.map((column) => column.name))
  for (const condition of conditions) {
    if (!isEquality(condition)) continue
    const { lexpr, rexpr } = as('A_Expr', condition) ?? {}
    if (!isObject(lexpr) || !isObject(rexpr)) continue
    for (const [one, another] of [
      [lexpr, rexpr],
      [rexpr, lexpr],
    ] as const) {
      const column = soleColumn(one)
      const given = [...columnsOf(another)]
      if (column === undefined || others.has(column) || given.length === 0) continue
      if (given.every((name) => others.has(name))) fixed.add(column)
    }
  }
  return fixed
}

/** Columns that a condition sets equal to something without columns. */
function constants(conditions: readonly Ast[]): Set<string> {
  const sides = conditions.filter(isEquality).map((condition) => as('A_Expr', condition) ?? {})
  const fixed = sides.flatMap(({ lexpr, rexpr }) => {
    if (!isObject(lexpr) || !isObject(rexpr)) return []
    if (columnsOf(rexpr).size === 0) return soleColumn(lexpr) ?? []
    return columnsOf(lexpr).size === 0 ? (soleColumn(rexpr) ?? []) : []
  })
  return new Set(fixed)
}

const collating = new WeakMap<Plan, boolean>()

/**
 * Whether `=` may hold of values that a key tells apart: somewhere below is a collation of somebody's own, which need not
 * be deterministic, as PostgreSQL's are.
 */
function collates(plan: Plan): boolean {
  const found =
    collating.get(plan) ??
    (expressionsOf(plan).some(isCollated) ||
      (plan.kind === 'scan' &&
        plan.relation.columns.some(({ collation }) => collation !== null && !isOfPostgres(collation))) ||
      inputsOf(plan).some(collates))
  collating.set(plan, found)
  return found
}

function isCollated(expression: Ast): boolean {
  let found = false
  walk(expression, (type, body) => {
    if (type === 'CollateClause' && !isOfPostgres(strings(body['collname']).join('.'))) found = true
  })
  return found
}

/** Read with an empty search path, where only what PostgreSQL brings stands without its schema. */
function isOfPostgres(collation: string): boolean {
  return collation.startsWith('pg_catalog.') || !collation.includes('.')
}

/** By PostgreSQL's own operator: another one's name has its schema. */
export function isEquality(condition: Ast): boolean {
  const body = as('A_Expr', condition)
  return body?.['kind'] === 'AEXPR_OP' && strings(body['name']).join('.') === '='
}
