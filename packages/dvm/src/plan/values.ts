import { as, list, walk, type JsonObject } from '../ast.ts'
import { printStatement } from '../print/expression.ts'
import type { Environment, Level, QueryAnalyser } from './level.ts'
import { notNull } from './nullability.ts'
import type { Column } from './column.ts'
import { passThrough, project, type Plan } from './plan.ts'
import { EMPTY_SCOPE, type Scope } from './scope.ts'
import { withSubqueries } from './subqueries.ts'

/**
 * VALUES. Rows of constants are taken as they stand; where a row names the query around it, or asks a subquery, each
 * becomes a projection of nothing:
 *
 *   values (x, 1), (y, 2)   =   (select x, 1) union all (select y, 2)
 */
export function values(
  analyser: QueryAnalyser,
  select: JsonObject,
  environment: Environment,
  outer: Scope | null,
): Level {
  const rows = list(select['valuesLists']).map((row) => list(as('List', row)?.['items']))
  const width = rows[0]?.length ?? 0
  const columns = Array.from({ length: width }, (_, i): Column => ({
    name: analyser.names.fresh(`column${i + 1}`),
    notNull: false,
  }))
  const plan = isConstant(select) ? constant(select, columns) : union(rows.map(projected), columns)
  const outputs = passThrough(columns).map((item, i) => ({ ...item, name: `column${i + 1}`, notNull: false }))
  return { plan, outputs }

  function projected(row: ReturnType<typeof list>): Plan {
    let input: Plan = { kind: 'constant', query: 'select', columns: [] }
    const items = row.map((value, i) => {
      const source = { plan: input, scope: { ...EMPTY_SCOPE, outer } }
      const { plan: asked, expression } = withSubqueries(analyser, value, source, environment)
      input = asked
      return { name: columns[i]?.name ?? '', expression, notNull: notNull(expression, asked.columns) }
    })
    return project(input, items)
  }
}

function constant(select: JsonObject, columns: readonly Column[]): Plan {
  const { valuesLists, limitOption, op } = select
  const query = printStatement({ valuesLists: valuesLists ?? [], limitOption: limitOption ?? '', op: op ?? '' })
  return { kind: 'constant', query, columns }
}

function union(inputs: readonly Plan[], columns: readonly Column[]): Plan {
  const [only] = inputs
  return inputs.length === 1 && only !== undefined ? only : { kind: 'union-all', inputs, columns }
}

function isConstant(select: JsonObject): boolean {
  let constant = true
  walk(select['valuesLists'], (type) => {
    if (type === 'ColumnRef' || type === 'SubLink') constant = false
  })
  return constant
}
