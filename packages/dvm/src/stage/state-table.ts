import type { TypeFacts } from '../facts.ts'
import { q } from '../print/text.ts'
import type { Key } from './key.ts'

/**
 * A table that Freshet keeps: a stream table, or the state of an inner stage. Visible columns come first, under the
 * names that readers see; hidden ones last, and only those that are needed.
 */
export interface StateTable {
  readonly schema: string
  readonly table: string
  readonly columns: readonly StoredColumn[]
  readonly key: Key
  /** Whether its rows are on other nodes, where they have no place by which they would be found again. */
  readonly placed: Placed
  /** Where `columns` are not all that it has: what a new row gets in others. */
  readonly placeholders?: readonly { readonly name: string; readonly value: string }[]
}

/** Rows on other nodes are fetched from there, `apart`, or a statement that runs there meets them, `beside`. */
export type Placed = 'here' | 'apart' | 'beside'

export interface StoredColumn {
  readonly name: string
  readonly sql: string
  readonly collation: string | null
  readonly visible: boolean
  readonly notNull: boolean
}

export function storedColumn(name: string, type: TypeFacts, visible: boolean): StoredColumn {
  return { name, sql: type.sql, collation: type.collation, visible, notNull: false }
}

export function hiddenColumn(name: string, sql: string, notNull: boolean): StoredColumn {
  return { name, sql, collation: null, visible: false, notNull }
}

export function tableName(table: StateTable): string {
  return `${q(table.schema)}.${q(table.table)}`
}

export function createTable(table: StateTable): string {
  const keyColumns = new Set(table.key.columns.map((column) => column.name))
  const lines = table.columns.map((column) => {
    const collation = column.collation === null ? '' : ` collate ${column.collation}`
    const constraint = column.notNull || keyColumns.has(column.name) ? ' not null' : ''
    return `${q(column.name)} ${column.sql}${collation}${constraint}`
  })
  const key = table.key.columns.map((column) => q(column.name)).join(', ')
  return `create table ${tableName(table)} (\n  ${[...lines, `primary key (${key})`].join(',\n  ')}\n) with (fillfactor = 75)`
}

/** `left.k = right.k and …` over the key columns. Keys are never null, so plain equality is right and can use the index. */
export function sameKey(key: Key, left: string, right: string): string {
  return key.columns.map((column) => `${left}.${q(column.name)} = ${right}.${q(column.name)}`).join(' and ')
}
