import { type Database, FreshetError, type Queryable, sql } from '@freshet/core'
import type { Message } from './message.ts'
import type { RefusedMessage } from './refused-message.ts'

/**
 * Messages that a sink will never take, put aside so that the others can go on: kept in the database, passed over by the
 * relay, shown to a person, and delivered again when that person asks for it.
 */
export interface DeadLetter extends Message {
  readonly consumer: string
  readonly letter: string
  readonly error: string
  readonly diedAt: Date
  /** Whether somebody asked for it to be delivered again. */
  readonly requested: boolean
}

export async function bury(
  transaction: Queryable,
  consumer: string,
  { refused, code, message }: RefusedMessage,
): Promise<void> {
  await transaction.query(sql`
    insert into freshet.dead_letter (consumer, event_id, topic, key, headers, value, code, error)
    values (${consumer}, ${refused.id}, ${refused.topic}, ${refused.key}, ${JSON.stringify(refused.headers)}::jsonb,
      ${refused.value}, ${code}, ${message})
    on conflict (consumer, event_id) do update set error = excluded.error, died_at = clock_timestamp(), requested_at = null`)
}

/** Their ids: the relay passes them over. */
export async function buried(queryable: Queryable, consumer: string): Promise<Set<string>> {
  const found = await queryable.query<{ id: string }>(
    sql`select event_id as id from freshet.dead_letter where consumer = ${consumer}`,
  )
  return new Set(found.map(({ id }) => id))
}

export async function listDeadLetters(queryable: Queryable, consumer: string | null): Promise<readonly DeadLetter[]> {
  return queryable.query<DeadLetter>(sql`
    select dead_letter_id::text as letter, consumer, event_id as id, topic, key, headers, value, error,
      died_at as "diedAt", requested_at is not null as requested
    from freshet.dead_letter where ${consumer}::text is null or consumer = ${consumer} order by dead_letter_id`)
}

/** Those that somebody asked for. */
export async function requestedLetters(queryable: Queryable, consumer: string): Promise<readonly DeadLetter[]> {
  const letters = await listDeadLetters(queryable, consumer)
  return letters.filter(({ requested }) => requested)
}

/** Asks whoever relays for them; all of a consumer, or these. Returns how many there are. */
export async function requestLetters(
  database: Database,
  consumer: string,
  letters: readonly string[] | null,
): Promise<number> {
  const asked = await database.query(sql`
    update freshet.dead_letter set requested_at = clock_timestamp()
    where consumer = ${consumer} and (${letters}::bigint[] is null or dead_letter_id = any(${letters}::bigint[]))
    returning 1`)
  if (asked.length === 0) throw new FreshetError('USAGE', `${consumer} has no such dead letters`)
  return asked.length
}

/** They were delivered. */
export async function removeLetters(queryable: Queryable, letters: readonly DeadLetter[]): Promise<void> {
  await queryable.query(
    sql`delete from freshet.dead_letter where dead_letter_id = any(${letters.map(({ letter }) => letter)}::bigint[])`,
  )
}
