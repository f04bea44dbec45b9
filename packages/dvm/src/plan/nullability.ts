import { as, isObject, list, soleColumn, type Ast } from '../ast.ts'
import type { Column, Plan } from './plan.ts'

/**
 * Which columns can not be null: what the catalog says, carried through the operators, and what a WHERE proves.
 * "Not known" is always a safe answer; it costs a hidden key column, never a wrong row.
 */
export function notNull(expression: Ast, columns: readonly Column[]): boolean {
  const column = soleColumn(expression)
  if (column !== undefined) return columns.some((candidate) => candidate.name === column && candidate.notNull)
  const constant = as('A_Const', expression)
  if (constant !== undefined) return constant['isnull'] !== true
  const coalesce = as('CoalesceExpr', expression)
  if (coalesce !== undefined) return list(coalesce['args']).some((argument) => notNull(argument, columns))
  return false
}

/** `where x is not null` makes x not null above it. */
export function refineByPredicates(plan: Plan): Plan {
  if (plan.kind !== 'filter') return plan
  const proven = new Set(
    plan.predicates.flatMap((predicate) => {
      const test = as('NullTest', predicate)
      const argument = test?.['arg']
      const column = test?.['nulltesttype'] === 'IS_NOT_NULL' && isObject(argument) ? soleColumn(argument) : undefined
      return column === undefined ? [] : [column]
    }),
  )
  return { ...plan, columns: plan.columns.map((column) => ({ ...column, notNull: column.notNull || proven.has(column.name) })) }
}
