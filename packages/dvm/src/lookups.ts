import { as, columnsOf, isObject, soleColumn, type Ast } from './ast.ts'
import { statefulOf } from './plan-query.ts'
import { isEquality } from './plan/keys.ts'
import { inputsOf, scansOf, type Plan, type Query, type Recursion, type Scan, type WorkingTable } from './plan/plan.ts'
import { openRecursions } from './plan/recursion.ts'

/**
 * By which columns a delta looks up rows of base tables. An index on them makes a refresh cost as much as what changed;
 * without one it costs as much as what there is.
 *
 *   R ⋈ S on r = s         ΔR looks up S by s, ΔS looks up R by r; so do semi, anti and outer joins
 *   groups, partitions     those that are computed again look up their rows by the keys
 *   recursion              every round looks up what its step joins the last one's rows with
 *
 * A side that is kept in a state table is found by that table's key, and wants nothing.
 */
export interface Lookup {
  readonly oid: number
  readonly schema: string
  readonly table: string
  readonly partitioned: boolean
  /** The columns that are compared with =, under the table's own names. */
  readonly columns: readonly string[]
  /** The operator that looks. */
  readonly operator: string
}

/** Each table and set of columns once, in the order of the plan. */
export function lookupsOf(query: Query): readonly Lookup[] {
  const found = [...new Set(nodesOf(query.input))].flatMap(lookupsAt)
  return [...new Map(found.map((lookup) => [identityOf(lookup), lookup])).values()]
}

function identityOf({ schema, table, columns }: Lookup): string {
  return JSON.stringify([schema, table, columns.toSorted()])
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...inputsOf(plan).flatMap(nodesOf)]
}

function lookupsAt(plan: Plan): Lookup[] {
  switch (plan.kind) {
    case 'join':
    case 'semi-join': {
      const operator = `${plan.type} join`
      return [
        ...lookupsIn(plan.left, equated(plan.left, plan.right, plan.conditions), operator),
        ...lookupsIn(plan.right, equated(plan.right, plan.left, plan.conditions), operator),
      ]
    }
    case 'aggregate': {
      const again = plan.calls.some((call) => AGAIN.has(call.method))
      return again ? lookupsIn(plan.input, plan.keys, plan.label) : []
    }
    case 'partitioned':
      return lookupsIn(plan.input, plan.keys, plan.transform.kind)
    case 'scan':
    case 'constant':
    case 'filter':
    case 'project':
    case 'union-all':
    case 'expand':
    case 'recursion':
    case 'working-table':
      return []
  }
}

/** Aggregates that some changes make compute a group again. */
const AGAIN: ReadonlySet<string> = new Set(['min', 'max', 'recompute'])

/** Columns of `side` that the conditions set equal to something of `other`, which can change. */
function equated(side: Plan, other: Plan, conditions: readonly Ast[]): string[] {
  if (scansOf(other).length === 0 && statefulOf(other).length === 0 && openRecursions(other).size === 0) return []
  const own = new Set(side.columns.map((column) => column.name))
  const others = new Set(other.columns.map((column) => column.name))
  return conditions.filter(isEquality).flatMap((condition) => {
    const { lexpr, rexpr } = as('A_Expr', condition) ?? {}
    if (!isObject(lexpr) || !isObject(rexpr)) return []
    return [[lexpr, rexpr] as const, [rexpr, lexpr] as const].flatMap(([mine, theirs]) => {
      const column = soleColumn(mine)
      const given = columnsOf(theirs)
      const looks =
        column !== undefined && own.has(column) && given.size > 0 && [...given].every((name) => others.has(name))
      return looks ? [column] : []
    })
  })
}

/**
 * Columns of a recursion by which its stored rows are looked up when what the step joins them with has changed. A change
 * of `parts` in `… from down d join parts p on p.part_of = d.id` looks for rows by `id`.
 */
export function roundLookups(recursion: Recursion): readonly string[] {
  const found = nodesOf(recursion.step).flatMap((plan) => {
    if (plan.kind !== 'join' && plan.kind !== 'semi-join') return []
    const sides = [[plan.left, plan.right] as const, [plan.right, plan.left] as const]
    return sides.flatMap(([own, other]) =>
      equated(own, other, plan.conditions).flatMap((column) =>
        originsOf(own, column).flatMap(({ leaf, name }) =>
          leaf.kind === 'working-table' && leaf.name === recursion.name ? [name] : [],
        ),
      ),
    )
  })
  return [...new Set(found)]
}

/** The base tables that hold some of these columns. */
function lookupsIn(plan: Plan, columns: readonly string[], operator: string): Lookup[] {
  const byScan = new Map<Scan, string[]>()
  for (const column of new Set(columns)) {
    for (const { leaf, name } of originsOf(plan, column))
      if (leaf.kind === 'scan') byScan.set(leaf, [...(byScan.get(leaf) ?? []), name])
  }
  return [...byScan].map(([{ relation }, names]) => ({
    oid: relation.oid,
    schema: relation.schema,
    table: relation.table,
    partitioned: relation.kind === 'partitioned',
    columns: [...new Set(names)],
    operator,
  }))
}

interface Origin {
  readonly leaf: Scan | WorkingTable
  readonly name: string
}

/** Where a column is read from a table as it stands, or a recursion's rows, and not computed or kept in between. */
function originsOf(plan: Plan, column: string): readonly Origin[] {
  switch (plan.kind) {
    case 'scan':
    case 'working-table': {
      const name = plan.sourceColumns[plan.columns.findIndex((candidate) => candidate.name === column)]
      return name === undefined ? [] : [{ leaf: plan, name }]
    }
    case 'project': {
      const item = plan.items.find((candidate) => candidate.name === column)
      const source = item && soleColumn(item.expression)
      return source === undefined ? [] : originsOf(plan.input, source)
    }
    case 'filter':
    case 'expand':
    case 'join':
    case 'semi-join':
    case 'union-all':
      return inputsOf(plan)
        .filter((input) => input.columns.some((candidate) => candidate.name === column))
        .flatMap((input) => originsOf(input, column))
    case 'aggregate':
    case 'partitioned':
    case 'recursion':
    case 'constant':
      return []
  }
}
