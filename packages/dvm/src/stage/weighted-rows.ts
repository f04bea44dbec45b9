import type { TypeFacts } from '../facts.ts'
import { anyValue, asFew, nested, q, select, theOne, type Chain } from '../print/text.ts'
import { keyName, ROW_HASH, ROW_ORDINAL, type Key } from './key.ts'
import { netRows } from './net.ts'
import type { StageDelta } from './stage.ts'
import type { StateTable } from './state-table.ts'
import { storedMatching } from './stored-state.ts'

/** A column that the table shows. */
export interface Shown {
  readonly name: string
  readonly type: TypeFacts
}

/**
 * What a weighted delta does to a table that stores the rows themselves. `rows` is a part of the statement that has what
 * the table shows, and `__w`; rows in it may cancel.
 *
 * Keyed, where a key follows from the query: at most one row left and one row arrived for each key, so a key with an
 * arrival is written and a key with only a departure is deleted. Otherwise a bag: rows are told apart by a hash of
 * their content, copies by an ordinal 1…n without gaps; n more copies are numbered on, n fewer cut off at the end.
 */
export function weightedRows(chain: Chain, table: StateTable, shown: readonly Shown[], rows: string): StageDelta {
  return table.key.kind === 'row' ? bag(chain, table, shown, rows) : keyed(chain, table, shown, rows)
}

function keyed(chain: Chain, table: StateTable, shown: readonly Shown[], rows: string): StageDelta {
  const { key } = table
  const names = shown.map(({ name }) => q(name))
  const net = chain.add('Δ net', netRows(rows, shown))
  const values = key.columns.map((column, i) => `${column.value ?? 'null'} as ${keyName(i)}`)
  const withKeys = chain.add('Δ keyed', select({ columns: ['*', ...values], from: net }))
  const pairs = table.placed === 'beside' ? grouped(withKeys, key, names) : paired(withKeys, key, names)
  const changes = chain.add('changes', pairs)
  const after = names.map((_, i) => newName(i))
  return {
    table,
    rows: changes,
    row: [...after, ...key.columns.flatMap((column, i) => (column.hidden ? [keyName(i)] : []))],
    keys: key.columns.map((column, i) => ({ stored: column.name, value: keyName(i) })),
    location: null,
    existed: '__existed',
    alive: '__alive',
    visible: shown.map(({ name }) => name),
    before: names.map((_, i) => oldName(i)),
    after,
    differs: 'true',
  }
}

function paired(rows: string, key: Key, names: readonly string[]): string {
  const arrived = select({ columns: ['*'], from: rows, where: ['__w > 0'] })
  const left = select({ columns: ['*'], from: rows, where: ['__w < 0'] })
  const keys = key.columns.map((_, i) => keyName(i))
  return select({
    columns: [
      ...keys.map((name) => `coalesce(a.${name}, l.${name}) as ${name}`),
      'l.__w is not null as __existed',
      'a.__w is not null as __alive',
      ...names.map((name, i) => `l.${name} as ${oldName(i)}`),
      ...names.map((name, i) => `a.${name} as ${newName(i)}`),
    ],
    from: `${nested(arrived)} a\nfull join ${nested(left)} l on ${keys.map((name) => `a.${name} = l.${name}`).join(' and ')}`,
  })
}

/** The same, with keys that are columns and not expressions: so it is seen that they stay on their shard. */
function grouped(rows: string, key: Key, names: readonly string[]): string {
  const keys = key.columns.map((_, i) => keyName(i))
  return select({
    columns: [
      ...keys,
      'bool_or(__w < 0) as __existed',
      'bool_or(__w > 0) as __alive',
      ...names.map((name, i) => `${theOne(name, '__w < 0')} as ${oldName(i)}`),
      ...names.map((name, i) => `${theOne(name, '__w > 0')} as ${newName(i)}`),
    ],
    from: rows,
    groupBy: keys,
  })
}

function bag(chain: Chain, table: StateTable, shown: readonly Shown[], rows: string): StageDelta {
  const names = shown.map(({ name }) => q(name))
  const [hashColumn] = table.key.columns
  const hashed = select({ columns: [...names, `${hashColumn?.value ?? 'null'} as ${ROW_HASH}`, '__w'], from: rows })
  const net = chain.add(
    'Δ net',
    select({
      columns: [
        ...shown.map(({ name, type }) => `${anyValue(q(name), type)} as ${q(name)}`),
        ROW_HASH,
        'sum(__w) as __w',
      ],
      from: `${nested(hashed)} h`,
      groupBy: [ROW_HASH],
      having: ['sum(__w) <> 0'],
    }),
  )
  const wanted = select({ columns: [ROW_HASH], from: net })
  const stored = storedMatching(chain, table, [hashColumn?.name ?? ROW_HASH], wanted)
  const counted = chain.add(
    'copies',
    select({
      columns: [
        'n.*',
        `(select coalesce(max(t.${ROW_ORDINAL}), 0) from ${stored} t where t.${ROW_HASH} = n.${ROW_HASH}) as __have`,
      ],
      from: `${net} n`,
    }),
  )
  const changes = chain.add(
    'changes',
    select({
      columns: [
        `${ROW_HASH} as ${keyName(0)}`,
        `copy.__n as ${keyName(1)}`,
        '__w < 0 as __existed',
        '__w > 0 as __alive',
        ...names.map((name, i) => `${name} as ${valueName(i)}`),
      ],
      from: `${counted} c\ncross join lateral generate_series(\n  (__have + least(__w, 0) + 1)::bigint,\n  (__have + greatest(__w, 0))::bigint\n) copy(__n)`,
      // a thousand copies of each row would be expected
      where: [asFew('copy.__n', 1, String(MOST_COPIES))],
    }),
  )
  const values = names.map((_, i) => valueName(i))
  return {
    table,
    rows: changes,
    row: [...values, keyName(0), keyName(1)],
    keys: table.key.columns.map((column, i) => ({ stored: column.name, value: keyName(i) })),
    location: null,
    existed: '__existed',
    alive: '__alive',
    visible: shown.map(({ name }) => name),
    before: values,
    after: values,
    differs: 'true',
  }
}

const MOST_COPIES = 9_223_372_036_854_775_807n

const oldName = (i: number) => `__old_${i + 1}`
const newName = (i: number) => `__new_${i + 1}`
const valueName = (i: number) => `__value_${i + 1}`
