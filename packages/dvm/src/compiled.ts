import type { FunctionFacts, QueryFacts, RelationFacts, TypeFacts } from './facts.ts'
import type { Lookup } from './lookups.ts'
import type { Refusal } from './plan-query.ts'
import type { Steps } from './steps.ts'

/** What the compiler is given beside a query, and what it makes of it: plain data, stored as JSON in the catalog. */
export interface Target {
  readonly schema: string
  readonly table: string
  readonly stableName: string
  /** Where inner stages live. */
  readonly stageSchema: string
  /** Citus is to place its table on other nodes. */
  readonly onNodes?: boolean
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
}

/**
 * All that the statements of a differential refresh are compiled from. Which of them will be needed depends on which
 * sources change together, so they are compiled where they run, by `refreshCompiler`.
 */
export interface RefreshRecipe {
  readonly definition: string
  readonly columns: QueryFacts['columns']
  readonly relations: readonly RelationFacts[]
  readonly functions: readonly FunctionFacts[]
  /** Of the columns that exist only inside the plan. */
  readonly types: Readonly<Record<string, TypeFacts>>
  readonly target: Target
  readonly smallDeltaRows: number
}

/**
 * How many change rows a statement takes of a source, and so what it is planned for. `few`: up to `smallDeltaRows`.
 * `many`: until so many that most of them cancel. `churned`: any number; what cancels is taken out first. A window that is
 * larger is not read, but told as `over`.
 */
export type Extent = (typeof EXTENTS)[number]

export const EXTENTS = ['few', 'many', 'churned'] as const

/** One of the statements of a differential refresh. */
export interface RefreshVariant {
  /**
   * Stable names of the sources whose changes it reads. It only looks whether others have changed, and then does
   * nothing but say so. What can not change costs nothing: neither a look-up nor planning.
   */
  readonly changed: ReadonlySet<string>
  readonly extent: Extent
  /**
   * Of `many`: stable names of sources of which it takes no more than `few` does. By statistics the planner would expect
   * thousands of rows where there are four, and read what these are joined with from end to end.
   */
  readonly few?: ReadonlySet<string>
  /** Writes the output delta to the stream table's own change buffer. */
  readonly emits: boolean
}

export interface Compiled {
  readonly effectiveMode: 'differential' | 'full'
  readonly refusal: Refusal | null
  readonly storage: 'keyed' | 'bag' | 'single'
  readonly keyColumns: readonly string[]
  readonly sources: readonly CompiledSource[]
  /** State tables in the order in which they are filled; the stream table is the last. */
  readonly tables: readonly CompiledTable[]
  /** Brings the answer alone to the present, and leaves all state behind; where that is less than to replace all tables. */
  readonly answer?: ReplaceStatements
  readonly refresh: RefreshRecipe | null
  /** By which columns of base tables its deltas find rows. */
  readonly lookups: readonly Lookup[]
  /** Of one that is placed: the columns by any one of which its rows can be distributed, those of its key. */
  readonly distributable?: readonly string[]
}

export interface CompiledTable {
  readonly schema: string
  readonly table: string
  readonly create: string
  /** Columns that get an index of their own. */
  readonly indexes: readonly string[]
  /** INSERT of the whole content into the empty table. */
  readonly fill: string
  readonly replace: ReplaceStatements
  readonly visibleColumns: readonly string[]
}

/** Recomputes, and applies only the difference: `once`, or `compute`, `apply` and `discard` one after the other. */
export interface ReplaceStatements {
  readonly once: Applying
  readonly compute: string
  readonly apply: Applying
  readonly discard: string
  /** Of a table that is placed, in the place of `apply`, after `compute`. */
  readonly placed?: { readonly quiet: Steps; readonly emitting: Steps | null }
}

export interface Applying {
  readonly quiet: string
  /** The same, and writes the output delta to the change buffer; only of the stream table itself. */
  readonly emitting: string | null
}
