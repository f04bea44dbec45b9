import {
  type Database,
  DEFAULT_PATIENCE,
  FreshetError,
  GIVE_WAY,
  identifier,
  type Queryable,
  raw,
  type Sql,
  sql,
  whileRefused,
} from '@freshet/core'
import { type CompiledTable, isSpoiltByCitus, type ReplaceStatements } from '@freshet/dvm'
import { announceOnNodes } from './citus/output.ts'
import { passQueues } from './citus/queues.ts'
import { replacePushed } from './citus/run-pushed.ts'
import { nameOf, spansNodes, type Definition } from './definition.ts'
import type { Depth } from './depth.ts'
import type { RecordedDecision } from './experience.ts'
import { queryChangedStatement } from './resolve/references.ts'
import { runSteps } from './run-steps.ts'
import { sourceRows } from './pending-changes.ts'
import { ENOUGH_MEMORY } from './sessions.ts'

/**
 * A full refresh inside a REPEATABLE READ transaction, whose snapshot is F₁: every state table is recomputed and
 * compared, and only what differs is written, so that consumers see a true delta.
 */
export interface FullResult {
  readonly rowsInserted: number
  readonly rowsDeleted: number
}

/** The state row, locked; null when another refresher has it. Fails with a conflict when it changed after the snapshot. */
export async function lockState(transaction: Queryable, id: number, wait: boolean): Promise<LockedState | null> {
  const rows = await transaction.query<LockedState>(stateLock(id, wait))
  return rows[0] ?? null
}

interface LockedState {
  readonly version: string
  readonly status: string
}

function stateLock(id: number, wait: boolean): Sql {
  return sql`
    select version::text as version, status from freshet.stream_table_state where stream_table_id = ${id}
    for update ${raw(wait ? '' : 'skip locked')}`
}

/** All that a full refresh asks before it computes, in the round trip that locks its sources. */
export interface Claimed {
  /** Null when another refresher has it. */
  readonly state: LockedState | null
  /** What the query refers to is not what the plan was compiled for. */
  readonly changed: boolean
}

export function claiming(id: number): readonly Sql[] {
  return [stateLock(id, false), queryChangedStatement(id), RECORDED_AS_PLANNED]
}

/** By the answers to `claiming`. */
export function claimOf(answers: readonly (readonly Record<string, unknown>[])[]): Claimed {
  const [states = [], [query] = []] = answers
  return { state: (states[0] as unknown as LockedState | undefined) ?? null, changed: query?.['changed'] === true }
}

/** What is recorded in the end is planned once, and not for the values of each refresh. */
const RECORDED_AS_PLANNED = sql`select set_config('plan_cache_mode', 'force_generic_plan', true)`

/**
 * One transaction that locks more than the state row. It waits for a refresh as long as that takes, but holding nothing;
 * what users hold (a reader of a table that is to be dropped) it waits for in short attempts, so that they do not queue
 * up behind it.
 */
export async function whenFree<T>(
  database: Database,
  id: number | null,
  work: (transaction: Queryable) => Promise<T>,
): Promise<T> {
  return whileRefused(DEFAULT_PATIENCE.patienceMs, async () => {
    if (id !== null) await database.transaction((transaction) => lockState(transaction, id, true))
    return database.transaction(async (transaction) => {
      await transaction.query(GIVE_WAY)
      return work(transaction)
    })
  })
}

/**
 * A refresh that is expected to take this long, in milliseconds, may be worth a temporary table, which costs about four:
 * into it the answer is computed by parallel workers, where the planner wants any.
 */
const WORTH_A_TABLE_MS = 40

/**
 * To ask the planner takes as long as planning, so its answer holds until that is a small share of what was spent since. As
 * tables grow and change, so does it: a query just below what is worth a worker is soon above it.
 */
const ASKING_SHARE = 0.05

interface Asked {
  readonly parallel: boolean
  readonly askingMs: number
  readonly spentMs: number
}

const asked = new WeakMap<ReplaceStatements, Asked>()

async function isParallel(transaction: Queryable, replace: ReplaceStatements): Promise<boolean> {
  const known = asked.get(replace)
  if (known !== undefined && ASKING_SHARE * known.spentMs < known.askingMs) return known.parallel
  const started = performance.now()
  const plan = await transaction.query(raw(`explain (costs off) ${replace.compute}`))
  const parallel = plan.some((line) => /^\s*(->  )?Gather\b/.test(String(line['QUERY PLAN'])))
  asked.set(replace, { parallel, askingMs: performance.now() - started, spentMs: 0 })
  return parallel
}

function spent(replace: ReplaceStatements, ms: number): void {
  const known = asked.get(replace)
  if (known !== undefined) asked.set(replace, { ...known, spentMs: known.spentMs + ms })
}

/**
 * Brings every state table to the transaction's snapshot, inner ones first; or the answer alone, where the plan has a way
 * to it. `expectedMs`: null when nobody knows.
 */
export async function replaceAll(
  transaction: Queryable,
  definition: Definition,
  expectedMs: number | null = null,
  depth: Depth = 'all',
): Promise<FullResult> {
  const [allowed] = await transaction.query<{ scratch: boolean }>(ANNOUNCE, { prepared: true })
  const mayBeApart = allowed?.scratch === true && (expectedMs ?? Infinity) >= WORTH_A_TABLE_MS
  await announceOnNodes(transaction, definition.plan)
  if (definition.pushed.length > 0) {
    const { written, deleted } = await replacePushed(transaction, definition)
    return { rowsInserted: written, rowsDeleted: deleted }
  }
  let result: FullResult = { rowsInserted: 0, rowsDeleted: 0 }
  const { answer, tables } = definition.plan
  for (const replace of depth === 'answer' && answer !== undefined ? [answer] : tables.map((table) => table.replace)) {
    if (replace.placed !== undefined) {
      result = await replacePlaced(transaction, definition, replace, replace.placed)
      continue
    }
    // what is on other nodes is read by a statement that does nothing else
    const apart = spansNodes(definition) || (mayBeApart && (await isParallel(transaction, replace)))
    const started = performance.now()
    if (apart) await transaction.query(raw(replace.compute))
    const { quiet, emitting } = apart ? replace.apply : replace.once
    const statement = definition.emits && emitting !== null ? emitting : quiet
    const [row] = await transaction.query<{ rows_inserted: number; rows_deleted: number }>(raw(statement))
    if (apart) await transaction.query(raw(replace.discard))
    spent(replace, performance.now() - started)
    if (row === undefined)
      throw new FreshetError('INTERNAL', `a full refresh of ${nameOf(definition)} answered nothing`)
    result = { rowsInserted: row.rows_inserted, rowsDeleted: row.rows_deleted }
  }
  await passQueues(transaction, definition)
  return result
}

async function replacePlaced(
  transaction: Queryable,
  { emits }: Definition,
  { compute, discard }: ReplaceStatements,
  { quiet, emitting }: NonNullable<ReplaceStatements['placed']>,
): Promise<FullResult> {
  await transaction.query(raw(compute))
  const { written, deleted } = await runSteps(transaction, emits && emitting !== null ? emitting : quiet)
  await transaction.query(raw(discard))
  return { rowsInserted: written, rowsDeleted: deleted }
}

/** The guard lets this transaction write, and hash joins over whole tables have some memory. */
const ANNOUNCE = sql`select set_config('freshet.apply', 'on', true), ${ENOUGH_MEMORY},
  has_database_privilege(current_database(), 'temporary') as scratch`

/** Fills the empty tables of a new stream table. */
export async function fillAll(
  transaction: Queryable,
  definition: Pick<Definition, 'plan' | 'id' | 'pushed'>,
): Promise<void> {
  await transaction.query(sql`select set_config('freshet.apply', 'on', true)`)
  await announceOnNodes(transaction, definition.plan)
  for (const [i, table] of definition.plan.tables.entries()) {
    if (table.replace.placed !== undefined && isSpoiltByCitus(table.fill)) await fillApart(transaction, table)
    else await transaction.query(raw(table.fill))
    // The tables that follow are computed from this one. Citus analyzes none on nodes of which this transaction has read.
    if (i < definition.plan.tables.length - 1 && definition.pushed.length === 0)
      await transaction.query(sql`analyze ${identifier(table.schema, table.table)}`)
  }
  await passQueues(transaction, definition)
}

/** By way of this server. */
async function fillApart(transaction: Queryable, table: CompiledTable): Promise<void> {
  const { compute, discard } = table.replace
  await transaction.query(raw(compute))
  await transaction.query(
    raw(`insert into ${identifier(table.schema, table.table).text} select * from pg_temp.freshet_fresh`),
  )
  await transaction.query(raw(discard))
}

/** What a full refresh leaves in the catalog: the new version, its frontier, and the rows that the sources had. */
export interface Recorded {
  readonly version: string
  readonly snapshot: string
  readonly sourceRows: number
  readonly refreshId: string
}

export async function recordFull(
  transaction: Queryable,
  definition: Definition,
  entry: {
    readonly action: 'initial' | 'full'
    readonly reason: string | null
    readonly initiatedBy: string
    readonly result: FullResult
    /** Why AUTO preferred it, where that was the reason. */
    readonly decision?: RecordedDecision | null
    readonly depth?: Depth
    /** It is being created, and goes on being. */
    readonly unfinished?: boolean
  },
): Promise<Recorded> {
  const names = definition.plan.sources.map((source) => source.stableName)
  const { rowsInserted, rowsDeleted } = entry.result
  const decision = entry.decision ? JSON.stringify(entry.decision) : null
  const [recorded] = await transaction.query<Recorded>(
    sql`
    with read as (select ${sourceRows(names)} as rows),
    state as (
      update freshet.stream_table_state set
        version = freshet.next_version(version), refreshed_at = clock_timestamp(), reinitialize = null,
        state_behind = ${entry.depth === 'answer'}::boolean,
        consecutive_errors = 0, last_error = null, retry_at = null,
        status = case when status = 'initializing' and not ${entry.unfinished === true}::boolean then 'active' else status end,
        decision = coalesce(${decision}::jsonb || jsonb_build_object('decidedAt', clock_timestamp()), decision),
        frontier = coalesce((
          select jsonb_object_agg(name, jsonb_build_object('0', jsonb_build_object('kind', 'snapshot', 'snapshot', pg_current_snapshot()::text)))
          from unnest(${names}::text[]) name
        ), '{}')
      where stream_table_id = ${definition.id}
      returning version::text as version
    ),
    entry as (
      insert into freshet.refresh_history (stream_table_id, started_at, action, reason, initiated_by, rows_inserted, rows_deleted, source_rows, decision)
      select ${definition.id}::int, transaction_timestamp(), ${entry.action}, ${entry.reason}, ${entry.initiatedBy},
        ${rowsInserted}::bigint, ${rowsDeleted}::bigint, read.rows, ${decision}::jsonb
      from read
      returning refresh_id::text as id
    )
    select state.version, pg_current_snapshot()::text as snapshot, read.rows as "sourceRows", entry.id as "refreshId"
    from state, read, entry`,
    { prepared: true },
  )
  if (recorded === undefined) throw new FreshetError('INTERNAL', `${nameOf(definition)} has no state`)
  return recorded
}
