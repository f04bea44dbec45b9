import { columnsOf, type Ast } from '../ast.ts'
import { Unsupported } from '../unsupported.ts'
import { inputsOf, type Plan, type Transform } from './plan.ts'

const known = new WeakMap<Plan, ReadonlySet<string>>()

/** Columns that a plan's expressions read and no input gives: those of a query around it. */
export function freeColumns(plan: Plan): ReadonlySet<string> {
  const found = known.get(plan) ?? freeColumnsOf(plan)
  known.set(plan, found)
  return found
}

function freeColumnsOf(plan: Plan): Set<string> {
  const inputs = inputsOf(plan)
  const given = new Set(inputs.flatMap((input) => input.columns.map((column) => column.name)))
  const free = new Set(inputs.flatMap((input) => [...freeColumns(input)]))
  for (const expression of expressionsOf(plan)) {
    for (const name of columnsOf(expression)) if (!given.has(name)) free.add(name)
  }
  return free
}

/** The expressions of one operator, not of its inputs. */
export function expressionsOf(plan: Plan): readonly Ast[] {
  switch (plan.kind) {
    case 'scan':
    case 'constant':
    case 'union-all':
    case 'recursion':
    case 'working-table':
      return []
    case 'filter':
      return plan.predicates
    case 'project':
      return plan.items.map((item) => item.expression)
    case 'join':
    case 'semi-join':
      return plan.conditions
    case 'expand':
      return [plan.call]
    case 'aggregate':
      return plan.calls.map((call) => call.call)
    case 'partitioned':
      return transformExpressions(plan.transform)
  }
}

export function transformExpressions(transform: Transform): readonly Ast[] {
  switch (transform.kind) {
    case 'window':
      return transform.calls.map((call) => call.call)
    case 'distinct-on':
      return transform.order
    case 'limit':
      return [...transform.order, ...[transform.limit, transform.offset].filter((count) => count !== null)]
  }
}

/** A plan reads only columns that it has: what is left over names the query around it in a place without a law. */
export function requireClosed(plan: Plan): void {
  const [free] = freeColumns(plan)
  if (free !== undefined)
    throw new Unsupported('CORRELATED', `a subquery that names ${free} of the query around it in this place`)
}
