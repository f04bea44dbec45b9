import {
  areColocated,
  type Database,
  type Fragment,
  FreshetError,
  identifier,
  isFreshetError,
  literal,
  type Placement,
  type Queryable,
  raw,
  shardQueue,
  shardQueueOf,
  sql,
} from '@freshet/core'
import { isSpoiltByCitus, type PushedStatements, type QueueWindow } from '@freshet/dvm'
import { createState } from '../create-tables.ts'
import { type Definition, keptMode, loadDefinition, type StoredPlan } from '../definition.ts'
import { bumpVersion } from '../emission.ts'
import { lockState, whenFree } from '../full.ts'
import { heedCitus } from './limit.ts'
import { ONE_BY_ONE } from './output.ts'
import { leaveQueues, readQueues, removeUnreadQueues } from './queues.ts'
import { onShards } from './run-pushed.ts'

/**
 * Refreshes on the workers. Where a stream table is distributed as its sources are, and its query needs of each shard what
 * is beside that shard only, no row has to come to the coordinator: changes wait in queues beside the shards, and a
 * refresh is a few statements that every shard runs for itself.
 *
 * Whether it is so, Citus is asked: the statements are planned, and where one is not pushed down whole, the stream table is
 * refreshed from the log on the coordinator.
 *
 * `wanted`: its plan as it would be if there were nothing that Citus can not plan on the coordinator. The workers may be able
 * to, and then it is kept.
 */
export async function pushDown(database: Database, id: number, wanted?: StoredPlan): Promise<boolean> {
  const before = await loadDefinition(database, id)
  if (before.pushed.length > 0) return true
  const definition = { ...before, plan: wanted ?? before.plan }
  const sources = await pushable(database, definition)
  if (sources === null) return false
  const compiler = await onShards(definition, sources.map(distributionOf))
  const named = compiler?.statements(new Map(sources.map(({ stableName }) => [stableName, NO_QUEUE])))
  const anew = compiler?.replacements()
  if (!named || !anew) return false
  const scratches = [...named.scratches, ...anew.map(({ scratch }) => scratch)]
  if (scratches.some(({ computes }) => computes.some(isSpoiltByCitus))) return false
  try {
    await database.transaction(async (transaction) => {
      await lockState(transaction, id, true)
      await transaction.query(ONE_BY_ONE)
      if (wanted !== undefined) await keepPlan(transaction, definition)
      for (const source of sources) await readQueueOf(transaction, id, source)
      await placeStages(transaction, definition)
      await beginAnew(transaction, id)
      await bumpVersion(transaction, id)
    })
    // other nodes explain what they see committed
    if (await isPushed(database, definition)) return true
  } catch (error) {
    // what Citus can not plan, it refuses
    if (!isFreshetError(error) || !REFUSALS.has(error.sqlState?.slice(0, 2))) throw error
  }
  await whenFree(database, id, async (transaction) => {
    await leaveWorkers(transaction, id)
    if (wanted !== undefined) await keepPlan(transaction, before)
    await bumpVersion(transaction, id)
  })
  await removeUnreadQueues(database)
  return false
}

async function keepPlan(transaction: Queryable, { id, plan, mode }: Definition): Promise<void> {
  const kept = keptMode(plan, mode)
  await transaction.query(sql`
    update freshet.stream_table set plan = ${JSON.stringify(plan)}::jsonb, effective_mode = ${kept.effective},
      mode_reason = ${kept.reason}, mode_detail = ${kept.detail}
    where stream_table_id = ${id}`)
}

/** What its stages hold is computed anew, here. */
async function leaveWorkers(transaction: Queryable, id: number): Promise<void> {
  const definition = await loadDefinition(transaction, id)
  if (definition.pushed.length === 0) return
  await leaveQueues(transaction, definition)
  for (const stage of definition.plan.tables.slice(0, -1)) {
    await transaction.query(sql`drop table if exists ${identifier(stage.schema, stage.table)}`)
    await createState(transaction, stage)
  }
}

/** As long as nobody knows which queues it will have. */
const NO_QUEUE: QueueWindow = { queue: 'queue', after: '0' }

/** Read from now on: what is filled already has had what came before it, and not what was collected until now. */
async function beginAnew(transaction: Queryable, id: number): Promise<void> {
  await transaction.query(sql`
    update freshet.stream_table_state set reinitialize = coalesce(reinitialize, 'ALTERED')
    where stream_table_id = ${id} and status <> 'initializing'`)
}

const REFUSALS: ReadonlySet<string | undefined> = new Set(['0A', '42', 'XX'])

interface PushedSource {
  readonly stableName: string
  readonly schema: string
  readonly table: string
  /** The one that distributes it comes first. */
  readonly columns: readonly { readonly name: string; readonly type: string; readonly captured: string }[]
}

/** Null: it is not to be tried. */
async function pushable(
  database: Database,
  { plan, mode, placed }: Definition,
): Promise<readonly PushedSource[] | null> {
  const { output, refresh, sources, copies } = plan
  const apart = output?.kind !== 'distributed' || refresh === null || mode === 'full'
  if (apart || (copies ?? []).length > 0 || sources.some(({ stableName }) => !placed.includes(stableName))) return null
  const captured = await database.query<{
    stableName: string
    placement: Placement
    columns: readonly { readonly name: string; readonly type: string }[]
  }>(sql`
    select stable_name as "stableName", placement, captured_columns as columns from freshet.source
    where capture = 'trigger' and stable_name = any(${sources.map(({ stableName }) => stableName)}::text[])`)
  const pushed: PushedSource[] = []
  for (const { stableName, schema, table, columns } of sources) {
    const source = captured.find((each) => each.stableName === stableName)
    if (source?.placement.kind !== 'distributed') return null
    const { column, type } = source.placement
    const key = source.columns.find(({ name }) => name === column)
    if (key === undefined || !columns.includes(column)) return null
    const others = source.columns
      .filter(({ name }) => columns.includes(name) && name !== column)
      .map((other) => ({ ...other, captured: other.type }))
    pushed.push({ stableName, schema, table, columns: [{ name: column, type, captured: key.type }, ...others] })
  }
  return pushed
}

/** One that others read, or a new one. Where it stands does not matter: the next refresh, or the fill, is a full one. */
async function readQueueOf(transaction: Queryable, id: number, source: PushedSource): Promise<void> {
  const queue = (await findQueue(transaction, source)) ?? (await createQueue(transaction, source))
  await transaction.query(sql`
    insert into freshet.shard_queue_reader (stream_table_id, stable_name, queue_id, position)
    values (${id}, ${source.stableName}, ${queue}, nextval('freshet.collection_number'))`)
}

/** Nobody removes it until this transaction has ended. */
async function findQueue(transaction: Queryable, source: PushedSource): Promise<number | undefined> {
  const [found] = await transaction.query<{ id: number }>(sql`
    select queue_id as id from freshet.shard_queue q
    where stable_name = ${source.stableName} and columns = ${source.columns.map(({ name }) => name)}::text[]
      and types = ${source.columns.map(({ captured }) => captured)}::text[] 
      and ${areColocated([sql`to_regclass(${identifier(source.schema, source.table).text})`, shardQueueOf('q')])}
    order by 1 limit 1 for key share`)
  return found?.id
}

async function createQueue(transaction: Queryable, source: PushedSource): Promise<number> {
  const [made] = await transaction.query<{ id: number }>(sql`
    insert into freshet.shard_queue (stable_name, columns, types)
    values (${source.stableName}, ${source.columns.map(({ name }) => name)}::text[],
      ${source.columns.map(({ captured }) => captured)}::text[])
    returning queue_id as id`)
  if (made === undefined) throw new FreshetError('INTERNAL', 'a queue has no number')
  const queue = shardQueue(made.id, source.stableName)
  const columns = source.columns.map(({ name, type }) => `${identifier(name).text} ${type}`)
  const all = [...columns, '__w smallint not null', '__c bigint not null']
  await transaction.query(raw(`create table ${queue.text} (${all.join(', ')})`))
  await transaction.query(sql`create index on ${queue} (__c)`)
  await placeBeside(transaction, queue, distributionOf(source).column, source)
  await movable(transaction, queue)
  return made.id
}

function distributionOf({ stableName, columns }: PushedSource): {
  readonly stableName: string
  readonly column: string
} {
  return { stableName, column: columns[0]?.name ?? '' }
}

/** The states of its inner stages, which were here, and what each refresh computes: beside the shards, and empty. */
async function placeStages(transaction: Queryable, definition: Definition): Promise<void> {
  const compiler = await onShards(definition, await readQueues(transaction, definition))
  for (const { schema, table, create, column, indexes } of compiler?.states ?? []) {
    const state = identifier(schema, table)
    await transaction.query(sql`drop table if exists ${state}`)
    await createState(transaction, { schema, table, create, indexes })
    await placeBeside(transaction, state, column, definition)
  }
  const statements = await readingStatements(transaction, definition)
  for (const { table, query, column } of statements?.scratches ?? []) {
    const scratch = raw(table)
    await transaction.query(sql`create table ${scratch} as ${raw(query)} with no data`)
    await placeBeside(transaction, scratch, column, definition)
    await movable(transaction, scratch)
  }
}

async function placeBeside(
  transaction: Queryable,
  table: Fragment,
  column: string,
  other: { readonly schema: string; readonly table: string },
): Promise<void> {
  const neighbour = literal(identifier(other.schema, other.table).text)
  await transaction.query(
    sql`select pg_catalog.create_distributed_table(${literal(table.text)}, ${literal(column)}, colocate_with => ${neighbour})`,
  )
}

/** Citus moves a shard only with neighbours whose rows it can tell apart. */
async function movable(transaction: Queryable, table: Fragment): Promise<void> {
  await transaction.query(sql`alter table ${table} replica identity full`)
}

/** Those of all its queues. */
async function readingStatements(queryable: Queryable, definition: Definition): Promise<PushedStatements | null> {
  const queues = await readQueues(queryable, definition)
  const compiler = await onShards(definition, queues)
  const windows = queues.map(
    ({ stableName, queue, position }) => [stableName, { queue: queue.text, after: position }] as const,
  )
  return compiler?.statements(new Map(windows)) ?? null
}

/** Whether Citus has each shard run its statements, and nothing else. */
async function isPushed(queryable: Queryable, definition: Definition): Promise<boolean> {
  const statements = await readingStatements(queryable, definition)
  const compiler = await onShards(definition, await readQueues(queryable, definition))
  const anew = compiler?.replacements()
  if (statements === null || !anew) return false
  const scratches = [...statements.scratches, ...anew.map(({ scratch }) => scratch)]
  const computed = scratches.flatMap(({ computes }) => computes)
  const written = [...statements.write, ...anew.flatMap(({ write }) => write)]
  for (const statement of [...computed, ...written]) {
    const [row] = await queryable.query<{ 'QUERY PLAN': unknown }>(raw(`explain (format json) ${statement}`))
    const plan = JSON.stringify(row?.['QUERY PLAN'])
    if (!plan.includes('"Citus Adaptive"') || /"(INSERT\/SELECT method|Subplans)":/.test(plan)) return false
  }
  return true
}

/** From now on it is refreshed from the log; what its queues held is computed anew. */
export async function takeFromWorkers(database: Database, id: number): Promise<void> {
  await whenFree(database, id, async (transaction) => {
    await lockState(transaction, id, true)
    await leaveWorkers(transaction, id)
    await transaction.query(sql`
      update freshet.stream_table_state set reinitialize = coalesce(reinitialize, 'SOURCE_CHANGED')
      where stream_table_id = ${id}`)
    await bumpVersion(transaction, id)
  })
  await removeUnreadQueues(database)
}

/** A stream table that reads a queue of one of these sources that is not beside it any more, or of other types, does without. */
export async function requireQueues(database: Database, stableNames: readonly string[]): Promise<void> {
  const readers = await database.query<{ id: number; fits: boolean }>(
    sql`select r.stream_table_id as id, not exists (
        select from unnest(q.columns, q.types) as c (name, type)
        where not s.captured_columns @> jsonb_build_array(jsonb_build_object('name', c.name, 'type', c.type))
      ) and ${areColocated([raw('s.relation'), shardQueueOf('q')])} as fits
      from freshet.shard_queue_reader r join freshet.shard_queue q using (queue_id)
        join freshet.source s on s.stable_name = q.stable_name
      where q.stable_name = any(${stableNames}::text[])`,
    { prepared: true },
  )
  for (const { id, fits } of readers) {
    if (fits) continue
    await takeFromWorkers(database, id)
    // the coordinator may not be able to do what the workers could
    await heedCitus(database, await loadDefinition(database, id), 'auto')
  }
}
