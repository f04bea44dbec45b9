import {
  GIVE_WAY,
  identifier,
  isFreshetError,
  join,
  type Queryable,
  type RefreshOptions,
  type Sql,
  sql,
} from '@freshet/core'
import type { RefreshContext } from './context.ts'
import type { Definition } from './definition.ts'
import { heedFuse } from './fuse.ts'
import { claim, type MemberStep, settle } from './position.ts'
import { bringAtOnce, mayBeAtOnce, NotAtOnce } from './at-once.ts'

/**
 * A refresh of several stream tables that need not be refreshed together, but are faster so: one transaction and one
 * commit, and a handful of round trips however many they are. In an order in which what is read comes before what reads
 * it; at one snapshot, as a unit is (see `together.ts`).
 *
 * It is made by small deltas or not at all: whatever is in its way shows, and is dealt with, where the one that it
 * concerns is refreshed alone.
 */
export interface GroupRefresh {
  /** Empty: nothing was done. */
  readonly done: ReadonlyMap<number, MemberStep>
  /** Of these something else is to be expected than what was remembered; null: of any of them. */
  readonly odd: readonly number[] | null
}

/** A group of fewer is none. */
export const SMALLEST_GROUP = 2

const NONE: ReadonlyMap<number, MemberStep> = new Map()

export async function refreshGroup(
  context: RefreshContext,
  members: readonly Definition[],
  options: RefreshOptions,
): Promise<GroupRefresh> {
  if (!mayBeAtOnce(members, options)) return { done: NONE, odd: null }
  try {
    if (options.fused === true) for (const member of members) await heedFuse(context.database, member)
    return await inOneTransaction(context, members, options)
  } catch (error) {
    if (error instanceof NotAtOnce) return { done: NONE, odd: [error.member] }
    if (isFreshetError(error) && (error.sqlState !== undefined || error.code === 'FUSE_BLOWN'))
      return { done: NONE, odd: null }
    throw error
  }
}

function inOneTransaction(
  { database }: RefreshContext,
  members: readonly Definition[],
  options: RefreshOptions,
): Promise<GroupRefresh> {
  return database.session(async (session) => {
    const read = await relationsOf(session, members)
    // the stream is ahead of no snapshot: for what comes by WAL, each refresh waits for itself
    if (read.some(({ capture }) => capture === 'wal')) return { done: NONE, odd: null }
    return session.transaction(
      async (transaction) => {
        const { position, versions } = await claim(transaction, members, [GIVE_WAY, ...lockOf(read)])
        const odd = members.filter(({ id, version }) => versions.has(id) && versions.get(id) !== version)
        const taken = withoutReadersOfOthers(members.filter(({ id, version }) => versions.get(id) === version))
        if (taken.length < SMALLEST_GROUP) return { done: NONE, odd: odd.map(({ id }) => id) }
        const steps = await bringAtOnce(transaction, taken, options)
        const done = await settle(transaction, taken, steps, position, options)
        return { done, odd: odd.map(({ id }) => id) }

        /** Somebody else has what they read, and will have changes for them. */
        function withoutReadersOfOthers(those: readonly Definition[]): readonly Definition[] {
          const left = new Set(members.filter((member) => !those.includes(member)).map((member) => member.stableName))
          return those.filter((member) => {
            if (!member.plan.sources.some(({ stableName }) => left.has(stableName))) return true
            left.add(member.stableName)
            return false
          })
        }
      },
      { isolation: 'repeatable read' },
    )
  })
}

interface Read {
  readonly schema: string
  readonly table: string
  readonly capture: string | null
}

/** As they are called now. */
function relationsOf(queryable: Queryable, members: readonly Definition[]): Promise<readonly Read[]> {
  const oids = [...new Set(members.flatMap(({ plan }) => plan.sources.map(({ oid }) => oid)))]
  return queryable.query<Read>(
    sql`select n.nspname as schema, c.relname as table, o.capture
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        left join freshet.source o on o.relation = c.oid
      where c.oid = any (${oids}::oid[]) and c.relkind in ('r', 'p') order by c.oid`,
    { prepared: true },
  )
}

/** Before the snapshot, as `oneSnapshot` says why. */
function lockOf(read: readonly Read[]): Sql[] {
  if (read.length === 0) return []
  return [sql`lock table ${join(read.map(({ schema, table }) => identifier(schema, table)))} in access share mode`]
}
