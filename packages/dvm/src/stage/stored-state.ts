import { q, select, type Chain } from '../print/text.ts'
import { tableName, type StateTable } from './state-table.ts'

/**
 * The stored rows that a stage meets, each with its place as `__at`.
 *
 * A table of this server is read where it is needed, and rows are found again by their place. Of a table that is placed on
 * other nodes, a part of its own fetches just the rows that are met, which Citus can plan; they are joined here, and found
 * again by their key.
 */
export function placeIn({ placed }: StateTable): string {
  return placed === 'here' ? 't.ctid' : 'null::tid'
}

/** A FROM item that holds at least the rows whose `columns` are among those of `wanted`, a query without duplicates. */
export function storedMatching(chain: Chain, table: StateTable, columns: readonly string[], wanted: string): string {
  if (table.placed !== 'apart') return tableName(table)
  const names = columns.map((_, i) => `__wanted_${i + 1}`)
  const on = columns.map((column, i) => `t.${q(column)} = w.__wanted_${i + 1}`).join(' and ')
  return chain.add(
    STORED,
    `with wanted (${names.join(', ')}) as materialized (\n${wanted}\n)\n${select({ columns: ['t.*'], from: `${tableName(table)} t\njoin wanted w on ${on}` })}`,
  )
}

/** A query of all rows, or of none where `touched` has none. */
export function storedWhereSome(chain: Chain, table: StateTable, touched: string): string {
  const some = `(select exists (select 1 from ${touched}))`
  return placed(chain, table, [some])
}

/** A query of all rows. */
export function storedAll(chain: Chain, table: StateTable): string {
  return table.placed === 'apart' ? placed(chain, table, []) : `select *, ctid as __at from ${tableName(table)}`
}

function placed(chain: Chain, table: StateTable, where: readonly string[]): string {
  if (table.placed !== 'apart')
    return select({ columns: ['t.*', `${placeIn(table)} as __at`], from: `${tableName(table)} t`, where })
  const stored = chain.add(STORED, select({ columns: ['t.*'], from: `${tableName(table)} t`, where }))
  return select({ columns: ['*', 'null::tid as __at'], from: stored })
}

const STORED = 'stored'
