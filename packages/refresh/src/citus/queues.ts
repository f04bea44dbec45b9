import {
  areColocated,
  type Database,
  type Fragment,
  identifier,
  type Queryable,
  raw,
  shardQueue,
  shardQueueOf,
  sql,
} from '@freshet/core'
import type { Definition } from '../definition.ts'

/**
 * The queues from which a stream table that is refreshed on the workers reads, and a scratch for each of its stages, for
 * what has to change.
 *
 * A queue is shared by all that read the same columns of a source. Each has a position in it, the number of the last
 * collection that it has had, and whoever was the last to have had some changes deletes them. That needs no lock of its
 * own: who moves a position holds the logs of its sources, as those do who fill the queues.
 */
type Pushed = Pick<Definition, 'id' | 'pushed' | 'stableName' | 'plan'>

/** Of each stage, in order, the last being the stream table's. */
export function scratchesOf({ stableName, plan }: Pick<Definition, 'stableName' | 'plan'>): readonly Fragment[] {
  return plan.tables.map((_, i) => {
    const number = i === plan.tables.length - 1 ? '' : `_${i + 1}`
    return identifier('freshet_changes', `scratch_${stableName}${number}`)
  })
}

/** What a stream table reads of a source, on the workers. */
export interface ReadQueue {
  readonly stableName: string
  readonly queue: Fragment
  /** By which it is distributed, as its source. */
  readonly column: string
  /** The number of the last collection that it has had. */
  readonly position: string
  /** The least of the positions of the others; null: it is read by nobody else. */
  readonly slowest: string | null
  /** It lies beside its source. */
  readonly beside: boolean
}

export async function readQueues(queryable: Queryable, { id }: Pick<Pushed, 'id'>): Promise<readonly ReadQueue[]> {
  const found = await queryable.query<Omit<ReadQueue, 'queue'> & { queueId: number }>(
    sql`select r.stable_name as "stableName", r.queue_id as "queueId", q.columns[1] as column, r.position::text as position,
        (select min(o.position)::text from freshet.shard_queue_reader o
          where o.queue_id = r.queue_id and o.stream_table_id <> r.stream_table_id) as slowest,
        ${areColocated([raw('s.relation'), shardQueueOf('r')])} as beside
      from freshet.shard_queue_reader r join freshet.shard_queue q using (queue_id)
        join freshet.source s on s.stable_name = r.stable_name
      where r.stream_table_id = ${id} order by s.relation`,
    { prepared: true },
  )
  return found.map(({ queueId, ...read }) => ({ ...read, queue: shardQueue(queueId, read.stableName) }))
}

/**
 * After a full refresh: the stream table has had all that was collected until now. What has a number of the future is of a
 * past that was given up, for the catalog is that of an older backup; by such a number it would be read again, by any reader.
 */
export async function passQueues(transaction: Queryable, { id, pushed }: Pick<Pushed, 'id' | 'pushed'>): Promise<void> {
  if (pushed.length === 0) return
  const passed = await movePositions(transaction, id)
  for (const { queue, slowest } of await readQueues(transaction, { id })) {
    const had = number(least(passed, slowest))
    await transaction.query(sql`delete from ${queue} where __c <= ${had} or __c > ${number(passed)}`)
  }
}

/** After a refresh by deltas: the same, and of the queues that are not among these there was nothing to be had. */
export async function passRead(
  transaction: Queryable,
  { id }: Pick<Pushed, 'id'>,
  read: readonly ReadQueue[],
): Promise<void> {
  const passed = await movePositions(transaction, id)
  for (const { queue, position, slowest } of read) {
    const had = least(passed, slowest)
    if (had > least(BigInt(position), slowest))
      await transaction.query(sql`delete from ${queue} where __c <= ${number(had)}`)
  }
}

/** To the number of a collection that nobody made: all that are collected from now on come after it. */
async function movePositions(transaction: Queryable, id: number): Promise<bigint> {
  const [now] = await transaction.query<{ number: string }>(
    sql`with collected as materialized (select nextval('freshet.collection_number') as number),
      moved as (update freshet.shard_queue_reader set position = number from collected where stream_table_id = ${id})
      select number::text from collected`,
    { prepared: true },
  )
  return BigInt(now?.number ?? 0)
}

/** As it is written: Citus plans no query of many shards with a parameter whose type is cast. */
export function number(value: string | bigint): Fragment {
  return raw(BigInt(value).toString())
}

function least(position: bigint, slowest: string | null): bigint {
  return slowest === null || BigInt(slowest) > position ? position : BigInt(slowest)
}

/** From now on it reads none. They go by `removeUnreadQueues`, when this has committed. */
export async function leaveQueues(transaction: Queryable, definition: Pushed): Promise<void> {
  if (definition.pushed.length === 0) return
  await transaction.query(sql`delete from freshet.shard_queue_reader where stream_table_id = ${definition.id}`)
  for (const scratch of scratchesOf(definition)) await transaction.query(sql`drop table if exists ${scratch}`)
}

/** Nobody fills them; they are in the way of nothing but order. */
export async function removeUnreadQueues(database: Database): Promise<void> {
  const unread = await database.query<{ id: number }>(
    sql`select queue_id as id from freshet.shard_queue q where ${UNREAD}`,
  )
  for (const { id } of unread) await database.transaction((transaction) => removeIfUnread(transaction, id))
}

/** Whoever begins to read it meanwhile has the row, or waits for it and finds it gone. */
async function removeIfUnread(transaction: Queryable, id: number): Promise<void> {
  const locked = await transaction.query(
    sql`select from freshet.shard_queue where queue_id = ${id} for update skip locked`,
  )
  if (locked.length === 0) return
  const [gone] = await transaction.query<{ stableName: string }>(
    sql`delete from freshet.shard_queue q where queue_id = ${id} and ${UNREAD} returning stable_name as "stableName"`,
  )
  if (gone !== undefined) await transaction.query(sql`drop table if exists ${shardQueue(id, gone.stableName)}`)
}

const UNREAD = sql`not exists (select from freshet.shard_queue_reader r where r.queue_id = q.queue_id)`
