import { columnRef, type Ast } from '../ast.ts'
import type { RelationFacts } from '../facts.ts'
import type { Column } from './column.ts'
import { isNumber } from './numbers.ts'

/**
 * The relational side of a query: frozen data, one interface an operator. Every column of every operator has a name
 * that is unique in the whole plan, so expressions refer to columns by one name and legs of a join never clash.
 */
export type Plan =
  | Scan
  | Constant
  | Filter
  | Project
  | Join
  | SemiJoin
  | UnionAll
  | Expand
  | Aggregate
  | Partitioned
  | Recursion
  | WorkingTable

/** Operators that keep state: each is a stage with a table of its own. */
export type Stateful = Aggregate | Partitioned | Recursion

interface Operator {
  readonly columns: readonly Column[]
}

/** A base table, or another stream table. */
export interface Scan extends Operator {
  readonly kind: 'scan'
  readonly relation: RelationFacts
  readonly label: string
  /** The relation's own name of each output column, in the same order. */
  readonly sourceColumns: readonly string[]
}

/** Rows that no change can reach: VALUES, a SELECT without FROM. */
export interface Constant extends Operator {
  readonly kind: 'constant'
  readonly query: string
}

export interface Filter extends Operator {
  readonly kind: 'filter'
  readonly input: Plan
  readonly predicates: readonly Ast[]
}

export interface Item {
  readonly name: string
  readonly expression: Ast
}

export interface Project extends Operator {
  readonly kind: 'project'
  readonly input: Plan
  readonly items: readonly Item[]
  /** An item returns a set: one row becomes several, or none. */
  readonly expands: boolean
}

/** No condition is a cross join. A right join is a left join with its sides exchanged. */
export interface Join extends Operator {
  readonly kind: 'join'
  readonly type: 'inner' | 'left' | 'full'
  readonly left: Plan
  readonly right: Plan
  readonly conditions: readonly Ast[]
}

/**
 * Whether a row of the left has a match on the right: rows that have one (`semi`), rows that have none (`anti`), or
 * every row with the answer in a column (`mark`). EXISTS, IN, ANY and ALL are such joins.
 */
export interface SemiJoin extends Operator {
  readonly kind: 'semi-join'
  readonly type: 'semi' | 'anti' | 'mark'
  readonly left: Plan
  readonly right: Plan
  readonly conditions: readonly Ast[]
  /** The mark's column; null for the others. */
  readonly mark: string | null
}

export interface UnionAll extends Operator {
  readonly kind: 'union-all'
  readonly inputs: readonly Plan[]
}

export interface AggregateCall {
  readonly name: string
  /** How it is maintained; see stage/aggregate-functions.ts. */
  readonly method: 'count' | 'sum' | 'avg' | 'min' | 'max' | 'bool_and' | 'bool_or' | 'recompute'
  /** The call, its arguments being columns of the input. */
  readonly call: Ast
  readonly argument: string | null
  readonly filter: string | null
}

/** GROUP BY; with no keys there is always one group. DISTINCT is an aggregate by every column and without calls. */
export interface Aggregate extends Operator {
  readonly kind: 'aggregate'
  readonly input: Plan
  readonly keys: readonly string[]
  readonly calls: readonly AggregateCall[]
  readonly label: 'aggregate' | 'distinct'
}

/** A set-returning function in FROM, called for every row of the input. */
export interface Expand extends Operator {
  readonly kind: 'expand'
  /** `left`: rows for which the function returns nothing are kept, with nulls. */
  readonly type: 'inner' | 'left'
  readonly input: Plan
  /** A RangeFunction node; its columns are the last of this operator's. */
  readonly call: Ast
  readonly added: readonly string[]
}

/**
 * What is computed partition by partition: window functions, DISTINCT ON, ORDER BY … LIMIT (of which the whole input
 * is one partition). Rows of different partitions never meet.
 */
export interface Partitioned extends Operator {
  readonly kind: 'partitioned'
  readonly input: Plan
  readonly keys: readonly string[]
  readonly transform: Transform
}

export type Transform =
  | { readonly kind: 'window'; readonly calls: readonly { readonly name: string; readonly call: Ast }[] }
  | { readonly kind: 'distinct-on'; readonly order: readonly Ast[] }
  | {
      readonly kind: 'limit'
      readonly order: readonly Ast[]
      readonly limit: Ast | null
      readonly offset: Ast | null
      readonly withTies: boolean
    }

/** WITH RECURSIVE: the rows of `base`, and of `step` over the rows of the last round, until a round adds none. */
export interface Recursion extends Operator {
  readonly kind: 'recursion'
  /** By which the step's working table is known. */
  readonly name: string
  readonly base: Plan
  readonly step: Plan
  /** UNION ALL; UNION takes every row once. */
  readonly all: boolean
}

/** What a recursion's step reads: the rows that the last round added. */
export interface WorkingTable extends Operator {
  readonly kind: 'working-table'
  readonly name: string
  /** The recursion's own name of each column, in the same order. */
  readonly sourceColumns: readonly string[]
}

/** The plan of a whole query: its last operator and the columns as the user named them. */
export interface Query {
  readonly input: Plan
  readonly items: readonly Item[]
}

export function filter(input: Plan, predicates: readonly Ast[]): Plan {
  return predicates.length === 0 ? input : { kind: 'filter', input, predicates, columns: input.columns }
}

export function join(left: Plan, right: Plan, conditions: readonly Ast[], type: Join['type'] = 'inner'): Join {
  const nullable = (columns: readonly Column[]) => columns.map((column) => ({ ...column, notNull: false }))
  const leftColumns = type === 'full' ? nullable(left.columns) : left.columns
  const rightColumns = type === 'inner' ? right.columns : nullable(right.columns)
  return { kind: 'join', type, left, right, conditions, columns: [...leftColumns, ...rightColumns] }
}

export function semiJoin(left: Plan, right: Plan, conditions: readonly Ast[], type: 'semi' | 'anti'): SemiJoin {
  return { kind: 'semi-join', type, left, right, conditions, mark: null, columns: left.columns }
}

export function markJoin(left: Plan, right: Plan, conditions: readonly Ast[], mark: string): SemiJoin {
  const columns = [...left.columns, { name: mark, notNull: true }]
  return { kind: 'semi-join', type: 'mark', left, right, conditions, mark, columns }
}

export function project(input: Plan, items: readonly (Item & { readonly notNull: boolean })[]): Project {
  return {
    kind: 'project',
    expands: false,
    input,
    items: items.map(({ name, expression }) => ({ name, expression })),
    columns: items.map(({ name, expression, notNull }) => ({
      name,
      notNull,
      number: isNumber(expression, input.columns),
    })),
  }
}

export function distinct(input: Plan): Aggregate {
  return {
    kind: 'aggregate',
    input,
    keys: input.columns.map((column) => column.name),
    calls: [],
    label: 'distinct',
    columns: input.columns,
  }
}

export function passThrough(columns: readonly Column[]): Item[] {
  return columns.map(({ name }) => ({ name, expression: columnRef(name) }))
}

export function inputsOf(plan: Plan): readonly Plan[] {
  switch (plan.kind) {
    case 'scan':
    case 'constant':
    case 'working-table':
      return []
    case 'recursion':
      return [plan.base, plan.step]
    case 'filter':
    case 'project':
    case 'aggregate':
    case 'expand':
    case 'partitioned':
      return [plan.input]
    case 'join':
    case 'semi-join':
      return [plan.left, plan.right]
    case 'union-all':
      return plan.inputs
  }
}

export function isStateful(plan: Plan): plan is Stateful {
  return plan.kind === 'aggregate' || plan.kind === 'partitioned' || plan.kind === 'recursion'
}

export function scansOf(plan: Plan): readonly Scan[] {
  return plan.kind === 'scan' ? [plan] : inputsOf(plan).flatMap(scansOf)
}
