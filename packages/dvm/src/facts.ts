/**
 * What the compiler must know of the database. Whoever calls the compiler asks the catalog for it; the compiler asks nobody.
 */
export interface RelationFacts {
  readonly oid: number
  readonly schema: string
  readonly table: string
  readonly stableName: string
  readonly kind: 'table' | 'partitioned' | 'stream_table' | 'view' | 'materialized_view' | 'foreign' | 'system'
  readonly columns: readonly ColumnFacts[]
  /** Column sets that are unique and not null, the primary key first. */
  readonly keys: readonly (readonly string[])[]
  /** A view's query, as `pg_get_viewdef` prints it. */
  readonly definition: string | null
  /** What is read in its place: a table with the same columns, which the transaction of the refresh has. */
  readonly readFrom?: { readonly schema: string; readonly table: string }
}

export interface ColumnFacts {
  readonly name: string
  readonly notNull: boolean
  /** The collation's qualified name when it is not the database's default; a change buffer does not keep it. */
  readonly collation: string | null
  /** Its type as the catalog identifies it; refreshes check that it is still so. Left out where there is no catalog. */
  readonly type?: { readonly oid: number; readonly modifier: number }
  /** The query reads it; known for every query, also one without a plan. */
  readonly used: boolean
}

/** A type as a column of a table has it. */
export interface TypeFacts {
  /** `numeric(12,2)`, qualified and quoted as SQL needs it. */
  readonly sql: string
  /** The collation's qualified name when it is not the type's default. */
  readonly collation: string | null
  /**
   * How far equality tells values apart. `exact`: equal values are the same value. `coarse`: equal values may still
   * differ (numeric 1.0 and 1.00, -0.0 and 0.0). `none`: the type has no equality.
   */
  readonly equality: 'exact' | 'coarse' | 'none'
  /** An expression over `$` whose binary image is the same for equal values; null where none is known. */
  readonly canonical: string | null
  /** Values are so short that any number of them fits into an index entry. */
  readonly bounded: boolean
  /** The type and its operators are PostgreSQL's own. */
  readonly builtin: boolean
  readonly array: boolean
  /** A default btree operator class orders the type. */
  readonly ordered: boolean
}

export interface FunctionFacts {
  /** Name as the query's printed text has it, schema first where it is not `pg_catalog`. */
  readonly name: string
  readonly aggregate: boolean
  readonly setReturning: boolean
}

export interface QueryFacts {
  /** The query as PostgreSQL resolved it: names qualified, stars expanded. */
  readonly definition: string
  readonly columns: readonly { readonly name: string; readonly type: TypeFacts }[]
  /** By `schema.table` joined with a null byte; see `relationKey`. */
  readonly relations: ReadonlyMap<string, RelationFacts>
  readonly functions: readonly FunctionFacts[]
  /** Set when the query reads the clock or the session: the name of what it calls. */
  readonly timeDependent: string | null
}

export function relationKey(schema: string, table: string): string {
  return `${schema}\0${table}`
}
