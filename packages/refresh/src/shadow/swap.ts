import {
  type Database,
  FreshetError,
  type Fragment,
  GIVE_WAY,
  identifier,
  type Queryable,
  raw,
  type Session,
  sql,
} from '@freshet/core'
import { keptMode, loadDefinition, nameOf, type Definition, type Mode, type StoredPlan } from '../definition.ts'
import { runDifferential } from '../differential.ts'
import { resetDependencies } from '../dependencies.ts'
import { restartEmitting } from '../emission.ts'
import { lockState } from '../full.ts'
import { LENT } from '../immediate/disengage.ts'
import { changesOf, queryChanged, recordedReferences } from '../resolve/references.ts'
import type { Resolved } from '../resolve/resolve.ts'
import {
  type Built,
  type Pair,
  QUALIFIED,
  readingViews,
  replacedName,
  toBuild,
  toGive,
  toSettle,
} from './belongings.ts'
import { type Exchange, exchangeNames, type Index, putAside } from './exchange.ts'
import { type Loss, lostReaders, refuse, stuckDependants } from './refuse.ts'
import { enterPhase, shadowName } from './shadow.ts'

/**
 * The shadow takes the place of the stream table, in one transaction that reads and writes no more of either than a last
 * small refresh:
 *
 *   behind the row locks of both, which hold off refreshes and nobody else, the shadow is brought to the present; so what
 *     readers see afterwards is never older than what they saw before
 *   behind the lock on the table, for which readers wait, names are exchanged, and what people have given to it is given
 *     to the other. The lock is asked for as those of sources are: given up soon, so that readers do not queue up. What can
 *     be written before, is; what must be looked at behind the lock is looked at in the round trip that takes it, all that
 *     is changed goes in a second one, and the third is the commit
 *
 * The old storage is not dropped here: who has found it by its old name, or waits for it inside a function, reads it once
 * more. It is left to the shadow's row in the catalog, and goes with it.
 */
export interface Swapping {
  readonly live: Definition
  readonly shadow: number
  /** The new query, its plan for the names of the live one, and the mode that it was asked for. */
  readonly resolved: Resolved
  readonly plan: StoredPlan
  readonly query: string
  readonly mode: Mode
  /** What was built for it already. */
  readonly built: readonly Built[]
}

export interface Swapped {
  /** How long readers could not go on, by the server's clock: from the first lock granted until the commit was answered. */
  readonly lockedMs: number
}

/** `behind`: too much has come, or something was given to the table that must be built first. Nothing has changed then. */
export async function swap(database: Database, swapping: Swapping): Promise<Swapped | 'behind'> {
  const { id } = swapping.live
  // a refresh is waited for while nothing is held
  await database.transaction((transaction) => lockState(transaction, id, true))
  try {
    return await database.session(async (session) => {
      const lockedAt = await session.transaction(async (transaction) => {
        await transaction.query(GIVE_WAY)
        await transaction.query(LATER_ON_DISK)
        const { live, shadow } = await lockBoth(transaction, swapping)
        await bringToPresent(session, transaction, shadow)
        const prepared = await prepare(transaction, { ...swapping, live }, shadow)
        return exchangeBehindLock(transaction, { ...swapping, live }, prepared)
      })
      return { lockedMs: (await makeLast(session, swapping.shadow)) - lockedAt }
    })
  } catch (error) {
    if (error instanceof Behind) return 'behind'
    throw error
  }
}

/** Ends the transaction, to try again later. */
class Behind extends Error {}

async function lockBoth(
  transaction: Queryable,
  { live, shadow }: Swapping,
): Promise<{ readonly live: Definition; readonly shadow: Definition }> {
  for (const id of [live.id, shadow]) await lockState(transaction, id, true)
  const now = { live: await loadDefinition(transaction, live.id), shadow: await loadDefinition(transaction, shadow) }
  const [own] = await transaction.query(sql`
    select from freshet.stream_table t join pg_catalog.pg_class c on c.oid = t.relation
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where t.stream_table_id = ${live.id} and n.nspname = ${live.schema} and c.relname = ${live.table}`)
  if (own === undefined || nameOf(now.live) !== nameOf(live))
    throw new FreshetError('SOURCE_CHANGED', `${nameOf(live)} was renamed or dropped while its new query was filled`, {
      hint: 'Give the query again, to the table as it is called now.',
    })
  if (await queryChanged(transaction, shadow)) {
    const changes = await changesOf(transaction, shadow)
    throw new FreshetError(
      'SOURCE_CHANGED',
      `while the new query of ${nameOf(live)} was filled: ${changes.join('; ')}`,
      {
        hint: 'Give the query again.',
      },
    )
  }
  return now
}

/** By the statement for few changes: it is short, or does nothing. What has no deltas stays at its last full refresh. */
async function bringToPresent(
  { identity, pooled }: Pick<Session, 'identity' | 'pooled'>,
  transaction: Queryable,
  shadow: Definition,
): Promise<void> {
  if (shadow.plan.refresh === null) return
  if (shadow.reinitialize !== null || shadow.stateBehind) throw new Behind()
  const session = {
    identity,
    pooled,
    query: transaction.query.bind(transaction),
    batch: transaction.batch.bind(transaction),
  }
  const changed = new Set(shadow.plan.sources.map(({ stableName }) => stableName))
  const result = await runDifferential(session, shadow, { changed, extent: 'few' }, null, { initiatedBy: 'alter' })
  if (!result.done && result.pending) throw new Behind()
}

interface Prepared {
  readonly exchange: Exchange
  readonly pair: Pair
  readonly locks: readonly Fragment[]
}

/** All that readers need not wait for. */
async function prepare(transaction: Queryable, swapping: Swapping, shadow: Definition): Promise<Prepared> {
  const { live, plan, built } = swapping
  const pair = await relationsOf(transaction, live.id, shadow.id)
  await enterPhase(transaction, shadow.id, 'replaced')
  // who refreshes a dependant has its row, and then reads this one
  await markDependants(transaction, live)
  await transaction.query(sql`select from freshet.source where stable_name = ${live.stableName} for update`)
  await transaction.query(QUALIFIED)
  await transaction.query(
    sql`select set_config('freshet.source_ddl', 'allow', true), set_config('freshet.apply', 'on', true)`,
  )
  const exchange = await exchangeOf(transaction, { live, shadow, plan, relation: pair.from }, built)
  await transaction.batch(catalogRows(swapping, shadow, pair))
  await resetDependencies(transaction, live.id, plan)
  await resetDependencies(transaction, shadow.id, live.plan)
  await restartEmitting(transaction, live.id, shadow)
  return { exchange, pair, locks: await readersLocks(transaction, live, pair) }
}

/** The moment at which readers began to wait. */
async function exchangeBehindLock(
  transaction: Queryable,
  swapping: Swapping,
  { exchange, pair, locks }: Prepared,
): Promise<number> {
  const { live, built, resolved } = swapping
  const looks = [
    lostReaders(live, pair),
    stuckDependants(live, pair),
    toBuild(pair, shadowName(live).table, ownIndexes(live)),
    toGive(pair),
    toSettle(pair, built),
  ]
  // parsed and planned where nobody waits for that, which takes longer than to look; and what hinders it mostly shows here
  checkFound(live, built, await transaction.batch(looks, { prepared: true }))
  const [first, ...others] = locks
  if (first === undefined) throw new FreshetError('INTERNAL', 'nothing is to be locked')
  const [, [now] = [], ...answers] = await transaction.batch([first, NOW, ...others, ...looks], { prepared: true })
  const given = checkFound(live, built, answers.slice(others.length))
  await transaction.batch([
    ...exchangeNames(exchange),
    ...given.map(raw),
    ...recordedReferences(live.id, resolved.references),
  ])
  return Number(now?.['ms'])
}

/**
 * Readers wait for no disk, and no standby: the locks are free as soon as the commit is decided, and the next commit makes
 * it last. Where the server crashes in between, the swap has not been, nor has anything that was committed after it.
 */
const LATER_ON_DISK = raw(`set local synchronous_commit = off`)

/** Writes something, so that what was committed before is on disk; the moment, which is before that. */
async function makeLast(session: Session, shadow: number): Promise<number> {
  const [last] = await session.query<{ ms: number }>(sql`
    update freshet.shadow_build set phase_at = clock_timestamp() where shadow_id = ${shadow}
    returning extract(epoch from phase_at)::float8 * 1000 as ms`)
  if (last === undefined) throw new FreshetError('INTERNAL', 'what was replaced is not in the catalog')
  return last.ms
}

const NOW = sql`select extract(epoch from clock_timestamp())::float8 * 1000 as ms`

/** The statements that give to the one what was given to the other. */
function checkFound(
  live: Definition,
  built: readonly Built[],
  [lost = [], stuck = [], wanted = [], given = [], settled = []]: readonly (readonly Record<string, unknown>[])[],
): readonly string[] {
  refuse(live, { lost: lost.map(lossOf), stuck: stuck.map(lossOf) })
  if (JSON.stringify(wanted) !== JSON.stringify(built)) throw new Behind()
  return [...given, ...settled].map(({ statement }) => String(statement))
}

function lossOf({ name, what }: Record<string, unknown>): Loss {
  return { name: String(name), what: String(what) }
}

/** Indexes of the stream table that its own plan made. */
export function ownIndexes({ plan }: Definition): readonly string[] {
  return plan.tables.at(-1)?.indexes ?? []
}

export async function relationsOf(queryable: Queryable, live: number, shadow: number): Promise<Pair> {
  const found = await queryable.query<{ id: number; relation: number }>(sql`
    select stream_table_id as id, relation::int8::float8 as relation from freshet.stream_table
    where stream_table_id in (${live}, ${shadow})`)
  const relation = (id: number) => found.find((row) => row.id === id)?.relation
  const [from, to] = [relation(live), relation(shadow)]
  if (from === undefined || to === undefined)
    throw new FreshetError('UNKNOWN_STREAM_TABLE', 'a stream table was dropped while its new query was filled')
  return { from, to }
}

/** It is another table to them: they are computed anew, and tell their own readers what has changed by that. */
async function markDependants(transaction: Queryable, live: Definition): Promise<void> {
  await transaction.query(sql`
    update freshet.stream_table_state s
    set reinitialize = coalesce(s.reinitialize, 'SOURCE_CHANGED'), version = freshet.next_version(s.version)
    from freshet.dependency d where d.stream_table_id = s.stream_table_id and d.stable_name = ${live.stableName}`)
}

/** With the indexes of both, and what they are to be called. */
export async function exchangeOf(
  transaction: Queryable,
  between: Pick<Exchange, 'live' | 'shadow' | 'plan' | 'relation'>,
  built: readonly Built[],
): Promise<Exchange> {
  const indexes = await indexesOf(transaction, between.live, between.shadow)
  const kept = new Map(
    built.flatMap(({ key, index }) => {
      const given = indexes.find(({ oid }) => oid === index)
      return given === undefined ? [] : [[key, given.name] as const]
    }),
  )
  return { ...between, indexes, kept, taken: await takenNames(transaction, between.live, indexes) }
}

/** As a reader takes them: views first, then what they read. To name its own owner anew locks a view, and only that. */
export async function readersLocks(
  transaction: Queryable,
  live: Definition,
  { from }: Pair,
): Promise<readonly Fragment[]> {
  const views = await transaction.query<{ schema: string; name: string; owner: string }>(sql`
    select n.nspname as schema, v.relname as name, pg_get_userbyid(v.relowner) as owner
    from ${readingViews(from)} join pg_namespace n on n.oid = v.relnamespace order by v.oid`)
  return [
    ...views.map(
      ({ schema, name, owner }) => sql`alter view ${identifier(schema, name)} owner to ${identifier(owner)}`,
    ),
    sql`lock table ${identifier(live.schema, live.table)} in access exclusive mode`,
  ]
}

async function indexesOf(transaction: Queryable, live: Definition, shadow: Definition): Promise<readonly Index[]> {
  const tables = [live, shadow, ...live.plan.tables.slice(0, -1), ...shadow.plan.tables.slice(0, -1)].map(
    ({ schema, table }) => identifier(schema, table).text,
  )
  return transaction.query<Index>(sql`
    select c.oid::int8::float8 as oid, n.nspname as schema, c.relname as name, t.relname as table, m.nspname as "tableSchema"
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
      join pg_class t on t.oid = i.indrelid join pg_namespace m on m.oid = t.relnamespace
    where i.indrelid = any (${tables}::text[]::regclass[]) order by c.oid`)
}

async function takenNames(
  transaction: Queryable,
  live: Definition,
  indexes: readonly Index[],
): Promise<ReadonlySet<string>> {
  const rows = await transaction.query<{ name: string }>(sql`
    select c.relname as name from pg_class c
    where c.relnamespace in (${live.schema}::regnamespace, 'freshet_changes'::regnamespace)
      and c.oid <> all (${indexes.map(({ oid }) => oid)}::oid[])`)
  return new Set(rows.map(({ name }) => name))
}

/** The row of the live one gets what is the shadow's, and the shadow's what is left. */
function catalogRows(swapping: Swapping, shadow: Definition, pair: Pair): readonly Fragment[] {
  const { live, resolved, plan, query, mode } = swapping
  const kept = keptMode(plan, mode)
  const own = sql`stream_table_id = ${live.id}`
  const other = sql`stream_table_id = ${shadow.id}`
  return [
    sql`
    update freshet.stream_table set relation = ${pair.to}::oid, query = ${query},
      definition = ${resolved.facts.definition}, mode = ${mode}, effective_mode = ${kept.effective},
      mode_reason = case when mode_reason = ${LENT} then mode_reason else ${kept.reason} end,
      mode_detail = case when mode_reason = ${LENT} then mode_detail else ${kept.detail} end,
      storage = ${plan.storage}, key_columns = ${[...plan.keyColumns]}::text[], plan = ${JSON.stringify(plan)}::jsonb,
      session_settings = ${JSON.stringify(resolved.settings)}::jsonb, altered_at = clock_timestamp()
    where ${own}`,
    sql`
    update freshet.stream_table set relation = ${pair.from}::oid, table_name = ${replacedName(pair.from)},
      plan = ${JSON.stringify(putAside({ live, shadow }))}::jsonb
    where ${other}`,
    sql`
    update freshet.stream_table_state s set version = freshet.next_version(s.version), frontier = n.frontier,
      reinitialize = n.reinitialize, state_behind = n.state_behind, refreshed_at = n.refreshed_at, consecutive_errors = 0, last_error = null, retry_at = null
    from freshet.stream_table_state n where s.${own} and n.${other}`,
    sql`
    insert into freshet.refresh_history (stream_table_id, started_at, finished_at, action, reason, initiated_by, rows_inserted, source_rows)
    select ${live.id}::int, h.started_at, h.finished_at, 'full', 'ALTERED', 'alter', h.rows_inserted, h.source_rows
    from freshet.refresh_history h where h.${other} and h.action = 'initial'`,
    sql`delete from freshet.reference where ${other}`,
  ]
}
