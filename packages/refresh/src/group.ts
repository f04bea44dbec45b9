import { isDeepStrictEqual } from 'node:util'
import { isFreshetError, type RefreshOptions } from '@freshet/core'
import { calledIn, sourceTables, sourceTablesStatement } from './source-tables.ts'
import type { RefreshContext } from './context.ts'
import type { Definition } from './definition.ts'
import { heedFuse } from './fuse.ts'
import { advance, claiming, claimOf, type MemberStep, settle } from './position.ts'
import { bringAtOnce, mayBeAtOnce, NotAtOnce } from './at-once.ts'
import { lockedAsReader } from './sessions.ts'

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

async function inOneTransaction(
  { database }: RefreshContext,
  members: readonly Definition[],
  options: RefreshOptions,
): Promise<GroupRefresh> {
  const sources = members.flatMap(({ plan }) => plan.sources)
  const called = calledIn(database)
  const calledThen = called.take(sources)
  return database.session(async (session) => {
    const read = calledThen ?? (await sourceTables(session, sources))
    // the stream is ahead of no snapshot: for what comes by WAL, each refresh waits for itself
    if (read.some(({ capture }) => capture === 'wal')) return { done: NONE, odd: null }
    const locks = lockedAsReader(read)
    return session.transaction(
      async (transaction, opened) => {
        const [own = [], rows = [], now = []] = opened.slice(locks.length)
        if (!isDeepStrictEqual(now, read)) return { done: NONE, odd: null }
        called.remember(sources, read)
        const claim = claimOf([own, rows])
        const { position, versions } = claim
        const odd = members.filter(({ id, version }) => versions.has(id) && versions.get(id) !== version)
        const taken = withoutReadersOfOthers(members, ({ id, version }) => versions.get(id) === version)
        if (taken.length < SMALLEST_GROUP) return { done: NONE, odd: odd.map(({ id }) => id) }
        const steps = await bringAtOnce(transaction, taken, options, advance(claim))
        const done = await settle(transaction, taken, steps, position, options)
        return { done, odd: odd.map(({ id }) => id) }
      },
      { isolation: 'repeatable read', opening: [...locks, ...claiming(members), sourceTablesStatement(sources)] },
    )
  })
}

/** Those that may be in, but for the readers of others, who will have changes for them. What is read comes first. */
export function withoutReadersOfOthers(
  members: readonly Definition[],
  mayBeIn: (member: Definition) => boolean,
): readonly Definition[] {
  const others = new Set<string>()
  return members.filter((member) => {
    if (mayBeIn(member) && !member.plan.sources.some(({ stableName }) => others.has(stableName))) return true
    others.add(member.stableName)
    return false
  })
}
