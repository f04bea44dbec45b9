import {
  FreshetError,
  including,
  isFreshetError,
  isRefusal,
  parseSnapshot,
  printSnapshot,
  type Queryable,
  raw,
  type RefreshOptions,
  type RefreshOutcome,
  sql,
} from '@freshet/core'
import { EXTENTS } from '@freshet/dvm'
import type { RefreshContext } from './context.ts'
import { nameOf, type Definition } from './definition.ts'
import { differentialStatement, PLANNING } from './differential.ts'
import { lockState, recordFull, replaceAll } from './full.ts'
import { heedFuse } from './fuse.ts'
import { markerReason } from './marker-reason.ts'
import { isPending } from './pending-changes.ts'
import { fullReason } from './full-reason.ts'
import { queryChanged } from './resolve/references.ts'
import { oneSnapshot, settingsStatement } from './sessions.ts'
import { type OwnRefresh, ownRefreshes } from './trace.ts'

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
  for (;;) {
    try {
      return await refreshTogether(context, members, options, full)
    } catch (error) {
      if (!isFreshetError(error)) throw error
      // a state row changed after this transaction's snapshot: somebody else refreshed meanwhile
      if (error.sqlState === '40001') return 'outdated'
      if (isRefusal(error)) throw error
      if (await isOutdated(context, members)) return 'outdated'
      const { sqlState, streamTable } = error
      const onValues = sqlState?.startsWith('22') === true && options.full !== true
      if (!onValues || streamTable === undefined || full.has(streamTable)) throw error
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
      const done = await bringAll(transaction, members, options, full)
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
): Promise<Together> {
  if (await isMoved(transaction, members)) return 'outdated'
  // Where nothing is to be done, no transaction is numbered, and so nothing is committed that others would look into.
  if (!(await isAnyDue(transaction, members, options, full)))
    return new Map(members.map((member) => [member.id, { outcome: NOTHING, after: member }]))
  const position = await ownPosition(transaction)
  for (const { id } of [...members].sort((a, b) => a.id - b.id))
    if ((await lockState(transaction, id, false)) === null) return 'busy'
  const steps = new Map<number, MemberStep>()
  for (const member of members) {
    const step = await blaming(member.id, () => bring(transaction, member, options, full.has(member.id)))
    if (step === 'outdated') throw new Outdated()
    const { version, ...outcome } = step
    steps.set(member.id, { outcome, after: version === null ? member : moved(member, version, position) })
  }
  const written = members.filter(({ id }) => steps.get(id)?.outcome.action !== 'none')
  await advance(transaction, written, position)
  return options.identified === true ? identified(transaction, steps) : steps
}

async function identified(
  transaction: Queryable,
  steps: ReadonlyMap<number, MemberStep>,
): Promise<ReadonlyMap<number, MemberStep>> {
  const own = await transaction.query<OwnRefresh>(ownRefreshes([...steps.keys()]), { prepared: true })
  const numbers = new Map(own.map(({ streamTable, refreshId }) => [streamTable, { refreshId }]))
  return new Map(
    [...steps].map(([id, step]) => [id, { ...step, outcome: { ...step.outcome, ...numbers.get(id) } }] as const),
  )
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

const NOTHING: RefreshOutcome = {
  action: 'none',
  reason: null,
  rowsInserted: 0,
  rowsDeleted: 0,
  changeRows: 0,
  durationMs: 0,
}

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
  for (const member of members) {
    const reason = await reasonOf(transaction, member, options, full.has(member.id))
    if (reason === null ? await isPending(transaction, member) : reason !== 'nothing pending') return true
  }
  return false
}

function reasonOf(
  transaction: Queryable,
  member: Definition,
  options: RefreshOptions,
  full: boolean,
): Promise<string | null> | string {
  return full && options.full !== true ? 'DELTA_FAILED' : fullReason(transaction, member, options)
}

/** F₁, and this transaction. Asked for before anything is written, so that few others are numbered between the two. */
async function ownPosition(transaction: Queryable): Promise<string> {
  const [own] = await transaction.query<{ snapshot: string; xid: string }>(
    sql`select pg_current_snapshot()::text as snapshot, pg_current_xact_id()::text as xid`,
    { prepared: true },
  )
  if (own === undefined) throw new FreshetError('INTERNAL', 'a transaction has no snapshot')
  return printSnapshot(including(parseSnapshot(own.snapshot), BigInt(own.xid)))
}

interface Step extends RefreshOutcome {
  /** The new one; null where nothing was written. */
  readonly version: string | null
}

async function bring(
  transaction: Queryable,
  member: Definition,
  options: RefreshOptions,
  full: boolean,
): Promise<Step | 'outdated'> {
  const started = performance.now()
  const step = (action: Step['action'], version: string | null, parts: Partial<RefreshOutcome> = {}): Step => {
    return { ...NOTHING, action, ...parts, version, durationMs: performance.now() - started }
  }
  let reason = await reasonOf(transaction, member, options, full)
  if (reason === 'nothing pending') return step('none', null)
  if (reason === null) {
    const result = await byDelta(transaction, member, options)
    if (result.changed) return 'outdated'
    if (result.done) {
      const { rows_inserted: rowsInserted, rows_deleted: rowsDeleted, change_rows: changeRows } = result
      return step('differential', result.version, { rowsInserted, rowsDeleted, changeRows })
    }
    if (!result.pending) return step('none', null)
    reason = result.forced ? 'FORCED' : await markerReason(transaction, member)
  }
  await transaction.query(settingsStatement(Object.entries(member.settings)))
  await transaction.query(raw('set local enable_sort to default'))
  const result = await replaceAll(transaction, member)
  const initiatedBy = options.initiatedBy ?? 'manual'
  const { version } = await recordFull(transaction, member, { action: 'full', reason, initiatedBy, result })
  return step('full', version, { reason, ...result })
}

interface DeltaResult {
  readonly done: boolean
  readonly pending: boolean
  readonly changed: boolean
  readonly forced: boolean
  readonly truncated: boolean
  readonly over: boolean
  readonly version: string | null
  readonly rows_inserted: number
  readonly rows_deleted: number
  readonly change_rows: number
}

/** By the statement for few changes, and where more wait by those for more. */
async function byDelta(transaction: Queryable, member: Definition, options: RefreshOptions): Promise<DeltaResult> {
  await transaction.query(settingsStatement([...Object.entries(member.settings), ...PLANNING]))
  const changed = new Set(member.plan.sources.map((source) => source.stableName))
  let last: DeltaResult | undefined
  for (const extent of EXTENTS) {
    const statement = await differentialStatement(member, { changed, extent }, options)
    ;[last] = await transaction.query<DeltaResult>(statement, { prepared: true })
    if (last === undefined || !last.over || last.truncated || last.forced || last.changed) break
  }
  if (last === undefined) throw new FreshetError('INTERNAL', `a refresh of ${nameOf(member)} answered nothing`)
  return last
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

/** The error says which member it was. */
export async function blaming<T>(streamTable: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof FreshetError)) throw error
    const { code, message, detail, hint, sqlState, position } = error
    throw new FreshetError(code, message, {
      detail,
      hint: hint ?? null,
      sqlState,
      position,
      streamTable,
      cause: error,
    })
  }
}
