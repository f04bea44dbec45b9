import { Deparser } from 'pgsql-deparser'

import { as, fingerprint, isObject, list, type Ast, type JsonObject } from '../ast.ts'
import { parseSelect } from '../parse.ts'
import { Unsupported } from '../unsupported.ts'
import { jsonFunction, jsonTable, xmlTable } from './json-and-xml.ts'

/**
 * Expressions as text, safely. The stock deparser drops parentheses that carry meaning, so every nested operator is
 * parenthesised here; and nothing leaves this file that does not parse back into the very tree it was printed from.
 */
const NESTED = new Set(
  `A_ArrayExpr A_Expr BoolExpr BooleanTest CaseExpr CoalesceExpr CollateClause JsonIsPredicate MinMaxExpr NullTest SubLink
  XmlExpr`.split(/\s+/),
)

class ParenthesisingDeparser extends Deparser {
  static print(this: void, expression: Ast): string {
    return new ParenthesisingDeparser(expression, { pretty: false }).deparseQuery()
  }

  override visit(...args: Parameters<Deparser['visit']>): string {
    const printed = super.visit(...args)
    const type = this.getNodeType(args[0])
    return NESTED.has(type) || (type === 'FuncCall' && hasOwnSyntax(args[0])) ? `(${printed})` : printed
  }

  JsonFuncExpr(body: JsonObject): string {
    return jsonFunction(body, ParenthesisingDeparser.print)
  }

  JsonTable(body: JsonObject): string {
    return callInFrom(body, jsonTable(body, ParenthesisingDeparser.print))
  }

  override RangeTableFunc(body: JsonObject): string {
    return callInFrom(body, xmlTable(body, ParenthesisingDeparser.print))
  }
}

function callInFrom(body: JsonObject, call: string): string {
  const alias = isObject(body['alias']) ? ` ${ParenthesisingDeparser.print({ Alias: body['alias'] })}` : ''
  return `${body['lateral'] === true ? 'LATERAL ' : ''}${call}${alias}`
}

/** `x AT TIME ZONE y`, `x IS NORMALIZED`: calls that look like operators. */
function hasOwnSyntax(node: Parameters<Deparser['visit']>[0]): boolean {
  return 'FuncCall' in node && node.FuncCall.funcformat === 'COERCE_SQL_SYNTAX'
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
    throw new Unsupported(
      'PRINTER_GUARD',
      `an expression can not be printed: ${cause instanceof Error ? cause.message : String(cause)}`,
    )
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

/** One item of FROM, as a call of a set-returning function is. */
export function printFromItem(item: Ast): string {
  const start = 'SELECT * FROM '
  const star: Ast = { ResTarget: { val: { ColumnRef: { fields: [{ A_Star: {} }] } } } }
  const printedQuery = printStatement({
    targetList: [star],
    fromClause: [item],
    limitOption: 'LIMIT_OPTION_DEFAULT',
    op: 'SETOP_NONE',
  })
  if (!printedQuery.startsWith(start))
    throw new Unsupported('PRINTER_GUARD', `a call in FROM was printed as ${printedQuery}`)
  return printedQuery.slice(start.length)
}

/** One item of ORDER BY. */
export function printOrder(sort: Ast): string {
  const body = as('SortBy', sort) ?? {}
  const expression = isObject(body['node']) ? printExpression(body['node']) : ''
  const using = list(body['useOp'])
  if (using.length > 0) throw new Unsupported('OTHER', 'ORDER BY … USING')
  const direction = body['sortby_dir'] === 'SORTBY_DESC' ? ' desc' : ''
  const nulls =
    body['sortby_nulls'] === 'SORTBY_NULLS_FIRST'
      ? ' nulls first'
      : body['sortby_nulls'] === 'SORTBY_NULLS_LAST'
        ? ' nulls last'
        : ''
  return `${expression}${direction}${nulls}`
}
