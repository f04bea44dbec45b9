import { as, isObject, list, type Ast, type JsonObject } from '../ast.ts'
import { Unsupported } from '../unsupported.ts'
import type { Environment, QueryAnalyser, Source } from './level.ts'
import { limits, sortKey, sortTarget } from './ordering.ts'
import type { Plan } from './plan.ts'
import { scalarValue } from './scalar-subqueries.ts'

/**
 * ARRAY(select …) is an aggregate of its rows in their order; of no rows it is the empty array:
 *
 *   array(select x from S order by y)   =   coalesce((select array_agg(x order by y) from (S) s), '{}')
 */
export function arrayValue(
  analyser: QueryAnalyser,
  link: JsonObject,
  source: Source,
  environment: Environment,
): { plan: Plan; expression: Ast } {
  const select = as('SelectStmt', link['subselect'])
  if (select === undefined) throw new Unsupported('SUBQUERY_EXPRESSION', 'a subquery')
  const { plan, expression } = scalarValue(
    analyser,
    { ...link, subLinkType: 'EXPR_SUBLINK', subselect: { SelectStmt: aggregated(select) } },
    source,
    environment,
  )
  return { plan, expression: { CoalesceExpr: { args: [expression, { A_Const: { sval: { sval: '{}' } } }] } } }
}

/** What it is sorted by stands beside each value; of distinct and combined rows, that can only be the value. */
function aggregated(select: JsonObject): JsonObject {
  const { sortClause, ...unsorted } = select
  const sorts = list(sortClause)
  const distinct = select['distinctClause'] !== undefined && list(select['distinctClause']).every(isEmpty)
  const combined = isObject(select['larg']) || list(select['valuesLists']).length > 0
  const byValue = distinct || combined
  const hidden = byValue
    ? []
    : sorts.map((sort, i): Ast => ({
        ResTarget: { name: `sort${i + 1}`, val: sortTarget(sortKey(sort), select) },
      }))
  const kept = limits(select) || (select['distinctClause'] !== undefined && !distinct)
  const inner = {
    ...(kept ? select : unsorted),
    ...(hidden.length > 0 ? { targetList: [...list(select['targetList']), ...hidden] } : {}),
  }
  const names = ['value', ...hidden.map((_, i) => `sort${i + 1}`)]
  const order = sorts.map((sort, i): Ast => ({
    SortBy: { ...as('SortBy', sort), node: column(byValue ? 'value' : (names[i + 1] ?? 'value')) },
  }))
  const call: Ast = {
    FuncCall: {
      funcname: [{ String: { sval: 'array_agg' } }],
      args: [column('value')],
      ...(order.length > 0 ? { agg_order: order } : {}),
      funcformat: 'COERCE_EXPLICIT_CALL',
    },
  }
  const subquery: Ast = {
    RangeSubselect: {
      subquery: { SelectStmt: inner },
      alias: { aliasname: ROWS, colnames: names.map((name): Ast => ({ String: { sval: name } })) },
    },
  }
  return {
    targetList: [{ ResTarget: { name: 'array', val: call } }],
    fromClause: [subquery],
    limitOption: 'LIMIT_OPTION_DEFAULT',
    op: 'SETOP_NONE',
  }
}

const ROWS = '__rows'

function column(name: string): Ast {
  return { ColumnRef: { fields: [{ String: { sval: ROWS } }, { String: { sval: name } }] } }
}

function isEmpty(node: Ast): boolean {
  return Object.keys(node).length === 0
}
