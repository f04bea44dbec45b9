import { type Database, identifier, sql } from '@freshet/core'
import type { Message } from '../message.ts'
import { inboxOf } from './inbox.ts'

/** A message for which the handler failed too often, or that could not be put in as it was. */
export interface DeadMessage extends Message {
  readonly error: string | null
  readonly attempts: number
  readonly diedAt: Date
}

/** In the order in which they came; `revive` has them tried again. */
export async function listDead(database: Database, name: string): Promise<readonly DeadMessage[]> {
  const { schema, table } = await inboxOf(database, name)
  return database.query<DeadMessage>(
    sql`select event_id as id, topic, key, headers, value, error, attempts, dead_at as "diedAt"
      from ${identifier(schema, table)} i where dead_at is not null order by i.id`,
  )
}
