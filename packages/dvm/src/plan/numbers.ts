import { as, isObject, list, soleColumn, strings, type Ast } from '../ast.ts'
import type { Column } from './column.ts'

/**
 * Whether an expression is a number of a type of PostgreSQL's own. Of numbers it is known that arithmetic and casts
 * among them give no null that they were not given; a jsonb null becomes one, and so does a sum of paths.
 */
export function isNumber(expression: Ast, columns: readonly Column[]): boolean {
  const column = soleColumn(expression)
  if (column !== undefined) return columns.some((candidate) => candidate.name === column && candidate.number === true)
  const constant = as('A_Const', expression)
  if (constant !== undefined) return 'ival' in constant || 'fval' in constant
  return partsOfNumber(expression)?.every((part) => isNumber(part, columns)) ?? false
}

/** What a number is computed from, where that is arithmetic or a cast to a numeric type; else null. */
export function partsOfNumber(expression: Ast): readonly Ast[] | null {
  const cast = as('TypeCast', expression)
  if (cast !== undefined) {
    const type = cast['typeName']
    const names = isObject(type) ? strings(type['names']) : []
    const arg = cast['arg']
    const numeric =
      names[0] === 'pg_catalog' &&
      NUMBER_NAMES.has(names[1] ?? '') &&
      isObject(type) &&
      list(type['arrayBounds']).length === 0
    return numeric && isObject(arg) ? [arg] : null
  }
  return ARITHMETIC.has(operatorOf(expression)) ? operands(expression) : null
}

/** Of the types, their names in casts and their identifiers in the catalog. */
const NUMBER_TYPES = { int2: 21, int4: 23, int8: 20, float4: 700, float8: 701, numeric: 1700 } as const
const NUMBER_NAMES: ReadonlySet<string> = new Set(Object.keys(NUMBER_TYPES))
const NUMBERS: ReadonlySet<number> = new Set(Object.values(NUMBER_TYPES))

export function isNumberType(oid: number | undefined): boolean {
  return oid !== undefined && NUMBERS.has(oid)
}

export const ARITHMETIC: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%'])

/** An operator with a bare name is PostgreSQL’s own: definitions are resolved with an empty search path. */
export function operatorOf(expression: Ast): string {
  const body = as('A_Expr', expression)
  const names = body?.['kind'] === 'AEXPR_OP' ? strings(body['name']) : []
  return names.length === 1 ? (names[0] ?? '') : ''
}

export function operands(expression: Ast): readonly Ast[] {
  const body = as('A_Expr', expression)
  return [body?.['lexpr'], body?.['rexpr']].filter(isObject)
}
