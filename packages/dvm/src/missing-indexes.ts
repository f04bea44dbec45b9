import { q } from './print/text.ts'
import type { Lookup } from './lookups.ts'

/** What the catalog says of a table that deltas look into. */
export interface TableIndexes {
  readonly oid: number
  /** Columns of each index that is valid and covers all rows, the leading one first; null for an expression. */
  readonly indexes: readonly (readonly (string | null)[])[]
  readonly bytes: number
}

export interface MissingIndex {
  /** `schema.table`, quoted where needed. */
  readonly table: string
  readonly columns: readonly string[]
  /** The operators that would use it. */
  readonly operators: readonly string[]
  readonly statement: string
}

/** Tables of a few pages are read as fast as an index. */
const SMALL_BYTES = 64 * 1024

/**
 * Indexes that the lookups want and that are not there. An index serves a lookup when its leading column is among the
 * columns that are compared; so one for many columns is proposed before one for few of them, which it may serve too.
 */
export function missingIndexes(lookups: readonly Lookup[], tables: readonly TableIndexes[]): readonly MissingIndex[] {
  const known = new Map(tables.map((table) => [table.oid, table]))
  const missing: { readonly lookup: Lookup; readonly operators: Set<string> }[] = []
  for (const lookup of lookups.toSorted((a, b) => b.columns.length - a.columns.length)) {
    const table = known.get(lookup.oid)
    if (table === undefined || table.bytes < SMALL_BYTES) continue
    const leads = ([first = null]: readonly (string | null)[]) => first !== null && lookup.columns.includes(first)
    if (table.indexes.some(leads)) continue
    const proposed = missing.find((other) => other.lookup.oid === lookup.oid && leads(other.lookup.columns))
    if (proposed === undefined) missing.push({ lookup, operators: new Set([lookup.operator]) })
    else proposed.operators.add(lookup.operator)
  }
  return missing.map(({ lookup, operators }) => {
    const table = `${q(lookup.schema)}.${q(lookup.table)}`
    // Concurrently writers are not kept waiting; a partitioned table does not allow it.
    const concurrently = lookup.partitioned ? '' : 'concurrently '
    return {
      table,
      columns: lookup.columns,
      operators: [...operators],
      statement: `create index ${concurrently}on ${table} (${lookup.columns.map(q).join(', ')});`,
    }
  })
}
