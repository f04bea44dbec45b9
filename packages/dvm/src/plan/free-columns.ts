import { columnsOf, type Ast } from '../ast.ts'
import { inputsOf, type Plan } from './plan.ts'

/** Columns that a plan's expressions read and no input gives: those of a query around it. */
export function freeColumns(plan: Plan): Set<string> {
  const inputs = inputsOf(plan)
  const given = new Set(inputs.flatMap((input) => input.columns.map((column) => column.name)))
  const free = new Set(inputs.flatMap((input) => [...freeColumns(input)]))
  for (const expression of expressionsOf(plan)) {
    for (const name of columnsOf(expression)) if (!given.has(name)) free.add(name)
  }
  return free
}

function expressionsOf(plan: Plan): readonly Ast[] {
  switch (plan.kind) {
    case 'scan':
    case 'constant':
    case 'union-all':
      return []
    case 'filter':
      return plan.predicates
    case 'project':
      return plan.items.map((item) => item.expression)
    case 'join':
    case 'semi-join':
      return plan.conditions
    case 'aggregate':
      return plan.calls.map((call) => call.call)
  }
}
