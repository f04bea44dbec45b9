/**
 * A query as data, so that a failing one can be made smaller and stored. Expressions are text: what refers to a part
 * that was taken away fails in PostgreSQL, and the shrinker drops that attempt. A subquery inside an expression is
 * `$q1$` in the text and a query of its own beside it.
 */
export type Query = Select | SetOperation | Values

export interface Select {
  readonly kind: 'select'
  readonly with: readonly Cte[]
  readonly distinct: boolean
  readonly distinctOn?: readonly string[]
  readonly items: readonly Item[]
  readonly from: readonly FromItem[]
  /** Joined by `and`. */
  readonly where: readonly string[]
  readonly groupBy: readonly string[]
  readonly having: readonly string[]
  /** WINDOW, ORDER BY and LIMIT, as they stand at the end. */
  readonly tail: readonly string[]
  /** By the name that stands for them in expressions. */
  readonly subqueries?: Readonly<Record<string, Query>>
}

export interface SetOperation {
  readonly kind: 'set'
  readonly operator: 'union' | 'union all' | 'except' | 'except all' | 'intersect' | 'intersect all'
  readonly left: Query
  readonly right: Query
  readonly tail?: readonly string[]
}

export interface Values {
  readonly kind: 'values'
  readonly rows: readonly string[]
}

export interface Cte {
  /** `cte1`, or with column names: `cte1(d1)`. */
  readonly name: string
  readonly materialized: boolean
  /** Its second side reads itself. */
  readonly recursive?: boolean
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
  readonly join: 'comma' | 'inner' | 'left' | 'right' | 'full' | 'lateral' | 'left lateral'
  /** Joined by `and`; empty for `on true`. */
  readonly on: readonly string[]
  /** Columns of USING, in place of `on`. */
  readonly using?: readonly string[]
}

export function printQuery(query: Query, indent = ''): string {
  const inner = `${indent}  `
  if (query.kind === 'values') return `${indent}values ${query.rows.join(', ')}`
  if (query.kind === 'set') {
    const sides = [query.left, query.right].map((side) => `${indent}(\n${printQuery(side, inner)}\n${indent})`)
    return [sides.join(`\n${indent}${query.operator}\n`), ...(query.tail ?? []).map((line) => indent + line)].join('\n')
  }
  const asked = (text: string) =>
    text.replaceAll(/\$(q\d+)\$/g, (whole, name: string) => {
      const subquery = query.subqueries?.[name]
      return subquery === undefined ? whole : `(\n${printQuery(subquery, `${inner}  `)}\n${inner})`
    })
  const all = (conditions: readonly string[]) => conditions.map((condition) => `(${asked(condition)})`).join(' and ')
  const lines: string[] = []
  if (query.with.length > 0) {
    const ctes = query.with.map(
      ({ name, materialized, query: body }) =>
        `${name} as ${materialized ? 'materialized ' : ''}(\n${printQuery(body, inner)}\n${indent})`,
    )
    lines.push(`with ${query.with.some((cte) => cte.recursive) ? 'recursive ' : ''}${ctes.join(', ')}`)
  }
  const items = query.items.map(({ sql, name }) => `${asked(sql)} as ${name}`).join(', ')
  const on = query.distinctOn?.length ? `distinct on (${query.distinctOn.map(asked).join(', ')}) ` : ''
  lines.push(`select ${query.distinct ? 'distinct ' : on}${items}`)
  query.from.forEach((item, i) => {
    const source = typeof item.source === 'string' ? item.source : `(\n${printQuery(item.source, inner)}\n${indent})`
    const relation = `${source} as ${item.alias}`
    if (i === 0) lines.push(`from ${relation}`)
    else if (item.join === 'comma') lines.push(`, ${relation}`)
    else if (item.join === 'lateral') lines.push(`cross join lateral ${relation}`)
    else if (item.join === 'left lateral')
      lines.push(`left join lateral ${relation} on ${item.on.length > 0 ? all(item.on) : 'true'}`)
    else if (item.using?.length) lines.push(`${item.join} join ${relation} using (${item.using.join(', ')})`)
    else lines.push(`${item.join} join ${relation} on ${item.on.length > 0 ? all(item.on) : 'true'}`)
  })
  if (query.where.length > 0) lines.push(`where ${all(query.where)}`)
  if (query.groupBy.length > 0) lines.push(`group by ${query.groupBy.map(asked).join(', ')}`)
  if (query.having.length > 0) lines.push(`having ${all(query.having)}`)
  lines.push(...query.tail.map(asked))
  return lines.map((line) => indent + line).join('\n')
}
