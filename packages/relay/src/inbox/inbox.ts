import {
  type Database,
  displayName,
  FreshetError,
  identifier,
  literal,
  parseName,
  type Queryable,
  raw,
  sql,
} from '@freshet/core'
import type { Message } from '../message.ts'

/**
 * An inbox: a table into which messages are put as they come, each once by its event id, and from which a program takes them
 * (`consume.ts`). It is an ordinary table of any database; Freshet's schemas need not be there.
 */
export interface Inbox {
  readonly schema: string
  readonly table: string
}

/** Creates the table unless it is there. */
export async function createInbox(database: Database, name: string): Promise<Inbox> {
  const inbox = await inboxOf(database, name)
  const table = identifier(inbox.schema, inbox.table)
  await database.transaction(async (transaction) => {
    await transaction.query(sql`select pg_advisory_xact_lock(hashtextextended(${displayName(inbox)}, 7))`)
    const [there] = await transaction.query<{ there: boolean }>(
      sql`select to_regclass(${table.text}) is not null as there`,
    )
    if (there?.there === true) return
    await transaction.query(sql`create table ${table} (
      id bigint generated always as identity (cache 1) primary key,
      event_id text not null unique,
      topic text not null,
      key text,
      headers jsonb not null,
      value bytea,
      received_at timestamptz not null default clock_timestamp(),
      attempts int not null default 0,
      next_at timestamptz not null default clock_timestamp(),
      error text,
      processed_at timestamptz,
      dead_at timestamptz
    )`)
    const open = sql`where processed_at is null and dead_at is null`
    await transaction.query(sql`create index on ${table} (id) ${open}`)
    await transaction.query(sql`create index on ${table} (key, id) ${open}`)
    await transaction.query(
      sql`comment on table ${table} is ${literal('An inbox of Freshet: messages that came, each once by its event_id, until they are processed.')}`,
    )
  })
  return inbox
}

export async function inboxOf(queryable: Queryable, name: string): Promise<Inbox> {
  const { schema, table } = parseName(name)
  if (schema !== null) return { schema, table }
  const [current] = await queryable.query<{ schema: string | null }>(sql`select current_schema() as schema`)
  if (typeof current?.schema === 'string') return { schema: current.schema, table }
  throw new FreshetError('INVALID_NAME', `no schema is known for ${name}`, { hint: 'Write schema.table.' })
}

/** Puts messages in, in their order; those that are there already are passed over. Returns how many were new. */
export async function receive(
  queryable: Queryable,
  { schema, table }: Inbox,
  messages: readonly Message[],
): Promise<number> {
  if (messages.length === 0) return 0
  const added = await queryable.query(
    sql`insert into ${identifier(schema, table)} (event_id, topic, key, headers, value)
      select m.id, m.topic, m.key, m.headers::jsonb, m.value
      from unnest(
        ${messages.map(({ id }) => id)}::text[], ${messages.map(({ topic }) => topic)}::text[],
        ${messages.map(({ key }) => key)}::text[], ${messages.map(({ headers }) => JSON.stringify(headers))}::text[],
        ${messages.map(({ value }) => value)}::bytea[]
      ) with ordinality m (id, topic, key, headers, value, place)
      order by m.place
      on conflict (event_id) do nothing returning 1`,
    { prepared: true },
  )
  return added.length
}

/**
 * The same in a transaction of its own, on the disk when it resolves, whatever the server usually does: who sent them may forget
 * them then. Those that have a fault are dead on arrival. Returns how many were new.
 */
export async function receiveDurably(
  database: Database,
  inbox: Inbox,
  arrivals: readonly { readonly message: Message; readonly fault: string | null }[],
): Promise<number> {
  return database.transaction(async (transaction) => {
    await transaction.query(raw(`select set_config('synchronous_commit', 'on', true)`))
    let added = 0
    for (let at = 0; at < arrivals.length;) {
      const fault = arrivals[at]?.fault ?? null
      const end = arrivals.findIndex((one, i) => i > at && (fault !== null || one.fault !== null))
      const part = arrivals.slice(at, end === -1 ? undefined : end)
      const messages = part.map(({ message }) => message)
      added +=
        fault === null ? await receive(transaction, inbox, messages) : await bury(transaction, inbox, messages, fault)
      at += part.length
    }
    return added
  })
}

async function bury(
  transaction: Queryable,
  { schema, table }: Inbox,
  messages: readonly Message[],
  fault: string,
): Promise<number> {
  let added = 0
  for (const { id, topic, key, headers, value } of messages) {
    const rows = await transaction.query(sql`
      insert into ${identifier(schema, table)} (event_id, topic, key, headers, value, error, dead_at)
      values (${id}, ${topic}, ${key}, ${JSON.stringify(headers)}::jsonb, ${value}, ${fault}, clock_timestamp())
      on conflict (event_id) do nothing returning 1`)
    added += rows.length
  }
  return added
}
