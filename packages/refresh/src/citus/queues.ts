import { type Fragment, identifier, type Queryable, shardQueue, sql } from '@freshet/core'
import type { Definition } from '../definition.ts'

/** The tables of a stream table that is refreshed on the workers: its queues, and `scratch`, for what has to change. */
type Pushed = Pick<Definition, 'id' | 'pushed' | 'stableName'>

export function scratchOf({ stableName }: Pick<Definition, 'stableName'>): Fragment {
  return identifier('freshet_changes', `scratch_${stableName}`)
}

/** What is in its queues, the stream table has had: it was computed anew. */
export async function emptyQueues(
  transaction: Queryable,
  { id, pushed }: Pick<Pushed, 'id' | 'pushed'>,
): Promise<void> {
  for (const name of pushed) await transaction.query(sql`delete from ${shardQueue(id, name)}`)
}

export async function dropQueues(transaction: Queryable, definition: Pushed): Promise<void> {
  if (definition.pushed.length === 0) return
  await transaction.query(sql`delete from freshet.shard_queue where stream_table_id = ${definition.id}`)
  for (const name of definition.pushed)
    await transaction.query(sql`drop table if exists ${shardQueue(definition.id, name)}`)
  await transaction.query(sql`drop table if exists ${scratchOf(definition)}`)
}
