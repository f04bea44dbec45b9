import { columnRef, isObject, type Ast, type JsonObject } from '../ast.ts'
import type { Names } from './names.ts'
import type { Column } from './column.ts'
import { filter, project, type Aggregate, type AggregateCall, type Item, type Plan } from './plan.ts'

/**
 * What a set operation combines. A chain of unions is one union of many: the parser nests them to the left, and each
 * would be a subquery of the next. Below a UNION, it does not matter whether equal rows were taken out before.
 */
export function sidesOf(select: JsonObject): readonly JsonObject[] {
  return [select['larg'], select['rarg']].filter(isObject).flatMap((side) => {
    const plain = ['withClause', 'sortClause', 'limitCount', 'limitOffset'].every(
      (clause) => side[clause] === undefined,
    )
    const unions = [select, side].every((each) => each['op'] === 'SETOP_UNION')
    return plain && unions && (select['all'] !== true || side['all'] === true) ? sidesOf(side) : [side]
  })
}

/**
 * INTERSECT and EXCEPT by multiplicity: every row is counted on each side, and how often it stays follows from the
 * two counts.
 *
 *   INTERSECT       once, if n > 0 and m > 0        INTERSECT ALL   least(n, m) times
 *   EXCEPT          once, if n > 0 and m = 0        EXCEPT ALL      greatest(n − m, 0) times
 */
export function byMultiplicity(
  operation: 'intersect' | 'except',
  all: boolean,
  sides: readonly { readonly plan: Plan; readonly outputs: readonly (Item & { readonly notNull: boolean })[] }[],
  columns: readonly Column[],
  names: Names,
): Plan {
  const [onLeft, onRight] = [names.fresh('on_left'), names.fresh('on_right')]
  const inputs = sides.map((side, s) =>
    project(side.plan, [
      ...side.outputs.map((output, i) => ({ ...output, name: columns[i]?.name ?? output.name })),
      { name: onLeft, expression: boolean(s === 0), notNull: true },
      { name: onRight, expression: boolean(s === 1), notNull: true },
    ]),
  )
  const flags = [onLeft, onRight].map((name): Column => ({ name, notNull: true }))
  const union: Plan = { kind: 'union-all', inputs, columns: [...columns, ...flags] }
  const [left, right] = [count(names.fresh('left_count'), onLeft), count(names.fresh('right_count'), onRight)]
  const counted: Aggregate = {
    kind: 'aggregate',
    input: union,
    keys: columns.map((column) => column.name),
    calls: [left, right],
    label: 'aggregate',
    columns: [...columns, { name: left.name, notNull: true }, { name: right.name, notNull: true }],
  }
  const [n, m] = [columnRef(left.name), columnRef(right.name)]
  if (!all) return filter(counted, [compare('>', n, ZERO), compare(operation === 'intersect' ? '>' : '=', m, ZERO)])
  const times: Ast =
    operation === 'intersect'
      ? { MinMaxExpr: { op: 'IS_LEAST', args: [n, m] } }
      : { A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: '-' } }], lexpr: n, rexpr: m } }
  return repeated(filter(counted, [compare('>', times, ZERO)]), times, names.fresh('copy'))
}

/** Each row as often as an expression says. */
function repeated(input: Plan, times: Ast, copy: string): Plan {
  const call: Ast = {
    RangeFunction: {
      lateral: true,
      functions: [{ List: { items: [functionCall('generate_series', [cast(ONE), cast(times)]), {}] } }],
      alias: { aliasname: 'copies', colnames: [{ String: { sval: copy } }] },
    },
  }
  return {
    kind: 'expand',
    type: 'inner',
    input,
    call,
    added: [copy],
    columns: [...input.columns, { name: copy, notNull: true }],
  }
}

function count(name: string, flag: string): AggregateCall {
  const call: Ast = {
    FuncCall: {
      funcname: [{ String: { sval: 'count' } }],
      agg_filter: columnRef(flag),
      agg_star: true,
      funcformat: 'COERCE_EXPLICIT_CALL',
    },
  }
  return { name, method: 'count', call, argument: null, filter: flag }
}

function functionCall(name: string, args: readonly Ast[]): Ast {
  return { FuncCall: { funcname: [{ String: { sval: name } }], args, funcformat: 'COERCE_EXPLICIT_CALL' } }
}

function cast(arg: Ast): Ast {
  return {
    TypeCast: {
      arg,
      typeName: { names: [{ String: { sval: 'pg_catalog' } }, { String: { sval: 'int8' } }], typemod: -1 },
    },
  }
}

function compare(operator: string, lexpr: Ast, rexpr: Ast): Ast {
  return { A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: operator } }], lexpr, rexpr } }
}

function boolean(value: boolean): Ast {
  return { A_Const: { boolval: value ? { boolval: true } : {} } }
}

const ZERO: Ast = { A_Const: { ival: {} } }
const ONE: Ast = { A_Const: { ival: { ival: 1 } } }
