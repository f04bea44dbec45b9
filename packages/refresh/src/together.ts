import {
  FreshetError,
  including,
  isFreshetError,
  isRefusal,
  parseSnapshot,
  printSnapshot,
  type Queryable,
  type RefreshOptions,
  type RefreshOutcome,
  sql,
} from '@freshet/core'
import type { RefreshContext } from './context.ts'
import type { Definition } from './definition.ts'
import { heedFuse } from './fuse.ts'
import { isPending } from './pending-changes.ts'
import { queryChanged } from './resolve/references.ts'
import { oneSnapshot } from './sessions.ts'
import { bringAtOnce, mayBeAtOnce, NotAtOnce } from './unit-at-once.ts'
import { blaming, bring, NOTHING, reasonOf, type Step } from './unit-member.ts'

/**
 * The refresh of a unit: all members in one REPEATABLE READ transaction, at its one snapshot F₁, or none.
 *
 * A member that reads another finds in its window what the other has just emitted: rows of this same transaction, which
 * every statement of it sees. F₁ itself does not show this transaction, so the frontiers that are left name F₁ and this
 * transaction besides; otherwise the next refresh would read those rows a second time.
 */
export interface MemberStep {
  readonly outcome: RefreshOutcome
  /** As it is now. */
  readonly after: Definition
}

/** `outdated`: what was known of a member is not so any more. */
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

/** A delta that fails on values which came and went within its window, on which the query itself does not, is not tried again. */
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
      const onValues = sqlState?.startsWith('22') === true && options.full !== true
      if (!onValues || streamTable === undefined || full.has(streamTable)) throw error
      full.add(streamTable)
    }
  }
}

/** Where little has changed for any of them, in no unit: as a unit would be, or not at all (null). */
export async function refreshAtOnce(
  context: RefreshContext,
  members: readonly Definition[],
  options: RefreshOptions,
): Promise<ReadonlyMap<number, MemberStep> | null> {
  if (!mayBeAtOnce(members, options)) return null
  try {
    const done = await refreshTogether(context, members, options, new Set(), true)
    return typeof done === 'string' ? null : done
  } catch (error) {
    // what is wrong shows where the one that it concerns is refreshed alone
    const mayBeOne = isFreshetError(error) && (error.sqlState !== undefined || error.code === 'FUSE_BLOWN')
    if (mayBeOne || error instanceof NotAtOnce) return null
    throw error
  }
}

/** What a refresh of `id` tells, and of the others. Null: it was not among them. */
export function toldOf(
  id: number,
  done: ReadonlyMap<number, MemberStep>,
): (RefreshOutcome & { readonly together: ReadonlyMap<number, RefreshOutcome> }) | null {
  const own = done.get(id)
  if (own === undefined) return null
  const others = [...done].filter(([member]) => member !== id)
  return { ...own.outcome, together: new Map(others.map(([member, { outcome }]) => [member, outcome])) }
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
  const [first] = members
  return oneSnapshot<Together>(
    database,
    { settings: first?.settings ?? {}, plan: { sources } },
    async (transaction) => {
      const takeBack = await capture.handOver(
        database,
        transaction,
        sources.map(({ stableName }) => stableName),
      )
      const done = await bringAll(transaction, members, options, full, atOnce)
      await takeBack?.()
      return done
    },
  ).catch((error: unknown) => {
    if (error instanceof Outdated) return 'outdated'
    throw error
  })
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
  const position = await begin(transaction, members)
  if (position === 'busy') return 'busy'
  const steps = atOnce
    ? await bringAtOnce(transaction, members, options)
    : await bringOneByOne(transaction, members, options, full)
  await advance(
    transaction,
    members.filter((_, i) => steps[i]?.action !== 'none'),
    position,
  )
  return new Map(
    members.map((member, i) => {
      const { version, ...outcome } = steps[i] ?? { ...NOTHING, version: null }
      return [member.id, { outcome, after: version === null ? member : moved(member, version, position) }]
    }),
  )
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

function moved(member: Definition, version: string, position: string): Definition {
  const snapshots = member.plan.sources.map(() => position)
  return { ...member, version, snapshots, reinitialize: null, fuseLifted: false }
}

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

/**
 * F₁, and this transaction: asked for before anything is written, so that few others are numbered between the two. And
 * every state row, unless somebody has one of them.
 */
async function begin(transaction: Queryable, members: readonly Definition[]): Promise<string> {
  const [[own], locked] = (await transaction.batch(
    [
      sql`select pg_current_snapshot()::text as snapshot, pg_current_xact_id()::text as xid`,
      sql`select stream_table_id from freshet.stream_table_state
        where stream_table_id = any(${members.map(({ id }) => id)}::int[]) order by 1 for update skip locked`,
    ],
    { prepared: true },
  )) as [{ snapshot: string; xid: string }[], unknown[]]
  if (own === undefined) throw new FreshetError('INTERNAL', 'a transaction has no snapshot')
  if (locked.length < members.length) return 'busy'
  return printSnapshot(including(parseSnapshot(own.snapshot), BigInt(own.xid)))
}

async function advance(transaction: Queryable, members: readonly Definition[], position: string): Promise<void> {
  await transaction.query(
    sql`
    update freshet.stream_table_state s
    set frontier = coalesce((
      select jsonb_object_agg(name, jsonb_build_object('0', jsonb_build_object('kind', 'snapshot', 'snapshot', ${position}::text)))
      from jsonb_object_keys(s.frontier) name
    ), '{}')
    where s.stream_table_id = any(${members.map(({ id }) => id)}::int[])`,
    { prepared: true },
  )
}
