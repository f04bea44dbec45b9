import type { StageReader } from '../delta/readings.ts'
import type { Stateful } from '../plan/plan.ts'
import { nested, q, select } from '../print/text.ts'
import type { StageDelta } from './stage.ts'
import type { KeyedStage } from './stages.ts'
import { tableName } from './state-table.ts'

/**
 * The states of inner stages, which a statement reads before it changes them:
 *
 *   after = the stored rows whose key no change touched ⊎ the touched ones as they are now
 *
 * For a few rows of other tables the stored ones are to be looked up by index. PostgreSQL does so in a branch of UNION ALL
 * that is a bare table, not in one with a WHERE, so what is touched is then left out above the union. But for each row that
 * is looked up it goes through all the touched ones again. Where these are many it is to read the whole, once, and to hash
 * it. `beside`: Citus hands to the shards what is joined by equality, and no NOT IN.
 *
 * All of that is for where it must be one query. Where it may be two (`readInParts`) the stored rows are a bare table, and
 * the touched ones are hashed.
 */
export type Looked = 'by index' | 'through' | 'beside'

export function stateReader(
  inner: ReadonlyMap<Stateful, KeyedStage>,
  computed: ReadonlyMap<Stateful, StageDelta>,
  looked: Looked,
): StageReader {
  return {
    inParts(node, reading) {
      const stage = inner.get(node)
      const delta = computed.get(node)
      if (stage === undefined || delta === undefined || reading === 'before' || looked === 'beside') return undefined
      const columns = node.columns.map((column) => q(column.name))
      return inTwo(delta, columns, tableName(stage.table))
    },
    read(node, reading) {
      const stage = inner.get(node)
      if (stage === undefined) return undefined
      const columns = node.columns.map((column) => q(column.name))
      const table = tableName(stage.table)
      const delta = computed.get(node)
      if (reading === 'before' || delta === undefined) return select({ columns, from: table })
      switch (looked) {
        case 'by index':
          return aboveTheUnion(delta, columns, table)
        case 'through':
          return inTwo(delta, columns, table).join('\nunion all\n')
        case 'beside':
          return joinedToNone(delta, columns, table)
      }
    },
  }
}

/** What no change touched, and what one did, as it is now. */
function inTwo(delta: StageDelta, columns: readonly string[], table: string): readonly string[] {
  const stored = delta.keys.map((key) => `t.${q(key.stored)}`).join(', ')
  const untouched = select({
    columns: columns.map((column) => `t.${column}`),
    from: `${table} t`,
    where: [`(${stored}) not in (${touchedKeys(delta)})`],
  })
  return [untouched, touchedNow(delta, columns, [])]
}

function joinedToNone(delta: StageDelta, columns: readonly string[], table: string): string {
  const [first] = delta.keys
  const untouched = select({
    columns: columns.map((column) => `t.${column}`),
    from: `${table} t\nleft join ${delta.rows} c on ${delta.keys.map(({ stored, value }) => `t.${q(stored)} = c.${value}`).join(' and ')}`,
    where: [`c.${first?.value ?? ''} is null`],
  })
  return `${untouched}\nunion all\n${touchedNow(delta, columns, [])}`
}

function aboveTheUnion(delta: StageDelta, columns: readonly string[], table: string): string {
  const keys = delta.keys.map((_, i) => `__stored_${i + 1}`)
  const all = select({
    columns: [
      ...columns.map((column) => `t.${column}`),
      ...delta.keys.map((key, i) => `t.${q(key.stored)} as ${keys[i] ?? ''}`),
      'true as __stored',
    ],
    from: `${table} t`,
  })
  const now = touchedNow(delta, columns, [...delta.keys.map((key) => key.value), 'false'])
  return select({
    columns,
    from: `${nested(`${all}\nunion all\n${now}`)} s`,
    where: [`not (__stored and (${keys.join(', ')}) in (${touchedKeys(delta)}))`],
  })
}

function touchedNow(delta: StageDelta, columns: readonly string[], more: readonly string[]): string {
  return select({
    columns: [...delta.after.map((value, i) => `${value} as ${columns[i] ?? value}`), ...more],
    from: delta.rows,
    where: [delta.alive],
  })
}

/** Keys are never null, and IN hashes them once, however often the reading is done for one row of another table. */
function touchedKeys(delta: StageDelta): string {
  return select({ columns: delta.keys.map((key) => `c.${key.value}`), from: `${delta.rows} c` }).replaceAll('\n', ' ')
}
