import { type Database, identifier, isFreshetError, type Queryable, raw, sql, toFreshetError } from '@freshet/core'
import { pauseMs } from '../backoff.ts'
import type { Message } from '../message.ts'
import { pause } from '../pause.ts'
import { type Inbox, inboxOf } from './inbox.ts'

/**
 * Takes messages from an inbox, each in a transaction of its own that also marks it as processed: what the handler writes
 * through that transaction happens exactly once, or not at all.
 *
 * A message waits for the earlier ones of its key. One that the handler fails for is tried again after growing pauses, and
 * those of its key with it; after so many attempts it is dead, and its key goes on. Any number of processes may consume.
 */
export interface InboxOptions {
  /** Messages at a time. Default 4. */
  readonly concurrency?: number
  /** After so many a message is dead. Default 10. */
  readonly attempts?: number
  /** Pause while nothing comes. Default 100 ms. */
  readonly pollMs?: number
  /** Called for each failure. */
  readonly onFailure?: (failure: InboxFailure) => void
}

export interface InboxFailure {
  readonly message: Message
  readonly error: Error
  readonly dead: boolean
}

export type Handler = (message: Message, transaction: Queryable) => Promise<void>

export interface InboxConsumer {
  /** Ends when it is stopped; throws what ended it otherwise. */
  readonly ended: Promise<void>
  /** Finishes what is under way. */
  stop(): Promise<void>
}

export async function consumeInbox(
  database: Database,
  name: string,
  handler: Handler,
  options: InboxOptions = {},
): Promise<InboxConsumer> {
  const inbox = await inboxOf(database, name)
  const ending = new AbortController()
  const workers = Array.from({ length: options.concurrency ?? 4 }, () =>
    work({ database, inbox, handler, options, signal: ending.signal }),
  )
  const ended = Promise.all(workers).then(() => undefined)
  // one that fails ends the others
  ended.catch(() => ending.abort())
  return {
    ended,
    stop: async () => {
      ending.abort()
      await ended
    },
  }
}

interface Work {
  readonly database: Database
  readonly inbox: Inbox
  readonly handler: Handler
  readonly options: InboxOptions
  readonly signal: AbortSignal
}

async function work(one: Work): Promise<void> {
  const { options, signal } = one
  for (let failures = 0; !signal.aborted;) {
    try {
      const taken = await takeOne(one)
      failures = 0
      if (!taken) await pause(options.pollMs ?? 100, signal)
    } catch (error) {
      if (!isFreshetError(error) || (error.retry !== 'reconnect' && error.retry !== 'retry')) throw error
      await pause(pauseMs(++failures, Math.random()), signal)
    }
  }
}

/** Whether there was a message. What a handler that fails has written is undone, and that it failed is noted, under one lock. */
async function takeOne({ database, inbox, handler, options }: Work): Promise<boolean> {
  return database.transaction(async (transaction) => {
    const taken = await lockNext(transaction, inbox)
    if (taken === null) return false
    await transaction.query(raw('savepoint freshet_handler'))
    try {
      await handler(taken.message, transaction)
      // what is checked at the commit is the handler's, too
      await transaction.query(raw('set constraints all immediate'))
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown))
      await transaction.query(raw('rollback to savepoint freshet_handler'))
      await recordFailure(transaction, inbox, taken, error, options)
      return true
    }
    await transaction.query(
      sql`update ${identifier(inbox.schema, inbox.table)} set processed_at = clock_timestamp(), error = null where id = ${taken.id}::bigint`,
      { prepared: true },
    )
    return true
  })
}

interface Taken {
  readonly id: string
  readonly attempts: number
  readonly message: Message
}

/** The first that may be tried now, and that no earlier one of its key waits before. */
async function lockNext(transaction: Queryable, { schema, table }: Inbox): Promise<Taken | null> {
  const inbox = identifier(schema, table)
  const [found] = await transaction.query<{ id: string; attempts: number; event: string } & Omit<Message, 'id'>>(
    sql`select i.id, i.attempts, i.event_id as event, i.topic, i.key, i.headers, i.value from ${inbox} i
      where i.processed_at is null and i.dead_at is null and i.next_at <= clock_timestamp()
        and not exists (
          select from ${inbox} e where e.key = i.key and e.id < i.id and e.processed_at is null and e.dead_at is null
        )
      order by i.id limit 1 for update skip locked`,
    { prepared: true },
  )
  if (found === undefined) return null
  const { id, attempts, event, ...rest } = found
  return { id, attempts, message: { id: event, ...rest } }
}

async function recordFailure(
  transaction: Queryable,
  { schema, table }: Inbox,
  { id, attempts, message }: Taken,
  error: Error,
  { attempts: most = 10, onFailure }: InboxOptions,
): Promise<void> {
  const dead = attempts + 1 >= most
  await transaction.query(sql`
    update ${identifier(schema, table)} set attempts = attempts + 1, error = ${toFreshetError(error).message},
      next_at = clock_timestamp() + ${pauseMs(attempts + 1, Math.random())}::float8 * interval '1 millisecond',
      dead_at = case when ${dead} then clock_timestamp() end
    where id = ${id}::bigint`)
  onFailure?.({ message, error, dead })
}

/** The dead are tried again, all of them or these event ids. Returns how many. */
export async function revive(database: Database, name: string, eventIds: readonly string[] | null): Promise<number> {
  const { schema, table } = await inboxOf(database, name)
  const revived = await database.query(sql`
    update ${identifier(schema, table)} set dead_at = null, attempts = 0, next_at = clock_timestamp()
    where dead_at is not null and (${eventIds}::text[] is null or event_id = any(${eventIds}::text[])) returning 1`)
  return revived.length
}
