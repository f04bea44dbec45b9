import { as, columnRef, list, rebuild, strings, type Ast } from '../ast.ts'
import { Unsupported } from '../unsupported.ts'

/**
 * What the names in a query mean at one place: each range-table alias with its columns, and the plan's unique name of
 * each. PostgreSQL has already checked the query, so a name that is not found here is a construct we do not know.
 */
export interface Range {
  readonly alias: string
  readonly columns: ReadonlyMap<string, string>
  /** The column that holds the whole row; null where there is none. */
  readonly row: string | null
}

export interface Scope {
  readonly ranges: readonly Range[]
  /** What the bare name of a column merged by USING stands for. */
  readonly merged: ReadonlyMap<string, Ast>
  /** The scope of the query around this one, whose columns a subquery may name. */
  readonly outer: Scope | null
}

export const EMPTY_SCOPE: Scope = { ranges: [], merged: new Map(), outer: null }

export function scopeOf(
  alias: string,
  columns: Iterable<readonly [string, string]>,
  outer: Scope | null,
  row: string | null = null,
): Scope {
  return { ranges: [{ alias, columns: new Map(columns), row }], merged: new Map(), outer }
}

export function combine(left: Scope, right: Scope): Scope {
  return {
    ranges: [...left.ranges, ...right.ranges],
    merged: new Map([...left.merged, ...right.merged]),
    outer: left.outer ?? right.outer,
  }
}

/** The same scope where other columns of the plan stand for some. */
export function renamed(scope: Scope, columns: ReadonlyMap<string, string>): Scope {
  const ranges = scope.ranges.map((range) => ({
    ...range,
    columns: new Map([...range.columns].map(([name, column]) => [name, columns.get(column) ?? column])),
  }))
  return { ...scope, ranges }
}

/** Replaces the references of an expression by the plan's names. */
export function resolve(expression: Ast, scope: Scope): Ast {
  return rebuild(expression, (type, body) => {
    if (type === 'SubLink') throw new Unsupported('SUBQUERY_EXPRESSION', 'a subquery inside an expression')
    return type === 'ColumnRef' ? lookUp(body, scope) : undefined
  })
}

function lookUp(reference: Ast, scope: Scope): Ast {
  const found = lookUpHere(reference, scope)
  if (found !== undefined) return found
  if (scope.outer !== null) return lookUp(reference, scope.outer)
  const names = strings(reference['fields'])
  if (list(reference['fields']).length > names.length) throw wholeRow(names[0] ?? '*')
  if (names.length === 1 && scope.ranges.some((range) => range.alias === names[0])) throw wholeRow(names[0] ?? '')
  throw new Unsupported('OTHER', `the reference ${names.join('.')}`)
}

function lookUpHere(reference: Ast, scope: Scope): Ast | undefined {
  const fields = list(reference['fields'])
  const names = strings(reference['fields'])
  if (fields.some((field) => as('A_Star', field) !== undefined)) {
    const range = scope.ranges.find(({ alias }) => alias === names[0])
    if (range === undefined) return undefined
    if (range.row === null) throw wholeRow(range.alias)
    return columnRef(range.row)
  }
  const [first, second] = names
  if (first === undefined || names.length > 2) throw new Unsupported('OTHER', `the reference ${names.join('.')}`)
  if (second !== undefined) {
    const column = scope.ranges.find((candidate) => candidate.alias === first)?.columns.get(second)
    return column === undefined ? undefined : columnRef(column)
  }
  const merged = scope.merged.get(first)
  if (merged !== undefined) return merged
  const found = scope.ranges.flatMap((range) => range.columns.get(first) ?? [])
  return found.length === 1 && found[0] !== undefined ? columnRef(found[0]) : undefined
}

function wholeRow(name: string): Unsupported {
  return new Unsupported('WHOLE_ROW', `a reference to the whole row of ${name}`)
}
