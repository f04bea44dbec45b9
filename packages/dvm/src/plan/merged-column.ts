import { soleColumn, type Ast } from '../ast.ts'
import type { ColumnFacts } from '../facts.ts'
import { inputsOf, type Plan } from './plan.ts'

/**
 * The one column that USING and NATURAL make of two. Its type is the one that both have in common; its value is that of
 * the left side, of the right one in a RIGHT JOIN, and the first that is not null in a FULL one. An inner join takes the
 * side that has the common type already, the left one first.
 *
 * After buildMergedJoinVar of PostgreSQL (parse_clause.c).
 */
export interface Side {
  readonly plan: Plan
  readonly column: Ast
}

export function mergedColumn(join: 'inner' | 'left' | 'right' | 'full', left: Side, right: Side): Ast {
  if (join === 'full') return { CoalesceExpr: { args: [left.column, right.column] } }
  const [l, r] = [typeOfSide(left), typeOfSide(right)]
  if (l !== undefined && r !== undefined && l.oid === r.oid) {
    if (join !== 'inner') return join === 'right' ? right.column : left.column
    return l.modifier !== r.modifier && r.modifier === ANY_MODIFIER ? right.column : left.column
  }
  const common: Ast = { CoalesceExpr: { args: [left.column, right.column] } }
  const takesRight = join === 'inner' ? otherType(left.column, common) : constant(join === 'right')
  // CASE finds the common type as USING does, where it sees first what stands after ELSE
  return { CaseExpr: { args: [{ CaseWhen: { expr: takesRight, result: right.column } }], defresult: left.column } }
}

type Type = NonNullable<ColumnFacts['type']>

const ANY_MODIFIER = -1

function typeOfSide({ plan, column }: Side): Type | undefined {
  const name = soleColumn(column)
  return name === undefined ? undefined : typeOf(plan, name)
}

/** Of a column that comes from a table as it is there; undefined where it is computed. */
function typeOf(plan: Plan, name: string): Type | undefined {
  switch (plan.kind) {
    case 'scan': {
      const source = plan.sourceColumns[plan.columns.findIndex((column) => column.name === name)]
      return plan.relation.columns.find((column) => column.name === source)?.type
    }
    case 'project': {
      const origin = soleColumn(plan.items.find((item) => item.name === name)?.expression ?? {})
      return origin === undefined ? undefined : typeOf(plan.input, origin)
    }
    case 'filter':
    case 'join':
    case 'semi-join':
    case 'expand':
    case 'partitioned':
    case 'aggregate': {
      const input = inputsOf(plan).find(({ columns }) => columns.some((column) => column.name === name))
      return input === undefined ? undefined : typeOf(input, name)
    }
    case 'constant':
    case 'union-all':
    case 'recursion':
    case 'working-table':
      return undefined
  }
}

function otherType(one: Ast, another: Ast): Ast {
  const [lexpr, rexpr] = [one, another].map((argument): Ast => ({
    FuncCall: { funcname: [{ String: { sval: 'pg_typeof' } }], args: [argument], funcformat: 'COERCE_EXPLICIT_CALL' },
  }))
  return {
    A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: '<>' } }], lexpr: lexpr ?? null, rexpr: rexpr ?? null },
  }
}

function constant(value: boolean): Ast {
  return { A_Const: { boolval: value ? { boolval: true } : {} } }
}
