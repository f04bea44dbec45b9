import {
  type Fragment,
  FreshetError,
  including,
  parseSnapshot,
  printSnapshot,
  type Queryable,
  type RefreshOptions,
  type RefreshOutcome,
  type Sql,
  sql,
} from '@freshet/core'
import type { Definition } from './definition.ts'
import { type OwnRefresh, ownRefreshes } from './trace.ts'
import type { Step } from './unit-member.ts'

/**
 * Where stream tables stand that were refreshed in one transaction: at its snapshot F₁, and this transaction. F₁ itself
 * does not show it; without it, the next refresh would read a second time what one of them has emitted and another read.
 */
export interface MemberStep {
  readonly outcome: RefreshOutcome
  /** As it is now. */
  readonly after: Definition
}

export interface Claim {
  readonly position: string
  /** Of those whose state rows nobody else had: they are this transaction's now. */
  readonly versions: ReadonlyMap<number, string>
}

/** Asked for before anything is written, so that few others are numbered between F₁ and this transaction. */
export function claiming(members: readonly Definition[]): readonly [position: Sql, rows: Sql] {
  return [
    sql`select pg_current_snapshot()::text as snapshot, pg_current_xact_id()::text as xid`,
    sql`select stream_table_id as id, version::text as version from freshet.stream_table_state
      where stream_table_id = any(${members.map(({ id }) => id)}::int[]) order by 1 for update skip locked`,
  ]
}

/** By the answers to `claiming`. */
export function claimOf(answers: readonly (readonly Record<string, unknown>[])[]): Claim {
  const [[own] = [], rows = []] = answers
  if (own === undefined) throw new FreshetError('INTERNAL', 'a transaction has no snapshot')
  const position = positionOf(String(own['snapshot']), String(own['xid']))
  return { position, versions: new Map(rows.map(({ id, version }) => [Number(id), String(version)])) }
}

function positionOf(snapshot: string, xid: string): string {
  return printSnapshot(including(parseSnapshot(snapshot), BigInt(xid)))
}

/** The frontier of `s` at this position, for all of its sources. */
function frontierAt(position: string): Fragment {
  return sql`coalesce((
      select jsonb_object_agg(name, jsonb_build_object('0', jsonb_build_object('kind', 'snapshot', 'snapshot', ${position}::text)))
      from jsonb_object_keys(s.frontier) name
    ), '{}')`
}

/** After all are brought to it: the frontiers of those that were written since they were claimed. */
export function advance({ position, versions }: Claim): Sql {
  return sql`
    update freshet.stream_table_state s
    set frontier = ${frontierAt(position)}
    from unnest(${[...versions.keys()]}::int[], ${[...versions.values()]}::bigint[]) as claimed (id, version)
    where s.stream_table_id = claimed.id and s.version <> claimed.version`
}

/** When they are advanced: what is to be told and remembered of each. */
export async function settle(
  transaction: Queryable,
  members: readonly Definition[],
  steps: readonly Step[],
  position: string,
  options: RefreshOptions,
): Promise<ReadonlyMap<number, MemberStep>> {
  const brought = members.flatMap((member, i) => {
    const step = steps[i]
    return step === undefined ? [] : [{ member, step }]
  })
  const written = brought.filter(({ step }) => step.action !== 'none').map(({ member }) => member.id)
  const own =
    options.identified === true ? await transaction.query<OwnRefresh>(ownRefreshes(written), { prepared: true }) : []
  const numbers = new Map(own.map(({ streamTable, refreshId }) => [streamTable, { refreshId }]))
  return new Map(
    brought.map(({ member, step: { version, ...outcome } }) => [
      member.id,
      {
        outcome: { ...outcome, ...numbers.get(member.id) },
        after: version === null ? member : moved(member, version, position),
      },
    ]),
  )
}

function moved(member: Definition, version: string, position: string): Definition {
  const snapshots = member.plan.sources.map(() => position)
  return { ...member, version, snapshots, reinitialize: null, stateBehind: false, fuseLifted: false }
}

/** The frontier of a stream table that was brought to this transaction's snapshot: that, and this transaction. */
export async function standHere(transaction: Queryable, id: number): Promise<void> {
  const [own] = await transaction.query<{ snapshot: string; xid: string }>(
    sql`select pg_current_snapshot()::text as snapshot, pg_current_xact_id()::text as xid`,
  )
  if (own === undefined) throw new FreshetError('INTERNAL', 'a transaction has no snapshot')
  await transaction.query(sql`
    update freshet.stream_table_state s set frontier = ${frontierAt(positionOf(own.snapshot, own.xid))}
    where s.stream_table_id = ${id}`)
}

/** What a refresh of `id` tells, and of the others: it was left out where somebody else had it. Null: nothing was done. */
export function toldOf(
  id: number,
  done: ReadonlyMap<number, MemberStep>,
): (Pick<RefreshOutcome, 'action'> & Partial<RefreshOutcome>) | null {
  if (done.size === 0) return null
  const others = [...done].filter(([member]) => member !== id)
  const together = new Map(others.map(([member, { outcome }]) => [member, outcome]))
  return { ...(done.get(id)?.outcome ?? { action: 'busy' }), together }
}
