import { type Fragment, identifier, sql } from '@freshet/core'
import type { Definition, StoredPlan } from '../definition.ts'
import { replacedName } from './belongings.ts'

/**
 * The exchange of names: what was the stream table, and its stages, are put aside, and the shadow and its stages get their
 * names, with their indexes. Only names change; no row is touched, and what reads the old table goes on reading it.
 */
export interface Exchange {
  readonly live: Definition
  readonly shadow: Definition
  /** The plan for the names that the shadow is to have. */
  readonly plan: StoredPlan
  readonly relation: number
  readonly indexes: readonly Index[]
  /** Index names that the shadow's are to have because somebody gave them to those that they replace. */
  readonly kept: ReadonlyMap<string, string>
  /** Names that others have in the schema of the stream table. */
  readonly taken: ReadonlySet<string>
}

export interface Index {
  readonly oid: number
  readonly schema: string
  readonly name: string
  /** The table that it is on. */
  readonly table: string
  readonly tableSchema: string
}

interface Renamed {
  readonly schema: string
  readonly from: string
  readonly to: string
}

export function exchangeNames(exchange: Exchange): readonly Fragment[] {
  const { live, shadow, relation } = exchange
  const replaced = replacedName(relation)
  const { aside, instead } = stages(exchange)
  const indexes = renamedIndexes(exchange)
  const away = indexes.filter(({ old }) => old)
  const home = indexes.filter(({ old }) => !old)
  return [
    ...away.map(({ index, to }) => renameIndex(index.schema, index.name, to)),
    ...aside.map(renameTable),
    ...renamed(identifier(live.schema, live.table), live, { schema: shadow.schema, table: replaced }),
    ...renamed(identifier(shadow.schema, shadow.table), shadow, live),
    ...instead.map(renameTable),
    ...home.map(({ index, to, schema }) => renameIndex(schema, index.name, to)),
  ]
}

/** What the plan of the replaced one calls its stages from then on. */
export function putAside({ live, shadow }: Pick<Exchange, 'live' | 'shadow'>): StoredPlan {
  const { tables } = live.plan
  const stages = tables.slice(0, -1).map((stage, i) => ({ ...stage, table: asideName(shadow, i) }))
  return { ...live.plan, tables: [...stages, ...tables.slice(-1)] }
}

function asideName(shadow: Definition, i: number): string {
  return `${shadow.table}_s${i + 1}`
}

function stages({ live, shadow, plan }: Exchange): {
  readonly aside: readonly Renamed[]
  readonly instead: readonly Renamed[]
} {
  const aside = live.plan.tables
    .slice(0, -1)
    .map((stage, i) => ({ schema: stage.schema, from: stage.table, to: asideName(shadow, i) }))
  const instead = shadow.plan.tables
    .slice(0, -1)
    .map((stage, i) => ({ schema: stage.schema, from: stage.table, to: plan.tables[i]?.table ?? stage.table }))
  return { aside, instead }
}

function renameTable({ schema, from, to }: Renamed): Fragment {
  return sql`alter table ${identifier(schema, from)} rename to ${identifier(to)}`
}

function renameIndex(schema: string, from: string, to: string): Fragment {
  return sql`alter index if exists ${identifier(schema, from)} rename to ${identifier(to)}`
}

/** Another name in another schema; in between, no other table of either has the name that it has. */
function renamed(
  table: Fragment,
  from: { readonly schema: string; readonly table: string },
  to: { readonly schema: string; readonly table: string },
): readonly Fragment[] {
  const between = `shadow_moving_${from.table}`.slice(0, 20)
  return from.schema === to.schema
    ? [sql`alter table ${table} rename to ${identifier(to.table)}`]
    : [
        sql`alter table ${table} rename to ${identifier(between)}`,
        sql`alter table ${identifier(from.schema, between)} set schema ${identifier(to.schema)}`,
        sql`alter table ${identifier(to.schema, between)} rename to ${identifier(to.table)}`,
      ]
}

interface RenamedIndex {
  readonly index: Index
  readonly old: boolean
  readonly to: string
  /** Where it is when it is renamed: an index goes where its table goes. */
  readonly schema: string
}

function renamedIndexes(exchange: Exchange): readonly RenamedIndex[] {
  const { live, shadow, plan, indexes, kept } = exchange
  const taken = new Set([...exchange.taken, ...kept.values()])
  const finalTables = new Map([
    [shadow.table, live.table],
    ...shadow.plan.tables.slice(0, -1).map((stage, i) => [stage.table, plan.tables[i]?.table ?? stage.table] as const),
  ])
  return indexes.map((index): RenamedIndex => {
    const final = index.tableSchema === shadow.schema ? finalTables.get(index.table) : undefined
    if (final === undefined) return { index, old: true, to: `${shadow.table}_o${index.oid}`, schema: index.schema }
    const schema = index.table === shadow.table ? live.schema : index.schema
    const wanted = kept.get(index.name) ?? limited(final, index.name.slice(index.table.length))
    const to = kept.has(index.name) || !taken.has(wanted) ? wanted : limited(final, `_${index.oid}`)
    taken.add(to)
    return { index, old: false, to, schema }
  })
}

const MAX_BYTES = 63

/** As the server shortens the name of a table in that of its index. */
function limited(table: string, suffix: string): string {
  let head = table
  while (Buffer.byteLength(head + suffix) > MAX_BYTES) head = [...head].slice(0, -1).join('')
  return head + suffix
}
