import { isFreshetError, isRefusal, type Queryable, type RefreshOptions, sql } from '@freshet/core'
import { copyReferences } from './citus/copies.ts'
import { ownTables } from './citus/output.ts'
import { noteShardRows } from './citus/shard-rows.ts'
import { withStrictCut } from './citus/strict-cut.ts'
import type { RefreshContext } from './context.ts'
import { type Definition, spansNodes } from './definition.ts'
import { heedFuse } from './fuse.ts'
import { isPending } from './pending-changes.ts'
import { advance, claiming, claimOf, type MemberStep, settle } from './position.ts'
import { queryChanged } from './resolve/references.ts'
import { oneSnapshot } from './sessions.ts'
import { bringAtOnce, mayBeAtOnce, NotAtOnce } from './at-once.ts'
import { blaming, bring, NOTHING, reasonOf, type Step } from './unit-member.ts'

/**
 * The refresh of a unit: all members in one REPEATABLE READ transaction, at its one snapshot F₁, or none.
 *
 * A member that reads another finds in its window what the other has just emitted: rows of this same transaction, which
 * every statement of it sees. F₁ itself does not show this transaction, so the frontiers that are left name F₁ and this
 * transaction besides; otherwise the next refresh would read those rows a second time.
 *
 * `outdated`: what was known of a member is not so any more.
 */
export type Together = ReadonlyMap<number, MemberStep> | 'busy' | 'outdated'

export async function unitMembers(queryable: Queryable, unit: number): Promise<readonly number[]> {
  const rows = await queryable.query<{ id: number }>(
    sql`select stream_table_id as id from freshet.stream_table where unit = ${unit} order by 1`,
    { prepared: true },
  )
  return rows.map(({ id }) => id)
}

/** What is read before what reads it. */
export function upstreamFirst(members: readonly Definition[]): readonly Definition[] {
  const byName = new Map(members.map((member) => [member.stableName, member]))
  const ordered = new Set<Definition>()
  const visit = (member: Definition) => {
    for (const { stableName } of member.plan.sources) {
      const read = byName.get(stableName)
      if (read !== undefined && !ordered.has(read)) visit(read)
    }
    ordered.add(member)
  }
  for (const member of members) visit(member)
  return [...ordered]
}

/**
 * A delta that fails on values which came and went within its window, on which the query itself does not, is not tried again;
 * nor one that Citus can not plan.
 */
export async function refreshUnit(
  context: RefreshContext,
  members: readonly Definition[],
  options: RefreshOptions,
): Promise<Together> {
  const full = new Set<number>()
  let atOnce = mayBeAtOnce(members, options)
  for (;;) {
    try {
      return await refreshTogether(context, members, options, full, atOnce)
    } catch (error) {
      if (error instanceof NotAtOnce) {
        atOnce = false
        continue
      }
      if (!isFreshetError(error)) throw error
      // a state row changed after this transaction's snapshot: somebody else refreshed meanwhile
      if (error.sqlState === '40001') return 'outdated'
      if (isRefusal(error)) throw error
      if (await isOutdated(context, members)) return 'outdated'
      if (atOnce) {
        // whose fault it is can be told one by one only
        atOnce = false
        continue
      }
      const { sqlState, streamTable } = error
      const placed = members.some((member) => member.id === streamTable && spansNodes(member))
      const onValues = sqlState?.startsWith('22') === true || (placed && sqlState?.startsWith('0A') === true)
      if (!onValues || options.full === true || streamTable === undefined || full.has(streamTable)) throw error
      full.add(streamTable)
    }
  }
}

async function isOutdated({ database }: RefreshContext, members: readonly Definition[]): Promise<boolean> {
  if (await isMoved(database, members)) return true
  for (const { id } of members) if (await queryChanged(database, id)) return true
  return false
}

/** `members`: what is read before what reads it. `full`: those that are to be computed anew. */
async function refreshTogether(
  context: RefreshContext,
  members: readonly Definition[],
  options: RefreshOptions,
  full: ReadonlySet<number>,
  atOnce: boolean,
): Promise<Together> {
  const { database, capture } = context
  if (options.fused === true) for (const member of members) await blaming(member.id, () => heedFuse(database, member))
  const sources = [
    ...new Map(members.flatMap(({ plan }) => plan.sources).map((source) => [source.oid, source])).values(),
  ]
  if (await isQuiet(context, members, options, full))
    return new Map(members.map((member) => [member.id, { outcome: NOTHING, after: member }]))
  const placed = members.flatMap((member) => (member.mode === 'auto' ? member.placed : []))
  if (placed.length > 0) await noteShardRows(database, placed)
  const [first] = members
  const plan = { settings: first?.settings ?? {}, plan: { sources }, own: ownTables(members) }
  return withStrictCut(database, members, (taken) =>
    oneSnapshot<Together>(database, plan, async (transaction) => {
      const takeBack = await capture.handOver(
        database,
        transaction,
        sources.map(({ stableName }) => stableName),
      )
      await taken()
      await copyReferences(
        transaction,
        members.map((member) => member.plan),
      )
      const done = await bringAll(transaction, members, options, full, atOnce)
      await takeBack?.()
      return done
    }),
  ).catch((error: unknown) => {
    if (error instanceof Outdated) return 'outdated'
    throw error
  })
}

/**
 * Whether nothing is to be done for members that read other nodes: asked before a transaction that would touch every shard.
 * Of others that is asked in their transaction.
 */
async function isQuiet(
  { database, capture }: RefreshContext,
  members: readonly Definition[],
  options: RefreshOptions,
  full: ReadonlySet<number>,
): Promise<boolean> {
  const placed = members.flatMap((member) => member.placed)
  if (placed.length === 0 || (await capture.waiting(database, placed)).length > 0) return false
  return !(await isMoved(database, members)) && !(await isAnyDue(database, members, options, full))
}

async function bringAll(
  transaction: Queryable,
  members: readonly Definition[],
  options: RefreshOptions,
  full: ReadonlySet<number>,
  atOnce: boolean,
): Promise<Together> {
  if (await isMoved(transaction, members)) return 'outdated'
  // Where nothing is to be done, no transaction is numbered, and so nothing is committed that others would look into.
  if (!(await isAnyDue(transaction, members, options, full)))
    return new Map(members.map((member) => [member.id, { outcome: NOTHING, after: member }]))
  const claim = claimOf(await transaction.batch(claiming(members), { prepared: true }))
  const { position, versions } = claim
  if (versions.size < members.length) return 'busy'
  const steps = atOnce
    ? await bringAtOnce(transaction, members, options, advance(claim))
    : await bringOneByOne(transaction, members, options, full)
  if (!atOnce) await transaction.query(advance(claim), { prepared: true })
  return settle(transaction, members, steps, position, options)
}

/** Whatever each of them takes. */
async function bringOneByOne(
  transaction: Queryable,
  members: readonly Definition[],
  options: RefreshOptions,
  full: ReadonlySet<number>,
): Promise<readonly Step[]> {
  const steps: Step[] = []
  for (const member of members) {
    const step = await blaming(member.id, () => bring(transaction, member, options, full.has(member.id)))
    if (step === 'outdated') throw new Outdated()
    steps.push(step)
  }
  return steps
}

async function isMoved(queryable: Queryable, members: readonly Definition[]): Promise<boolean> {
  const [row] = await queryable.query<{ same: number }>(
    sql`
    select count(*)::int as same
    from unnest(${members.map(({ id }) => id)}::int[], ${members.map(({ version }) => version)}::bigint[]) as m (id, version)
      join freshet.stream_table_state s on s.stream_table_id = m.id and s.version = m.version`,
    { prepared: true },
  )
  return row?.same !== members.length
}

/** Rolls back what was done for the members before it. */
class Outdated extends Error {}

async function isAnyDue(
  transaction: Queryable,
  members: readonly Definition[],
  options: RefreshOptions,
  full: ReadonlySet<number>,
): Promise<boolean> {
  const byDelta: Definition[] = []
  for (const member of members) {
    const reason = await reasonOf(transaction, member, options, full.has(member.id))
    if (reason === null) byDelta.push(member)
    else if (reason !== 'nothing pending') return true
  }
  const sources = byDelta.flatMap(({ plan }) => plan.sources)
  return isPending(transaction, { plan: { sources }, snapshots: byDelta.flatMap(({ snapshots }) => snapshots) })
}
