/** An event as a sink gets it: encoded, addressed, and with an id by which who has seen it knows it again. */
export interface Message {
  readonly id: string
  readonly topic: string
  readonly key: string | null
  readonly headers: Readonly<Record<string, string>>
  /** Null: a tombstone. */
  readonly value: Buffer | null
}
