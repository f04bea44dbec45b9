import {
  as,
  columnRef,
  fingerprint,
  isObject,
  list,
  rebuild,
  soleColumn,
  text,
  walkLevel,
  type Ast,
  type JsonObject,
} from '../ast.ts'
import { PENDING_SUBQUERY } from './aggregation.ts'
import { functionName } from './calls.ts'
import type { Names } from './names.ts'
import { notNull } from './nullability.ts'
import { project, type Item, type Partitioned, type Plan } from './plan.ts'

/**
 * Window functions. The input is projected to what the calls read; the calls become columns. Rows are computed by the
 * partitions that all calls agree on; a call without PARTITION BY, or with another one, makes it the whole input.
 */
export function windowed(
  input: Plan,
  targets: readonly Item[],
  names: Names,
): { readonly plan: Plan; readonly targets: readonly Item[] } {
  const items = new Map<string, Item & { readonly notNull: boolean }>()
  const item = (expression: Ast, wish: string): Ast => {
    const print = fingerprint(expression)
    const known = items.get(print)
    if (known !== undefined) return columnRef(known.name)
    const name = soleColumn(expression) ?? names.fresh(wish)
    items.set(print, { name, expression, notNull: notNull(expression, input.columns) })
    return columnRef(name)
  }
  for (const column of input.columns) item(columnRef(column.name), column.name)

  const calls: { name: string; call: Ast }[] = []
  const partitions: Set<string>[] = []
  const rewritten = targets.map((target): Item => {
    const expression = rebuild(target.expression, (type, body) => {
      if (type !== 'FuncCall' || body['over'] === undefined) return undefined
      const window = isObject(body['over']) ? body['over'] : {}
      const by = list(window['partitionClause']).map((node) => item(node, 'partition'))
      const order = list(window['orderClause']).map((sort): Ast => {
        const inner = as('SortBy', sort) ?? {}
        return { SortBy: { ...inner, node: isObject(inner['node']) ? item(inner['node'], 'sort') : null } }
      })
      const filter = isObject(body['agg_filter']) ? { agg_filter: item(body['agg_filter'], 'filter') } : {}
      const over = {
        ...window,
        ...(by.length > 0 ? { partitionClause: by } : {}),
        ...(order.length > 0 ? { orderClause: order } : {}),
      }
      const args = list(body['args']).map((value) => (isConstant(value) ? value : item(value, 'argument')))
      const call: Ast = { FuncCall: { ...body, ...filter, ...(args.length > 0 ? { args } : {}), over } }
      partitions.push(new Set(by.map((column) => soleColumn(column) ?? '')))
      const name = names.fresh(functionName(body).split('.').at(-1) ?? 'window')
      calls.push({ name, call })
      return columnRef(name)
    })
    return { name: target.name, expression }
  })
  if (calls.length === 0) return { plan: input, targets }
  const [first, ...others] = partitions
  const keys = [...(first ?? [])].filter((column) => others.every((other) => other.has(column)))
  const projected = project(input, [...items.values()])
  const plan: Partitioned = {
    kind: 'partitioned',
    input: projected,
    keys,
    transform: { kind: 'window', calls },
    columns: [...projected.columns, ...calls.map((call) => ({ name: call.name, notNull: false }))],
  }
  return { plan, targets: rewritten }
}

/** A constant argument, such as the 4 of ntile(4), stays one. */
function isConstant(value: Ast): boolean {
  const inner = as('TypeCast', value)?.['arg']
  return as('A_Const', value) !== undefined || (isObject(inner) && as('A_Const', inner) !== undefined)
}

/** The same query without a WINDOW clause: each call has its window with it, before any name is resolved. */
export function withOwnWindows(select: JsonObject): JsonObject {
  const { windowClause, ...rest } = select
  if (windowClause === undefined) return select
  const definitions = new Map<string, JsonObject>()
  const extended = (window: JsonObject): JsonObject => {
    const { name, refname, ...own } = window
    const base = definitions.get(text(refname) || text(name))
    if (base === undefined) return window
    // a window that is used as it is has the base's frame, one that extends it has its own
    return refname === undefined ? base : { ...base, ...own }
  }
  for (const node of list(windowClause)) {
    const { name, ...window } = as('WindowDef', node) ?? {}
    definitions.set(text(name), extended(window))
  }
  const inlined = (node: Ast): Ast =>
    rebuild(node, (type, body, whole) => {
      // a subquery has windows of its own
      if (type === 'SubLink') return whole
      if (type !== 'FuncCall' || !isObject(body['over'])) return undefined
      return { FuncCall: { ...body, over: extended(body['over']) } }
    })
  const within = (clause: string) => (rest[clause] === undefined ? {} : { [clause]: list(rest[clause]).map(inlined) })
  return { ...rest, ...within('targetList'), ...within('sortClause'), ...within('distinctClause') }
}

export function hasWindow(node: Ast): boolean {
  let found = false
  walkLevel(node, (type, body) => {
    if (type === 'FuncCall' && body['over'] !== undefined) found = true
    return type !== PENDING_SUBQUERY
  })
  return found
}
