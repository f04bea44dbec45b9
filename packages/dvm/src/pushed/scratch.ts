import { type Chain, q, select, withParts } from '../print/text.ts'
import { emitted } from '../stage/apply.ts'
import { keyName } from '../stage/key.ts'
import type { StageDelta } from '../stage/stage.ts'
import { needed, temporary } from '../steps.ts'

/**
 * What has to change of a stage, in a table beside its shards: keys, whether they were there and will be, the whole row as it
 * will be, and what was shown of it before. Of any stage the same, by deltas and anew.
 */
export interface Scratch {
  readonly table: string
  /** What fills it, and the column by which it is distributed. */
  readonly query: string
  readonly column: string
  /** Into the table, which is empty. */
  readonly computes: readonly string[]
}

export interface PushedPlaces {
  /** Of each stage, in order, the last being the stream table's. */
  readonly scratches: readonly string[]
  readonly emitsTo: string
}

/** What is done with what the last scratch holds, when it has been computed. */
export interface Outcome {
  /** Into the buffer of the stream table's own changes, which is not there: what has to change is fetched. */
  readonly emit: readonly string[]
  /** One row, with the rows of the stream table that are written and deleted. */
  readonly count: string
}

/** `column`: by which the stage's table is distributed. Null: its key does not have it. */
export function scratchOf(
  chain: Chain,
  delta: StageDelta,
  { table, column }: { readonly table: string; readonly column: string },
): { readonly scratch: Scratch; readonly delta: StageDelta } | null {
  const shard = delta.keys.findIndex(({ stored }) => stored === column)
  if (shard === -1) return null
  const rows = select({
    columns: [
      ...delta.keys.map(({ value }, i) => `${value} as ${keyName(i)}`),
      `${delta.existed} as __existed`,
      `${delta.alive} as __alive`,
      ...delta.row.map((value, i) => `${value} as __new_${i + 1}`),
      ...delta.before.map((value, i) => `${value} as __old_${i + 1}`),
      `${delta.differs} as __differs`,
    ],
    from: delta.rows,
  })
  // put where they are read: a part that is read twice would be a query of its own, whose rows pass through the coordinator
  const parts = needed(chain.parts, rows).map((part) => ({ ...part, hint: 'not materialized ' }))
  const query = withParts(parts, rows)
  // an expression equal to the key is not one by which Citus would know that rows stay on their shard
  const shown = (name: string, value: string) => (name === column ? keyName(shard) : value)
  const { columns } = delta.table
  const row = columns.map(({ name }, i) => shown(name, `__new_${i + 1}`))
  return {
    scratch: { table, query, column: keyName(shard), computes: [`insert into ${table}\n${query}`] },
    delta: {
      table: delta.table,
      rows: table,
      row,
      keys: delta.keys.map(({ stored }, i) => ({ stored, value: keyName(i) })),
      location: null,
      existed: '__existed',
      alive: '__alive',
      visible: delta.visible,
      before: delta.before.map((_, i) => shown(delta.visible[i] ?? '', `__old_${i + 1}`)),
      after: row.filter((_, i) => columns[i]?.visible === true),
      differs: '__differs',
    },
  }
}

export function outcomeOf(delta: StageDelta, { emitsTo }: PushedPlaces): Outcome {
  const { visible, existed, alive, rows } = delta
  const fetched = `pg_temp.${FETCHED}`
  return {
    emit: [
      temporary(FETCHED, select({ columns: ['*'], from: rows })),
      `insert into ${emitsTo} (${[...visible.map(q), '__w'].join(', ')})\n${emitted({ ...delta, rows: fetched }, visible)}`,
      `drop table ${fetched}`,
    ],
    count: select({
      columns: [
        `count(*) filter (where ${alive})::float8 as written`,
        `count(*) filter (where ${existed} and not ${alive})::float8 as deleted`,
      ],
      from: rows,
    }),
  }
}

const FETCHED = 'freshet_fetched'
