/**
 * A query as data, so that a failing one can be made smaller and stored. Expressions are text: what refers to a part
 * that was taken away fails in PostgreSQL, and the shrinker drops that attempt.
 */
export type Query = Select | SetOperation

export interface Select {
  readonly kind: 'select'
  readonly with: readonly Cte[]
  readonly distinct: boolean
  readonly items: readonly Item[]
  readonly from: readonly FromItem[]
  /** Joined by `and`. */
  readonly where: readonly string[]
  readonly groupBy: readonly string[]
  readonly having: readonly string[]
  /** ORDER BY and LIMIT, as they stand at the end. */
  readonly tail: readonly string[]
}

export interface SetOperation {
  readonly kind: 'set'
  readonly operator: 'union' | 'union all' | 'except' | 'except all' | 'intersect' | 'intersect all'
  readonly left: Query
  readonly right: Query
}

export interface Cte {
  readonly name: string
  readonly materialized: boolean
  readonly query: Query
}

export interface Item {
  readonly sql: string
  readonly name: string
}

export interface FromItem {
  /** `r1`, or with column names: `r1(c1)`. */
  readonly alias: string
  /** A relation's name or a function call as SQL, or a subquery. */
  readonly source: string | Query
  /** How it is joined to those before it. */
  readonly join: 'comma' | 'inner' | 'left' | 'right' | 'full' | 'lateral'
  /** Joined by `and`; empty for `on true`. */
  readonly on: readonly string[]
}

export function printQuery(query: Query, indent = ''): string {
  if (query.kind === 'set') {
    return [query.left, query.right]
      .map((side) => `${indent}(\n${printQuery(side, `${indent}  `)}\n${indent})`)
      .join(`\n${indent}${query.operator}\n`)
  }
  const inner = `${indent}  `
  const lines: string[] = []
  if (query.with.length > 0) {
    const ctes = query.with.map(
      ({ name, materialized, query: body }) =>
        `${name} as ${materialized ? 'materialized ' : ''}(\n${printQuery(body, inner)}\n${indent})`,
    )
    lines.push(`with ${ctes.join(', ')}`)
  }
  const items = query.items.map(({ sql, name }) => `${sql} as ${name}`).join(', ')
  lines.push(`select ${query.distinct ? 'distinct ' : ''}${items}`)
  query.from.forEach((item, i) => lines.push(printFromItem(item, i === 0, inner)))
  if (query.where.length > 0) lines.push(`where ${query.where.map(parenthesised).join(' and ')}`)
  if (query.groupBy.length > 0) lines.push(`group by ${query.groupBy.join(', ')}`)
  if (query.having.length > 0) lines.push(`having ${query.having.map(parenthesised).join(' and ')}`)
  lines.push(...query.tail)
  return lines.map((line) => indent + line).join('\n')
}

function printFromItem(item: FromItem, first: boolean, indent: string): string {
  const source = typeof item.source === 'string' ? item.source : `(\n${printQuery(item.source, indent)}\n${indent})`
  const relation = `${source} as ${item.alias}`
  if (first) return `from ${relation}`
  if (item.join === 'comma') return `, ${relation}`
  if (item.join === 'lateral') return `cross join lateral ${relation}`
  const on = item.on.length > 0 ? item.on.map(parenthesised).join(' and ') : 'true'
  return `${item.join} join ${relation} on ${on}`
}

function parenthesised(condition: string): string {
  return `(${condition})`
}
