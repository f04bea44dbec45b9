import { columnRef, type Ast } from '../ast.ts'
import type { QueryFacts, RelationFacts } from '../facts.ts'
import type { Names } from './names.ts'
import { project, type Plan } from './plan.ts'

/**
 * A reference to the whole row of a relation, `t.*` inside an expression, is a column beside the others, made where the
 * relation is read: so an outer join that pads the row makes it null, and not a row of nulls.
 *
 *   t.*   =   row(t.a, t.b, …)::t
 *
 * Rows of subqueries have no type by a name and so no such column. Nor have those of stream tables, which have more
 * columns than a query sees.
 */
export function withRow(
  plan: Plan,
  relation: RelationFacts,
  names: Names,
  facts: QueryFacts,
): { readonly plan: Plan; readonly row: string | null } {
  const whole = relation.columns.length === plan.columns.length && relation.kind !== 'stream_table'
  if (!whole || !namesRows(facts)) return { plan, row: null }
  const row = names.fresh(relation.table)
  const typeName = {
    names: [{ String: { sval: relation.schema } }, { String: { sval: relation.table } }],
    typemod: -1,
  }
  const args = plan.columns.map((column) => columnRef(column.name))
  const arg: Ast = { RowExpr: { args, row_format: 'COERCE_EXPLICIT_CALL' } }
  const own = plan.columns.map((column) => ({ ...column, expression: columnRef(column.name) }))
  return {
    plan: project(plan, [...own, { name: row, expression: { TypeCast: { arg, typeName } }, notNull: true }]),
    row,
  }
}

/** PostgreSQL prints a query back with its stars expanded: one that is left is a whole row. */
function namesRows(facts: QueryFacts): boolean {
  const definitions = [...facts.relations.values()].map(({ definition }) => definition ?? '')
  return [facts.definition, ...definitions].some((text) => text.includes('.*'))
}
