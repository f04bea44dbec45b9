import { as, columnRef, list, rebuild, strings, type Ast } from '../ast.ts'
import { Unsupported } from '../unsupported.ts'

/**
 * What the names in a query mean at one place: each range-table alias with its columns, and the plan's unique name of
 * each. PostgreSQL has already checked the query, so a name that is not found here is a construct we do not know.
 */
export interface Range {
  readonly alias: string
  readonly columns: ReadonlyMap<string, string>
}

export interface Scope {
  readonly ranges: readonly Range[]
  /** Columns merged by USING, by their bare name. */
  readonly merged: ReadonlyMap<string, string>
}

export const EMPTY_SCOPE: Scope = { ranges: [], merged: new Map() }

export function combine(left: Scope, right: Scope): Scope {
  return { ranges: [...left.ranges, ...right.ranges], merged: new Map([...left.merged, ...right.merged]) }
}

/** Replaces the references of an expression by the plan's names. */
export function resolve(expression: Ast, scope: Scope): Ast {
  return rebuild(expression, (type, body) => {
    if (type === 'SubLink') throw new Unsupported('SUBQUERY_EXPRESSION', 'a subquery inside an expression')
    return type === 'ColumnRef' ? columnRef(lookUp(body, scope)) : undefined
  })
}

function lookUp(reference: Ast, scope: Scope): string {
  const fields = list(reference['fields'])
  if (fields.some((field) => as('A_Star', field) !== undefined)) throw wholeRow(strings(reference['fields'])[0] ?? '*')
  const names = strings(reference['fields'])
  const [first, second] = names
  if (first === undefined || names.length > 2) throw new Unsupported('OTHER', `the reference ${names.join('.')}`)
  if (second !== undefined) {
    const range = scope.ranges.find((candidate) => candidate.alias === first)
    const column = range?.columns.get(second)
    if (column !== undefined) return column
    throw new Unsupported('OTHER', `the reference ${first}.${second}`)
  }
  const merged = scope.merged.get(first)
  if (merged !== undefined) return merged
  const found = scope.ranges.flatMap((range) => range.columns.get(first) ?? [])
  if (found.length === 1 && found[0] !== undefined) return found[0]
  if (scope.ranges.some((range) => range.alias === first)) throw wholeRow(first)
  throw new Unsupported('OTHER', `the reference ${first}`)
}

function wholeRow(name: string): Unsupported {
  return new Unsupported('WHOLE_ROW', `a reference to the whole row of ${name}`)
}
