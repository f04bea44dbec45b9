import type { Refusal } from './plan-query.ts'

/** What the compiler is given beside a query, and what it makes of it: plain data, stored as JSON in the catalog. */
export interface Target {
  readonly schema: string
  readonly table: string
  readonly stableName: string
  /** Where inner stages live. */
  readonly stageSchema: string
}

export interface CompileOptions {
  /** The most change rows of one source that the statement for small deltas takes. */
  readonly smallDeltaRows: number
}

export interface CompiledSource {
  readonly oid: number
  readonly stableName: string
  readonly schema: string
  readonly table: string
  readonly columns: readonly string[]
  /** Of the columns whose collation is not the database's default. */
  readonly collations: Readonly<Record<string, string>>
  /** Name and type of these columns, as the catalog had them. */
  readonly shape: readonly { readonly name: string; readonly typeOid: number; readonly modifier: number }[]
}

/** `small` refuses more than `smallDeltaRows` change rows of a source, and so is planned for few; `large` takes any number. */
export interface RefreshStatements {
  readonly small: string
  readonly large: string
  readonly smallEmitting: string
  readonly largeEmitting: string
}

export interface Compiled {
  readonly effectiveMode: 'differential' | 'full'
  readonly refusal: Refusal | null
  readonly storage: 'keyed' | 'bag' | 'single'
  readonly keyColumns: readonly string[]
  readonly sources: readonly CompiledSource[]
  /** State tables in the order in which they are filled; the stream table is the last. */
  readonly tables: readonly CompiledTable[]
  readonly refresh: RefreshStatements | null
}

export interface CompiledTable {
  readonly schema: string
  readonly table: string
  readonly create: string
  /** Columns that get an index of their own. */
  readonly indexes: readonly string[]
  /** INSERT of the whole content into the empty table. */
  readonly fill: string
  /** Recomputes, and applies only the difference. */
  readonly replace: string
  /** The same, and writes the output delta to the change buffer; only of the stream table itself. */
  readonly replaceEmitting: string | null
  readonly visibleColumns: readonly string[]
}
