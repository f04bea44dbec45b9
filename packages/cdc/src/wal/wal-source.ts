import { displayName, FreshetError, identifier, type Queryable, raw, sql } from '@freshet/core'
import type { SourceFacts } from '../source-facts.ts'
import { PUBLICATION } from './slot.ts'

/** A source's place in the publication, and its replica identity: old rows must be in the log as a whole. */
export interface Published {
  readonly published: boolean
  /** `d`, `n`, `i` or `f`, as pg_class has it. */
  readonly identity: string
  readonly identityIndex: string | null
  readonly owned: boolean
}

export async function readPublished(queryable: Queryable, oid: number): Promise<Published> {
  const [row] = await queryable.query<Published>(sql`
    select c.relreplident::text as identity, pg_has_role(c.relowner, 'usage') as owned,
      (
        select x.relname from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
        where i.indrelid = c.oid and i.indisreplident
      ) as "identityIndex",
      exists (
        select from pg_catalog.pg_publication_rel r join pg_catalog.pg_publication p on p.oid = r.prpubid
        where r.prrelid = c.oid and p.pubname = ${PUBLICATION}
      ) as published
    from pg_catalog.pg_class c where c.oid = ${oid}::oid`)
  return row ?? { published: false, identity: 'd', identityIndex: null, owned: false }
}

/** Why this source can not be captured by WAL; null when it can. */
export function sourceObstacle(facts: SourceFacts, { owned }: Published): { reason: string; hint: string } | null {
  const name = displayName(facts)
  if (facts.members.length > 1 || facts.kind !== 'r') {
    return { reason: `${name} has partitions or children`, hint: 'Capture it by triggers.' }
  }
  if (!owned) return { reason: `${name} belongs to another role`, hint: `alter table ${name} owner to …` }
  if (facts.columns.some(({ expression }) => expression !== null)) {
    return {
      reason: `${name} has virtual generated columns, which the log does not hold`,
      hint: 'Capture it by triggers.',
    }
  }
  return null
}

export function notAvailable(obstacle: { readonly reason: string; readonly hint: string }): FreshetError {
  return new FreshetError('WAL_NOT_AVAILABLE', `changes can not be captured by WAL: ${obstacle.reason}`, {
    hint: obstacle.hint,
  })
}

/** Waits, with the transaction's lock_timeout, for every transaction that has written to the source, and publishes it. */
export async function publish(transaction: Queryable, facts: SourceFacts): Promise<void> {
  const table = identifier(facts.schema, facts.table)
  // writers are locked out until this commits: what they write later is published from the first row on
  await transaction.query(sql`lock table ${table} in share row exclusive mode`)
  const { published, identity } = await readPublished(transaction, facts.oid)
  if (identity !== 'f') await transaction.query(sql`alter table ${table} replica identity full`)
  if (!published) await transaction.query(sql`alter publication ${raw(PUBLICATION)} add table ${table}`)
}

/** Takes it out of the publication, and gives it back the replica identity that it had. */
export async function unpublish(
  transaction: Queryable,
  source: { readonly oid: number; readonly identity: string | null; readonly identityIndex: string | null },
): Promise<void> {
  const [found] = await transaction.query<{ schema: string; table: string }>(sql`
    select n.nspname as schema, c.relname as table
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = ${source.oid}::oid`)
  if (found === undefined) return
  const table = identifier(found.schema, found.table)
  const { published, identity } = await readPublished(transaction, source.oid)
  if (published) await transaction.query(sql`alter publication ${raw(PUBLICATION)} drop table ${table}`)
  if (source.identity === null || identity !== 'f') return
  const before =
    source.identity === 'n'
      ? raw('nothing')
      : source.identity === 'i' && source.identityIndex !== null
        ? sql`using index ${identifier(source.identityIndex)}`
        : raw('default')
  await transaction.query(sql`alter table ${table} replica identity ${before}`)
}

/** Comes to whoever reads the stream in the place of this transaction: what follows is for the sources as they are now. */
export async function announce(transaction: Queryable): Promise<void> {
  await transaction.query(sql`select pg_logical_emit_message(true, 'freshet', 'sources')`)
}
