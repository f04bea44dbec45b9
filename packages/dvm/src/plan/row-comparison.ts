import { as, list, rebuild, strings, type Ast } from '../ast.ts'
import { Unsupported } from '../unsupported.ts'

/**
 * A row compared with a subquery of several columns, taken apart column by column:
 *
 *   (a, b) = (select x, y …)    a = (select x …) and b = (select y …)         <> likewise, with or
 *
 * The subquery gives at most one row, so each part looks at the same one.
 */
export function rowsCompared(expression: Ast): Ast {
  return rebuild(expression, (type, body) => {
    if (type !== 'A_Expr' || body['kind'] !== 'AEXPR_OP') return undefined
    const row = as('RowExpr', body['lexpr'])
    const link = as('SubLink', body['rexpr'])
    if (row === undefined || link?.['subLinkType'] !== 'EXPR_SUBLINK') return undefined
    const select = as('SelectStmt', link['subselect'])
    const targets = list(select?.['targetList'])
    const values = list(row['args'])
    const operator = strings(body['name']).at(-1)
    const apart = operator === '=' || operator === '<>'
    if (select === undefined || targets.length !== values.length || !apart || select['limitCount'] !== undefined)
      throw new Unsupported('SUBQUERY_EXPRESSION', 'a row compared with a subquery by this operator')
    const args = values.map((value, i): Ast => ({
      A_Expr: {
        ...body,
        lexpr: rowsCompared(value),
        rexpr: { SubLink: { ...link, subselect: { SelectStmt: { ...select, targetList: targets.slice(i, i + 1) } } } },
      },
    }))
    return { BoolExpr: { boolop: operator === '=' ? 'AND_EXPR' : 'OR_EXPR', args } }
  })
}
