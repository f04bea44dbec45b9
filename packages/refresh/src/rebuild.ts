import { isDeepStrictEqual } from 'node:util'
import {
  type Database,
  DEFAULT_PATIENCE,
  FreshetError,
  type Fragment,
  identifier,
  type Queryable,
  raw,
  sql,
  whileRefused,
} from '@freshet/core'
import { copyReferences } from './citus/copies.ts'
import { outputOf, ownTables, reachNodes } from './citus/output.ts'
import { leaveQueues } from './citus/queues.ts'
import type { RefreshContext } from './context.ts'
import { makePlan } from './create.ts'
import { createTables } from './create-tables.ts'
import { type Definition, keptMode, loadDefinition, nameOf, spansNodes, type StoredPlan } from './definition.ts'
import { resetDependencies } from './dependencies.ts'
import { restartEmitting } from './emission.ts'
import { fillAll, lockState, recordFull } from './full.ts'
import { LENT } from './immediate/disengage.ts'
import { standHere } from './position.ts'
import { recordReferences } from './resolve/references.ts'
import type { Resolved } from './resolve/resolve.ts'
import { oneSnapshot } from './sessions.ts'
import { type Built, QUALIFIED, replacedName, storageSettings, toBuild, toGive, toSettle } from './shadow/belongings.ts'
import { exchangeNames, putAside } from './shadow/exchange.ts'
import { refuseLosses } from './shadow/refuse.ts'
import { exchangeOf, ownIndexes, readersLocks } from './shadow/swap.ts'

/**
 * Gives a stream table other storage, for the same query or, on a cluster, another one, in one REPEATABLE READ transaction:
 * new tables are made and filled beside the old ones, get what people have given to those (`shadow/belongings.ts`), take
 * their names, and the old ones go, with their queues on the workers. So readers see the old answer or the new, and wait
 * only while names are exchanged. Its sources are captured already, and the catalog says that it reads them. From the
 * beginning on, nobody else gives it an index or a trigger, which this snapshot would not see.
 */
export interface Rebuilding {
  readonly before: Definition
  readonly resolved: Resolved
  readonly plan: StoredPlan
  readonly query: string
  readonly mode: Definition['mode']
  /** The reason code that the history gets. */
  readonly why: string
  readonly initiatedBy: string
}

/** For how long readers were locked out at most, in milliseconds. */
export async function rebuild(
  context: RefreshContext,
  settings: Definition['settings'],
  rebuilding: Rebuilding,
): Promise<number> {
  const { database } = context
  const { before, plan } = rebuilding
  const beside = await besideOf(database, rebuilding)
  const lockedAt = await whileRefused(DEFAULT_PATIENCE.patienceMs, async () => {
    // Waits for a refresh while it holds nothing.
    await database.transaction((transaction) => lockState(transaction, before.id, true))
    return oneSnapshot(database, { settings, plan, own: ownTables([before]) }, (transaction) =>
      replace(context, transaction, rebuilding, beside),
    )
  })
  if (lockedAt === null) throw alteredMeanwhile(before)
  const lockedMs = (await serverTime(database)) - lockedAt
  if (plan.output !== undefined) await database.query(sql`analyze ${identifier(before.schema, before.table)}`)
  return lockedMs
}

/** What is filled beside it, as a stream table of its own. */
export async function besideOf(
  database: Database,
  { before, plan, resolved }: Pick<Rebuilding, 'before' | 'plan' | 'resolved'>,
): Promise<Definition> {
  const name = besideName(before)
  return {
    ...before,
    ...name,
    plan: await makePlan(database, resolved, name, 'auto', outputOf(plan)),
    pushed: [],
  }
}

async function serverTime(queryable: Queryable): Promise<number> {
  const [now] = await queryable.query<{ ms: number }>(
    sql`select extract(epoch from clock_timestamp())::float8 * 1000 as ms`,
  )
  return now?.ms ?? Number.NaN
}

/** Asked behind the lock of its state: whether it is still what was looked at. Else another process was faster. */
export async function isUnaltered(queryable: Queryable, id: number, plan: StoredPlan): Promise<boolean> {
  const current = await loadDefinition(queryable, id)
  // the server stores the members of an object in an order of its own
  return isDeepStrictEqual(current.plan, JSON.parse(JSON.stringify(plan)))
}

export function alteredMeanwhile(definition: Definition): FreshetError {
  return new FreshetError('TRANSACTION_CONFLICT', `${nameOf(definition)} was altered by somebody else meanwhile`)
}

/** Another one than that of a shadow, which may be there at the same time. */
function besideName({ stableName }: Definition): Pick<Definition, 'schema' | 'table' | 'stableName'> {
  const first = (Number.parseInt(stableName.slice(0, 1), 16) ^ 4).toString(16)
  return { schema: 'freshet_changes', table: `rebuilt_${stableName}`, stableName: `${first}${stableName.slice(1)}` }
}

/** When readers began to wait; null: somebody else has altered it. */
async function replace(
  { database, capture }: RefreshContext,
  transaction: Queryable,
  rebuilding: Rebuilding,
  beside: Definition,
): Promise<number | null> {
  const { before, resolved, plan, query, mode, why, initiatedBy } = rebuilding
  if (spansNodes(before) || plan.output !== undefined) await reachNodes(transaction)
  // before the snapshot is taken
  await transaction.query(sql`lock table ${identifier(before.schema, before.table)} in share update exclusive mode`)
  await lockState(transaction, before.id, true)
  if (!(await isUnaltered(transaction, before.id, before.plan))) return null
  // Before the long part: nobody trims its buffer meanwhile, which is to go.
  await transaction.query(sql`select from freshet.source where stable_name = ${before.stableName} for update`)
  await transaction.query(sql`select set_config('freshet.source_ddl', 'allow', true)`)
  await createBeside(transaction, before, beside)
  const placed = plan.sources.filter(({ stableName }) => before.placed.includes(stableName))
  if (placed.length > 0)
    await capture.handOver(
      database,
      transaction,
      plan.sources.map(({ stableName }) => stableName),
    )
  const rows = await fillBeside(transaction, beside)
  let lockedAt = Number.NaN
  await qualified(transaction, async () => {
    lockedAt = await takePlace(transaction, rebuilding, beside)
  })
  await leaveQueues(transaction, before)
  const kept = keptMode(plan, mode)
  await transaction.query(sql`
    update freshet.stream_table set relation = ${identifier(before.schema, before.table).text}::regclass, query = ${query},
      definition = ${resolved.facts.definition}, mode = ${mode}, effective_mode = ${kept.effective},
      mode_reason = case when mode_reason = ${LENT} then mode_reason else ${kept.reason} end,
      mode_detail = case when mode_reason = ${LENT} then mode_detail else ${kept.detail} end,
      storage = ${plan.storage}, key_columns = ${[...plan.keyColumns]}::text[], plan = ${JSON.stringify(plan)}::jsonb,
      session_settings = ${JSON.stringify(resolved.settings)}::jsonb, altered_at = clock_timestamp()
    where stream_table_id = ${before.id}`)
  await recordReferences(transaction, before.id, resolved.references)
  await resetDependencies(transaction, before.id, plan)
  const changed: Definition = { ...before, plan, query, mode }
  const result = { rowsInserted: rows, rowsDeleted: 0 }
  await recordFull(transaction, changed, { action: 'full', reason: why, initiatedBy, result })
  if (placed.length > 0) await standHere(transaction, before.id)
  await restartEmitting(transaction, before.id)
  return lockedAt
}

/** Before any row of another node is looked at: Citus places no table in a transaction that has read rows beside it. */
async function createBeside(transaction: Queryable, before: Definition, beside: Definition): Promise<void> {
  await createTables(transaction, beside, beside.plan)
  await qualified(transaction, async () => {
    const pair = { from: await relationOf(transaction, before), to: await relationOf(transaction, beside) }
    for (const statement of await storageSettings(transaction, pair)) await transaction.query(raw(statement))
  })
}

/** How many rows it has then. */
async function fillBeside(transaction: Queryable, beside: Definition): Promise<number> {
  const table = identifier(beside.schema, beside.table)
  await copyReferences(transaction, [beside.plan])
  await fillAll(transaction, beside)
  // Citus analyzes no placed table in a transaction that has read rows of this node; that follows when it has ended
  if (beside.plan.output === undefined) await transaction.query(sql`analyze ${table}`)
  const [count] = await transaction.query<{ rows: number }>(sql`select count(*)::float8 as rows from ${table}`)
  return count?.rows ?? 0
}

/** What is built is built before readers wait; the rest is as in a swap. The moment at which they began to wait. */
async function takePlace(transaction: Queryable, { before, plan }: Rebuilding, beside: Definition): Promise<number> {
  const pair = { from: await relationOf(transaction, before), to: await relationOf(transaction, beside) }
  const built = await transaction.query<Built>(toBuild(pair, beside.table, ownIndexes(before)))
  for (const { create } of built) await transaction.query(raw(create))
  const exchange = await exchangeOf(transaction, { live: before, shadow: beside, plan, relation: pair.from }, built)
  await refuseLosses(transaction, before, pair)
  await transaction.batch(await readersLocks(transaction, before, pair))
  const lockedAt = await serverTime(transaction)
  const texts = async (query: Fragment) =>
    (await transaction.query<{ statement: string }>(query)).map(({ statement }) => raw(statement))
  const given = [...(await texts(toGive(pair))), ...(await texts(toSettle(pair, built)))]
  const stages = putAside({ live: before, shadow: beside }).tables.slice(0, -1)
  await transaction.batch([
    ...exchangeNames(exchange),
    ...given,
    sql`drop table ${identifier(beside.schema, replacedName(pair.from))}`,
    ...stages.map(({ schema, table }) => sql`drop table if exists ${identifier(schema, table)}`),
  ])
  return lockedAt
}

/** Deparsed names are qualified while `work` runs. */
async function qualified(transaction: Queryable, work: () => Promise<void>): Promise<void> {
  const [own] = await transaction.query<{ path: string }>(sql`select current_setting('search_path') as path`)
  await transaction.query(QUALIFIED)
  await work()
  await transaction.query(sql`select set_config('search_path', ${own?.path ?? ''}, true)`)
}

async function relationOf(
  transaction: Queryable,
  { schema, table }: Pick<Definition, 'schema' | 'table'>,
): Promise<number> {
  const [found] = await transaction.query<{ relation: number }>(
    sql`select ${identifier(schema, table).text}::regclass::oid::int8::float8 as relation`,
  )
  if (found === undefined) throw new FreshetError('INTERNAL', `there is no table ${table}`)
  return found.relation
}
