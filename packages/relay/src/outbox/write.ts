import { displayName, identifier, join, parseName, sql, type Sql } from '@freshet/core'
import type { PayloadType } from './outbox.ts'

/**
 * Writing into an outbox, with whatever the application's own transaction is made of. The helper makes a statement and
 * never a transaction: what it writes is relayed if that commits, and never was if it does not.
 */
export interface OutgoingMessage<Payload = unknown> {
  readonly topic: string
  /** Messages of one key arrive in the order in which their transactions committed. */
  readonly key?: string | null
  readonly headers?: Readonly<Record<string, string>>
  /** Null is a tombstone: the key has no value any more. */
  readonly payload: Payload | null
}

/** What the driver `pg` has: a client, or a pool's client in a transaction. */
export interface PgQueryable {
  query(statement: { readonly text: string; readonly values: unknown[] }): Promise<unknown>
}

/** What kysely has: a transaction, or a database. */
export interface KyselyExecutor {
  executeQuery(query: {
    readonly sql: string
    readonly parameters: readonly unknown[]
    readonly query: { readonly kind: 'RawNode'; readonly sqlFragments: readonly string[]; readonly parameters: [] }
    readonly queryId: { readonly queryId: string }
  }): Promise<unknown>
}

export interface OutboxWriter<Payload> {
  /** The statement itself, for every other driver. */
  statement(messages: readonly OutgoingMessage<Payload>[]): Sql
  send(executor: PgQueryable | KyselyExecutor, ...messages: readonly OutgoingMessage<Payload>[]): Promise<void>
}

/** Of an outbox with jsonb payloads. Numbers that JavaScript can not hold are given as text, or in a statement of one's own. */
export function outboxWriter<Payload = unknown>(name: string): OutboxWriter<Payload> {
  return writer<Payload>(name, 'jsonb', (payload) => JSON.stringify(payload))
}

/** Of an outbox with bytea payloads. */
export function binaryOutboxWriter(name: string): OutboxWriter<Uint8Array> {
  return writer<Uint8Array>(name, 'bytea', (payload) => Buffer.from(payload))
}

function writer<Payload>(name: string, type: PayloadType, print: (payload: Payload) => unknown): OutboxWriter<Payload> {
  const { schema, table } = parseName(name)
  const target = schema === null ? identifier(table) : identifier(schema, table)
  const statement = (messages: readonly OutgoingMessage<Payload>[]): Sql => {
    if (messages.length === 0) throw new RangeError(`nothing to write into ${nameOf(schema, table)}`)
    const rows = messages.map(
      ({ topic, key = null, headers = {}, payload }) =>
        sql`(${topic}::text, ${key}::text, ${JSON.stringify(headers)}::jsonb, ${payload === null ? null : print(payload)}::${identifier(type)})`,
    )
    return sql`insert into ${target} (topic, key, headers, payload) values ${join(rows)}`
  }
  return {
    statement,
    send: async (executor, ...messages) => {
      if (messages.length === 0) return
      const { text, values } = statement(messages)
      if ('executeQuery' in executor)
        await executor.executeQuery({
          sql: text,
          parameters: values,
          query: { kind: 'RawNode', sqlFragments: [text], parameters: [] },
          queryId: { queryId: `freshet-outbox-${nameOf(schema, table)}` },
        })
      else await executor.query({ text, values: [...values] })
    },
  }
}

function nameOf(schema: string | null, table: string): string {
  return schema === null ? table : displayName({ schema, table })
}
