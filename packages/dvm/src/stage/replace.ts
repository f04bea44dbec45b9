import { imagesDiffer, nested, q, select, sentImagesDiffer, theOne, type Chain } from '../print/text.ts'
import { keyName } from './key.ts'
import type { StageDelta } from './stage.ts'
import { sameKey, type StateTable } from './state-table.ts'
import { storedAll } from './stored-state.ts'

/**
 * A full refresh as a delta: the query is computed anew and compared with the table by key, and only the rows that
 * differ (by their binary image) are touched. So consumers of a stream table see a true delta of a full refresh too.
 */
export function replace(chain: Chain, table: StateTable, fresh: string): StageDelta {
  return compareRows(chain, table, fresh, `${nested(storedAll(chain, table))} t`)
}

/** What the table should hold, under the names of its columns. */
export function freshRows(table: StateTable, fill: string): string {
  return `select * from ${nested(fill)} as f(${table.columns.map((column) => q(column.name)).join(', ')})`
}

/** The same as a part of the statement; its name. */
export function freshPart(chain: Chain, table: StateTable, fill: string): string {
  return chain.add('fresh', freshRows(table, fill), { materialized: true })
}

/** The difference between fresh rows and the stored ones (a FROM item called `t`, with each row's place as `__at`), by key and image. */
export function compareRows(chain: Chain, table: StateTable, fresh: string, stored: string): StageDelta {
  if (table.placed === 'beside') return compareGroups(chain, table, fresh, stored)
  const columns = table.columns.map((column) => q(column.name))
  const [first] = table.key.columns
  const key = q(first?.name ?? '')
  const visible = table.columns.filter((column) => column.visible)
  const differ = (names: readonly string[]) =>
    imagesDiffer(
      names.map((name) => `t.${name}`),
      names.map((name) => `f.${name}`),
    )
  const changes = chain.add(
    'changes',
    select({
      columns: [
        ...table.key.columns.map((column, i) => `coalesce(t.${q(column.name)}, f.${q(column.name)}) as ${keyName(i)}`),
        `t.${key} is not null as __existed`,
        't.__at',
        `f.${key} is not null as __alive`,
        ...table.columns.map((column, i) => `f.${q(column.name)} as __new_${i + 1}`),
        ...visible.map((column, i) => `t.${q(column.name)} as __old_${i + 1}`),
        visible.length === 0 ? 'false as __differs' : `${differ(visible.map((column) => q(column.name)))} as __differs`,
      ],
      from: `${fresh} f\nfull join ${stored} on ${sameKey(table.key, 't', 'f')}`,
      where: [`(t.${key} is null or f.${key} is null or ${differ(columns)})`],
    }),
  )
  return comparison(table, changes)
}

/** The same for shards: of a full join, Citus would not know that its keys stay where they are. */
function compareGroups(chain: Chain, table: StateTable, fresh: string, stored: string): StageDelta {
  const columns = table.columns.map((column) => q(column.name))
  const side = (from: string, isFresh: boolean) => select({ columns: [...columns, `${isFresh} as __fresh`], from })
  const keys = table.key.columns.map((column) => q(column.name))
  const pairs = chain.add(
    'pairs',
    select({
      columns: [
        ...keys.map((key, i) => `${key} as ${keyName(i)}`),
        'bool_or(not __fresh) as __existed',
        'bool_or(__fresh) as __alive',
        ...columns.map((column, i) => `${theOne(column, '__fresh')} as __new_${i + 1}`),
        ...columns.map((column, i) => `${theOne(column, 'not __fresh')} as __stored_${i + 1}`),
      ],
      from: `${nested(`${side(`${fresh} f`, true)}\nunion all\n${side(stored, false)}`)} b`,
      groupBy: keys,
    }),
  )
  const at = table.columns.map((_, i) => i + 1)
  const visible = at.filter((i) => table.columns[i - 1]?.visible === true)
  const differ = (which: readonly number[]) =>
    sentImagesDiffer(
      which.map((i) => `__stored_${i}`),
      which.map((i) => `__new_${i}`),
    )
  const changes = chain.add(
    'changes',
    select({
      columns: [
        ...keys.map((_, i) => keyName(i)),
        '__existed',
        '__alive',
        ...at.map((i) => `__new_${i}`),
        ...visible.map((i, n) => `__stored_${i} as __old_${n + 1}`),
        visible.length === 0 ? 'false as __differs' : `${differ(visible)} as __differs`,
      ],
      from: pairs,
      where: [`(not __existed or not __alive or ${differ(at)})`],
    }),
  )
  return comparison(table, changes)
}

/** What is to be written and deleted, named `__new_…`, and what was shown before, `__old_…`. */
export function comparison(table: StateTable, changes: string): StageDelta {
  const visible = table.columns.filter((column) => column.visible)
  const after = table.columns.map((_, i) => `__new_${i + 1}`)
  return {
    table,
    rows: changes,
    row: after,
    keys: table.key.columns.map((column, i) => ({ stored: column.name, value: keyName(i) })),
    location: table.placed === 'here' ? '__at' : null,
    existed: '__existed',
    alive: '__alive',
    visible: visible.map((column) => column.name),
    before: visible.map((_, i) => `__old_${i + 1}`),
    after: after.filter((_, i) => table.columns[i]?.visible === true),
    differs: '__differs',
  }
}
