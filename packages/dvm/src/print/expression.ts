import { Deparser } from 'pgsql-deparser'

import { as, fingerprint, list, type Ast } from '../ast.ts'
import { parseSelect } from '../parse.ts'
import { Unsupported } from '../unsupported.ts'

/**
 * Expressions as text, safely. The stock deparser drops parentheses that carry meaning, so every nested operator is
 * parenthesised here; and nothing leaves this file that does not parse back into the very tree it was printed from.
 */
const NESTED = new Set(['A_Expr', 'BoolExpr', 'NullTest', 'BooleanTest', 'CollateClause', 'SubLink'])

class ParenthesisingDeparser extends Deparser {
  static print(expression: Ast): string {
    return new ParenthesisingDeparser(expression as unknown as ConstructorParameters<typeof Deparser>[0], { pretty: false }).deparseQuery()
  }

  override visit(...args: Parameters<Deparser['visit']>): string {
    const printed = super.visit(...args)
    return NESTED.has(this.getNodeType(args[0])) ? `(${printed})` : printed
  }
}

const printed = new WeakMap<Ast, string>()

export function printExpression(expression: Ast): string {
  const known = printed.get(expression)
  if (known !== undefined) return known
  const result = guard(expression, deparse(expression))
  printed.set(expression, result)
  return result
}

function deparse(expression: Ast): string {
  try {
    return ParenthesisingDeparser.print(expression)
  } catch (cause) {
    throw new Unsupported('PRINTER_GUARD', `an expression can not be printed: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

function guard(expression: Ast, candidate: string): string {
  if (fingerprint(reparse(candidate)) !== fingerprint(expression)) {
    throw new Unsupported('PRINTER_GUARD', `printing changed the meaning of an expression: ${candidate}`)
  }
  return candidate
}

function reparse(candidate: string): Ast | undefined {
  try {
    const target = as('ResTarget', list(parseSelect(`select ${candidate}`)['targetList'])[0])
    return target?.['val'] as Ast | undefined
  } catch (cause) {
    throw new Unsupported('PRINTER_GUARD', `a printed expression does not parse: ${candidate} (${String(cause)})`)
  }
}

/** A whole SELECT (the body of a SelectStmt), under the same guard. */
export function printStatement(select: Ast): string {
  const candidate = deparse({ SelectStmt: select })
  if (fingerprint(parseSelect(candidate)) !== fingerprint(select)) {
    throw new Unsupported('PRINTER_GUARD', `printing changed the meaning of a query: ${candidate}`)
  }
  return candidate
}
