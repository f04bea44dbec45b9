import { as, isObject, list, soleColumn, type Ast } from '../ast.ts'
import type { Column } from './column.ts'
import { isNumber, operands, operatorOf, partsOfNumber, ARITHMETIC } from './numbers.ts'
import type { Plan } from './plan.ts'

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
  if (!isNumber(expression, columns)) return false
  return partsOfNumber(expression)?.every((part) => notNull(part, columns)) ?? false
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
  return {
    ...plan,
    columns: plan.columns.map((column) => ({ ...column, notNull: column.notNull || proven.has(column.name) })),
  }
}

/**
 * Whether a condition is never true when all of these columns are null. An operator with a bare name is PostgreSQL's own
 * (definitions are resolved with an empty search path), and of those listed each gives null for a null.
 */
export function rejectsNulls(condition: Ast, columns: ReadonlySet<string>): boolean {
  return STRICT_COMPARISONS.has(operatorOf(condition)) && operands(condition).some((side) => isNullWith(side, columns))
}

const STRICT_COMPARISONS: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>='])

function isNullWith(expression: Ast, columns: ReadonlySet<string>): boolean {
  const column = soleColumn(expression)
  if (column !== undefined) return columns.has(column)
  return ARITHMETIC.has(operatorOf(expression)) && operands(expression).some((side) => isNullWith(side, columns))
}
