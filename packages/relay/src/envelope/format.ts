import type { RelayEvent } from '../event.ts'

/**
 * How an event is written into a message's value. Writing is done by putting texts together, so that JSON which came from
 * the server goes out as it is; reading (`read.ts`) checks, and keeps numbers as they were written.
 */
export interface Format {
  readonly contentType: string
  /** Null: a tombstone. */
  encode(event: RelayEvent): string | Uint8Array | null
}
