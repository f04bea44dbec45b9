import { q, select, type Chain } from '../print/text.ts'
import type { StageDelta } from './stage.ts'
import { tableName } from './state-table.ts'

/**
 * Applies what a stage computed: delete the keys that are gone, write those that are there. The two never touch one
 * key, so their order inside the statement does not matter. DELETE and INSERT … ON CONFLICT, never MERGE: Citus
 * refuses most of those, and one path is enough.
 */
export interface Applied {
  readonly deleted: string
  readonly written: string
}

export function apply(chain: Chain, delta: StageDelta): Applied {
  const target = tableName(delta.table)
  const match = delta.keys.map((key) => `t.${q(key.stored)} = c.${key.value}`).join(' and ')
  const deleted = chain.add(
    `deleted from ${delta.table.table}`,
    `delete from ${target} t\nusing ${delta.rows} c\nwhere ${match} and c.${delta.existed} and not ${qualified(delta.alive)}\nreturning 1`,
  )
  const columns = delta.table.columns.map((column) => q(column.name))
  const conflict = delta.keys.map((key) => q(key.stored)).join(', ')
  const written = chain.add(
    `written to ${delta.table.table}`,
    [
      `insert into ${target} as t (${columns.join(', ')})`,
      select({ columns: delta.row, from: delta.rows, where: [delta.alive] }),
      `on conflict (${conflict}) do ${update(delta)}`,
      'returning 1',
    ].join('\n'),
  )
  return { deleted, written }
}

function qualified(alive: string): string {
  return `(${alive})`
}

function update(delta: StageDelta): string {
  const keys = new Set(delta.keys.map((key) => key.stored))
  const others = delta.table.columns.filter((column) => !keys.has(column.name)).map((column) => q(column.name))
  return others.length === 0 ? 'nothing' : `update set ${others.map((name) => `${name} = excluded.${name}`).join(', ')}`
}

/** The stage's own change, as a Z-set of its visible columns: for the stages above it, and for whoever consumes it. */
export function emitted(delta: StageDelta, names: readonly string[]): string {
  const side = (values: readonly string[], exists: string, weight: string) =>
    select({
      columns: [...values.map((value, i) => `${value} as ${q(names[i] ?? value)}`), `${weight} as __w`],
      from: delta.rows,
      where: [exists, changed(delta)],
    })
  return `${side(delta.before, delta.existed, '-1')}\nunion all\n${side(delta.after, delta.alive, '1')}`
}

function changed(delta: StageDelta): string {
  return delta.differs === 'true' ? 'true' : `(not ${delta.existed} or not (${delta.alive}) or ${delta.differs})`
}
