import { as, list, walk, type Ast, type Json } from '../ast.ts'
import { Unsupported } from '../unsupported.ts'

/** The parts of an AND, however nested. */
export function conjuncts(expression: Ast): Ast[] {
  const body = as('BoolExpr', expression)
  return body?.['boolop'] === 'AND_EXPR' ? list(body['args']).flatMap(conjuncts) : [expression]
}

/** `left = right`, by PostgreSQL's own operator. */
export function equals(left: Ast, right: Ast): Ast {
  return { A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: '=' } }], lexpr: left, rexpr: right } }
}

/** Expressions for which there is no law wherever they stand. */
export function refuseExpression(expression: Ast): void {
  walk(expression, (type) => {
    if (type === 'SubLink') return false
    if (/^Json\w*Agg$/.test(type)) throw new Unsupported('OTHER', 'a JSON aggregate of the SQL standard')
    return true
  })
}

/** Whether an expression holds a subquery. */
export function asks(expression: Json | undefined): boolean {
  let found = false
  walk(expression, (type) => {
    if (type === 'SubLink') found = true
  })
  return found
}
