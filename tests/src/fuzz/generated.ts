import type { Column } from './expression.ts'
import type { FromItem, Query } from './query.ts'
import type { TypeName } from './type.ts'

/** What the parts of the query generator hand to each other. */
export interface Source {
  readonly sql: string
  readonly columns: readonly Column[]
  /** About how many rows it gives; keeps joins small. */
  readonly rows: number
  /** Columns of its primary key. */
  readonly key?: readonly string[]
}

export interface Wanted {
  /** Output types, when they are given: the other side of a UNION. */
  readonly types?: readonly TypeName[]
  /** Every output column has an equality. */
  readonly comparable: boolean
}

export interface Generated {
  readonly query: Query
  /** Names and types of the output. */
  readonly columns: readonly Column[]
  readonly rows: number
}

export interface From {
  readonly items: readonly FromItem[]
  readonly scope: readonly Column[]
  readonly rows: number
  /** Of the select that is being made; its clauses add to them. */
  readonly subqueries: Record<string, Query>
}
