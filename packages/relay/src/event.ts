/**
 * What is relayed: an application's message, or a change of a stream table's row. Values are JSON text as the server printed
 * it, and are never taken apart on the way: no digit of a number and no microsecond is lost.
 */
export type RelayEvent = MessageEvent | ChangeEvent

interface EventBase {
  /** The same each time the event is read: who has seen it may ignore another one of this id. */
  readonly id: string
  readonly origin: Origin
  readonly topic: string
  readonly key: string | null
  readonly headers: Readonly<Record<string, string>>
  /** ISO 8601 with microseconds: when it was written into the outbox, or when the change was read. */
  readonly at: string
}

/** Where it comes from: an outbox or a stream table of a database. */
export interface Origin {
  readonly database: string
  readonly schema: string
  readonly table: string
}

export interface MessageEvent extends EventBase {
  readonly kind: 'message'
  /** Null: a tombstone. */
  readonly payload: JsonText | Uint8Array | null
}

export interface ChangeEvent extends EventBase {
  readonly kind: 'change'
  /** `read`: the row was there when the relay began. */
  readonly op: ChangeOp
  readonly before: JsonText | null
  readonly after: JsonText | null
}

export type ChangeOp = 'read' | 'insert' | 'update' | 'delete'

/** Text that is one JSON value. */
export interface JsonText {
  readonly json: string
}

export function jsonText(json: string): JsonText {
  return { json }
}
