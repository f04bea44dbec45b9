import type { Column } from '../plan/column.ts'
import type { TypeFacts } from '../facts.ts'
import { q } from '../print/text.ts'
import { Unsupported } from '../unsupported.ts'

/**
 * How the rows of a state table are told apart. A key is always not null and always fits an index entry:
 *
 * - `columns`: the key columns themselves, where they are known to be not null and short;
 * - `hash`:    a hidden column with a 128-bit hash of the key's canonical values (SHA-256, cut), where they are not;
 * - `single`:  one row, under a constant;
 * - `row`:     no key: a hash of the whole row and an ordinal, so that real duplicates are kept.
 */
export interface Key {
  readonly kind: 'columns' | 'hash' | 'single' | 'row'
  readonly columns: readonly KeyColumn[]
}

export interface KeyColumn {
  /** Physical column of the state table. */
  readonly name: string
  readonly sql: string
  readonly hidden: boolean
  /** Its value, over the key columns as they stand in FROM; for a row's ordinal null: the apply step numbers rows. */
  readonly value: string | null
}

export interface TypedColumn extends Column {
  readonly type: TypeFacts
}

/** An index takes 32 columns, and a key should stay readable. */
const MOST_KEY_COLUMNS = 8

const KEY_HASH = '__key'
export const ROW_HASH = '__row'
export const ROW_ORDINAL = '__ord'
const SINGLE = '__one'

/** `physical` names the stored column of a key column, where it is stored at all. */
export function chooseKey(columns: readonly TypedColumn[], physical: (name: string) => string | undefined): Key {
  if (columns.length === 0)
    return { kind: 'single', columns: [{ name: SINGLE, sql: 'boolean', hidden: true, value: 'true' }] }
  const stored = columns.map((column) => physical(column.name))
  const plain =
    columns.length <= MOST_KEY_COLUMNS &&
    columns.every(
      (column, i) => column.notNull && column.type.bounded && column.type.ordered && stored[i] !== undefined,
    )
  if (plain) {
    return {
      kind: 'columns',
      columns: columns.map((column, i) => ({
        name: stored[i] ?? column.name,
        sql: column.type.sql,
        hidden: false,
        value: q(column.name),
      })),
    }
  }
  return {
    kind: 'hash',
    columns: [{ name: KEY_HASH, sql: 'bytea', hidden: true, value: hash(columns.map(canonical)) }],
  }
}

/**
 * The key of a bag: duplicates of one row differ in their ordinal only. `apart` are further values that tell rows
 * apart: where only some partitions are numbered anew, equal rows of others must not share their numbers.
 */
export function rowKey(
  columns: readonly { readonly name: string; readonly type: TypeFacts }[],
  apart: readonly string[] = [],
): Key {
  const values = [...columns.map((column) => `${q(column.name)}::${column.type.sql}`), ...apart]
  return {
    kind: 'row',
    columns: [
      { name: ROW_HASH, sql: 'bytea', hidden: true, value: hash(values) },
      { name: ROW_ORDINAL, sql: 'bigint', hidden: true, value: null },
    ],
  }
}

/** The same, led by the column that says on which shard a row is: so a key never leaves it, and Citus can tell. */
export function onShard(key: Key, column: { readonly name: string; readonly type: TypeFacts }): Key {
  if (key.columns.some(({ name }) => name === column.name)) return key
  const first = { name: column.name, sql: column.type.sql, hidden: false, value: q(column.name) }
  return { kind: key.kind, columns: [first, ...key.columns] }
}

/** The hash of some columns' canonical values: equal values have equal hashes. */
export function hashOf(columns: readonly { readonly name: string; readonly type: TypeFacts }[]): string {
  return hash(columns.map(canonical))
}

function canonical(column: { readonly name: string; readonly type: TypeFacts }): string {
  if (column.type.canonical === null)
    throw new Unsupported('KEY_TYPE', `the column ${column.name} of type ${column.type.sql}`)
  return column.type.canonical.replaceAll('$', () => `${q(column.name)}::${column.type.sql}`)
}

/** A row's binary image does not depend on any session setting; its first 16 bytes of SHA-256 are the hash. */
function hash(expressions: readonly string[]): string {
  return `substr(sha256(record_send(row(${expressions.join(', ')}))), 1, 16)`
}

/** A key column's value in a step's rows. */
export const keyName = (i: number) => `__key_${i + 1}`
