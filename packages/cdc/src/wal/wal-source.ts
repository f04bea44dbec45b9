import { displayName, identifier, type Queryable, raw, sql } from '@freshet/core'
import type { SourceFacts } from '../source-facts.ts'
import { notAvailable, type Obstacle } from './obstacle.ts'
import { PUBLICATION } from './slot.ts'

/** What a table's replica identity was before it was made full. */
interface IdentityBefore {
  readonly oid: number
  readonly schema: string
  readonly table: string
  readonly identity: string
  readonly index: string | null
}

/**
 * One of the tables that hold a source's rows: itself, or its partitions and children. Each is published by itself: a
 * partition that is new is not, so its writers are never asked for old rows that it can not tell, and the next refresh
 * sees that it is there. Old rows must be in the log as a whole: their replica identity is `full`.
 */
export interface Published {
  readonly oid: number
  readonly schema: string
  readonly table: string
  readonly published: boolean
  /** `d`, `n`, `i` or `f`, as pg_class has it. */
  readonly identity: string
  readonly identityIndex: string | null
  readonly owned: boolean
  readonly logged: boolean
  /** What its identity was before it was made full, as any source that it is a part of remembers. */
  readonly before: IdentityBefore | null
  /** Sources that are captured by WAL and that it is a part of. */
  readonly sources: readonly string[]
}

export async function readPublished(queryable: Queryable, source: number): Promise<readonly Published[]> {
  return queryable.query<Published>(sql`
    with recursive member (oid) as (
      select ${source}::oid
      union select i.inhrelid from member m join pg_catalog.pg_inherits i on i.inhparent = m.oid
    )
    ${describe} from member m join pg_catalog.pg_class c using (oid) where c.relkind = 'r' order by c.oid`)
}

const describe = sql`
  select c.oid::int8::float8 as oid, c.relnamespace::regnamespace::name as schema, c.relname as table,
    c.relreplident::text as identity, pg_has_role(c.relowner, 'usage') as owned, c.relpersistence = 'p' as logged,
    (
      select x.relname from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
      where i.indrelid = c.oid and i.indisreplident
    ) as "identityIndex",
    exists (
      select from pg_catalog.pg_publication_rel r join pg_catalog.pg_publication p on p.oid = r.prpubid
      where r.prrelid = c.oid and p.pubname = ${PUBLICATION}
    ) as published,
    array(select s.stable_name from freshet.source s where s.capture = 'wal' and c.oid = any (s.members)) as sources,
    (
      -- by its name where the catalog was restored from a dump
      select e from freshet.source s cross join jsonb_array_elements(s.replica_identities) e
      where (e ->> 'oid')::oid = c.oid
        or e ->> 'schema' = c.relnamespace::regnamespace::name and e ->> 'table' = c.relname
      order by (e ->> 'oid')::oid <> c.oid limit 1
    ) as before`

/** Why this source can not be captured by WAL; null when it can. */
export function sourceObstacle(facts: SourceFacts, tables: readonly Published[]): Obstacle | null {
  if (facts.placement.kind !== 'local')
    return {
      reason: `${displayName(facts)} is placed by Citus, and its changes are in the logs of other nodes`,
      hint: 'Capture it by triggers.',
    }
  const foreign = tables.find(({ owned }) => !owned)
  if (foreign !== undefined) {
    const name = displayName(foreign)
    return { reason: `${name} belongs to another role`, hint: `alter table ${name} owner to …` }
  }
  const unlogged = tables.find(({ logged }) => !logged)
  if (unlogged !== undefined) {
    const name = displayName(unlogged)
    return { reason: `${name} is not in the log`, hint: `alter table ${name} set logged;` }
  }
  if (facts.columns.some(({ expression }) => expression !== null)) {
    return {
      reason: `${displayName(facts)} has virtual generated columns, which the log does not hold`,
      hint: 'Capture it by triggers.',
    }
  }
  return null
}

/**
 * Waits, with the transaction's lock_timeout, for every transaction that has written to the source, and publishes its
 * tables. Returns them, and what their replica identities are to be one day.
 */
export async function publish(
  transaction: Queryable,
  facts: SourceFacts,
): Promise<{ readonly tables: readonly Published[]; readonly before: readonly IdentityBefore[] }> {
  // writers are locked out until this commits: what they write later is published from the first row on
  await transaction.query(sql`lock table ${identifier(facts.schema, facts.table)} in share row exclusive mode`)
  const tables = await readPublished(transaction, facts.oid)
  const unlogged = sourceObstacle(facts, tables)
  if (unlogged !== null) throw notAvailable(unlogged)
  for (const { schema, table, identity, published } of tables) {
    const name = identifier(schema, table)
    if (identity !== 'f') await transaction.query(sql`alter table only ${name} replica identity full`)
    if (!published) await transaction.query(sql`alter publication ${raw(PUBLICATION)} add table only ${name}`)
  }
  const before = tables.flatMap(({ oid, schema, table, identity, identityIndex, before: known }) => {
    if (identity !== 'f') return [{ oid, schema, table, identity, index: identityIndex }]
    return known === null ? [] : [{ ...known, oid, schema, table }]
  })
  return { tables, before }
}

/** Takes all its tables out of the publication, and gives them back the replica identity that they had. */
export async function unpublish(
  transaction: Queryable,
  stableName: string,
  source: { readonly oid: number; readonly members: readonly number[] },
): Promise<void> {
  const there = await readPublished(transaction, source.oid)
  for (const table of there) await withdraw(transaction, stableName, table)
  await unpublishLeft(transaction, stableName, source.members, there)
}

/**
 * The same for tables that are no longer a part of it. Whoever has written to one is waited for: what comes of it through
 * the stream before this transaction does is visible to every snapshot that shows this transaction.
 */
export async function unpublishLeft(
  transaction: Queryable,
  stableName: string,
  members: readonly number[],
  there: readonly Published[],
): Promise<void> {
  const left = members.filter((member) => !there.some(({ oid }) => oid === member))
  const tables = await transaction.query<Published>(sql`
    ${describe} from pg_catalog.pg_class c where c.oid = any(${left}::oid[]) and c.relkind = 'r' order by c.oid`)
  for (const table of tables) {
    if (!table.published) continue
    await transaction.query(sql`lock table only ${identifier(table.schema, table.table)} in share row exclusive mode`)
    await withdraw(transaction, stableName, table)
  }
}

/** Unless another source needs it. */
async function withdraw(transaction: Queryable, stableName: string, table: Published): Promise<void> {
  if (table.sources.some((source) => source !== stableName)) return
  const name = identifier(table.schema, table.table)
  if (table.published) await transaction.query(sql`alter publication ${raw(PUBLICATION)} drop table only ${name}`)
  const { before } = table
  if (before === null || table.identity !== 'f') return
  const identity =
    before.identity === 'n'
      ? raw('nothing')
      : before.identity === 'i' && before.index !== null
        ? sql`using index ${identifier(before.index)}`
        : raw('default')
  await transaction.query(sql`alter table only ${name} replica identity ${identity}`)
}

/** Comes to whoever reads the stream in the place of this transaction: what follows is for the sources as they are now. */
export async function announce(transaction: Queryable): Promise<void> {
  await transaction.query(sql`select pg_logical_emit_message(true, 'freshet', 'sources')`)
}
