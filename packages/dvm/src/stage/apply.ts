import { q, select, type Chain } from '../print/text.ts'
import type { StageDelta } from './stage.ts'
import { tableName } from './state-table.ts'

/**
 * Applies what a stage computed: delete the keys that are gone, write those that are there. The parts never touch one
 * key, so their order inside the statement does not matter.
 *
 * Where the stage has met the stored rows, it knows their places, and changes them there: measured on 6,300 of 10,000
 * rows, half the time of finding them again by INSERT … ON CONFLICT. Where it has not, that is the one path. Never
 * MERGE: Citus refuses most of those.
 */
export interface Applied {
  readonly deleted: string
  readonly written: readonly string[]
}

const WRITES = { writes: 'written' } as const

/** `told`: each row that is written is told of, to be counted. */
export function apply(chain: Chain, delta: StageDelta, told = true): Applied {
  const returning = told ? '\nreturning 1' : ''
  chain.isApplied(delta.rows)
  const target = tableName(delta.table)
  const gone = `c.${delta.existed} and not (${delta.alive})`
  const deleted = chain.add(
    `deleted from ${delta.table.table}`,
    `delete from ${target} t\nusing ${delta.rows} c\nwhere ${place(delta)} and ${gone}${returning}`,
    { writes: 'deleted' },
  )
  if (delta.location === null)
    return {
      deleted,
      written: [chain.add(`written to ${delta.table.table}`, `${upsert(target, delta)}${returning}`, WRITES)],
    }
  const written = [
    chain.add(
      `inserted into ${delta.table.table}`,
      `${insert(target, delta, [delta.alive, `not ${delta.existed}`])}${returning}`,
      WRITES,
    ),
  ]
  const changes = assignments(delta)
  if (changes.length > 0) {
    const update = `update ${target} t\nset ${changes.join(', ')}\nfrom ${delta.rows} c\nwhere ${place(delta)} and c.${delta.existed} and ${delta.alive}${returning}`
    written.push(chain.add(`updated in ${delta.table.table}`, update, WRITES))
  }
  return { deleted, written }
}

function place(delta: StageDelta): string {
  if (delta.location !== null) return `t.ctid = c.${delta.location}`
  return delta.keys.map((key) => `t.${q(key.stored)} = c.${key.value}`).join(' and ')
}

function insert(target: string, delta: StageDelta, where: readonly string[]): string {
  const others = delta.table.placeholders ?? []
  const columns = [...delta.table.columns, ...others].map((column) => q(column.name))
  const row = [...delta.row, ...others.map(({ value }) => value)]
  return `insert into ${target} as t (${columns.join(', ')})\n${select({ columns: row, from: delta.rows, where })}`
}

function upsert(target: string, delta: StageDelta): string {
  const conflict = delta.keys.map((key) => q(key.stored)).join(', ')
  const others = otherColumns(delta).map(({ name }) => `${q(name)} = excluded.${q(name)}`)
  const action = others.length === 0 ? 'nothing' : `update set ${others.join(', ')}`
  return `${insert(target, delta, [delta.alive])}\non conflict (${conflict}) do ${action}`
}

function assignments(delta: StageDelta): string[] {
  return otherColumns(delta).map(({ name, value }) => `${q(name)} = ${value}`)
}

/** The columns that are no key, with their new values. */
function otherColumns(delta: StageDelta): { readonly name: string; readonly value: string }[] {
  const keys = new Set(delta.keys.map((key) => key.stored))
  return delta.table.columns.flatMap((column, i) =>
    keys.has(column.name) ? [] : [{ name: column.name, value: delta.row[i] ?? 'null' }],
  )
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
