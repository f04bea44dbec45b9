import type { TypeFacts } from '../facts.ts'
import type { StateTable } from './state-table.ts'

/** The type of a plan's column, as PostgreSQL told it. */
export type TypeOf = (column: string) => TypeFacts

/**
 * What a keyed stage computed: one row for each key that may change, in the named part `rows` of the statement.
 * Expressions are over the columns of `rows`.
 */
export interface StageDelta {
  readonly table: StateTable
  readonly rows: string
  /** A value for each stored column. */
  readonly row: readonly string[]
  readonly keys: readonly { readonly stored: string; readonly value: string }[]
  /** The stored row's ctid, where the stage has read it; null where it has not. */
  readonly location: string | null
  /** Whether the key was stored before, and whether it is afterwards. */
  readonly existed: string
  readonly alive: string
  /** The visible columns, and their values before and after; `before` is empty where nobody asks what changed. */
  readonly visible: readonly string[]
  readonly before: readonly string[]
  readonly after: readonly string[]
  /** Whether a key that exists before and after shows something else. */
  readonly differs: string
}
