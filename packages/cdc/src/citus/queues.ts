import {
  areColocated,
  type CapturedColumn,
  type Fragment,
  FreshetError,
  identifier,
  join,
  literal,
  type Queryable,
  shardQueue,
  sql,
} from '@freshet/core'
import { logTable } from '../capture-names.ts'
import { newColumn, oldColumn } from '../capture-log.ts'

/**
 * Stream tables that are refreshed on the workers find the changes of a source in a queue: a table co-located with it, to
 * which whoever collects moves the changes in the place of the log. Those that read the same columns share one. Each change
 * has the number of its collection there; what is above the position of a stream table, that one has not had. So on the
 * coordinator nothing is known of a change but that it is there: a note in the log with the id of the collecting
 * transaction, and how many rows it has moved. Polling, the fuse and clean-up go by that.
 *
 * Whoever collects from a source takes turns with others (`collect`), so the numbers of its collections grow in the order
 * in which they become visible.
 *
 * A queue that is not beside the buffer any more would be filled by rows that pass through the coordinator, in another
 * snapshot: that is refused, and its stream tables have to do without.
 */
export interface Queue {
  readonly id: number
  /** The first one distributes it. */
  readonly columns: readonly string[]
  readonly types: readonly string[]
}

/** Those that are read. */
export function queuesOf(queryable: Queryable, stableName: string): Promise<readonly Queue[]> {
  return queryable.query<Queue>(
    sql`select queue_id as id, columns, types from freshet.shard_queue q
      where stable_name = ${stableName} and exists (select from freshet.shard_queue_reader r where r.queue_id = q.queue_id)
      order by 1`,
    { prepared: true },
  )
}

/** Whether stream tables read the log. */
export async function hasLogReaders(queryable: Queryable, stableName: string): Promise<boolean> {
  const [row] = await queryable.query<{ some: boolean }>(
    sql`select exists (
      select from freshet.dependency d where d.stable_name = ${stableName} and not exists (
        select from freshet.shard_queue_reader r
        where r.stream_table_id = d.stream_table_id and r.stable_name = d.stable_name)
    ) as some`,
    { prepared: true },
  )
  return row?.some === true
}

/** Adds what the buffer holds to a queue: a Z-set of the source's rows. Each statement is run by the shards alone. */
export async function fillQueue(
  transaction: Queryable,
  source: { readonly name: string; readonly captured: readonly CapturedColumn[] },
  buffer: Fragment,
  { id, columns, types }: Queue,
  collection: string,
): Promise<void> {
  const queue = shardQueue(id, source.name)
  await requireBeside(transaction, buffer, queue)
  const names = join([...columns.map((column) => identifier(column)), sql`__w`, sql`__c`])
  const positions = columns.map((column, i) =>
    source.captured.findIndex(({ name, type }) => name === column && type === types[i]),
  )
  if (positions.includes(-1)) throw outOfPlace(queue)
  for (const side of [
    { value: newColumn, flag: sql`__new`, weight: sql`1` },
    { value: oldColumn, flag: sql`__old`, weight: sql`-1` },
  ]) {
    // the first as the buffer is distributed by it, so that Citus knows that a row stays where it is
    const values = positions.map((position, i) => (i === 0 ? sql`__k` : side.value(position)))
    await transaction.query(
      sql`insert into ${queue} (${names}) select ${join([...values, side.weight, literal(collection)])}::bigint from ${buffer} where ${side.flag}`,
    )
  }
}

async function requireBeside(transaction: Queryable, buffer: Fragment, queue: Fragment): Promise<void> {
  const [row] = await transaction.query<{ beside: boolean }>(
    sql`select ${areColocated([sql`to_regclass(${buffer.text})`, sql`to_regclass(${queue.text})`])} as beside`,
    { prepared: true },
  )
  if (row?.beside !== true) throw outOfPlace(queue)
}

function outOfPlace(queue: Fragment): FreshetError {
  return new FreshetError('CAPTURE_BROKEN', `the queue ${queue.text} does not fit its source any more`)
}

/** Empties a buffer whose changes are in queues, and nowhere else. */
export async function noteMoved(transaction: Queryable, name: string, buffer: Fragment, xid: string): Promise<void> {
  const [moved] = await transaction.query<{ rows: string }>(
    sql`select coalesce(sum(__new::int + __old::int), 0)::text as rows from ${buffer}`,
  )
  if (moved === undefined || moved.rows === '0') return
  await transaction.query(sql`delete from ${buffer}`)
  await transaction.query(
    sql`insert into ${logTable(name)} (__x, __n) values (${xid}::xid8, least(${moved.rows}::bigint, 2147483647)::int)`,
  )
}
