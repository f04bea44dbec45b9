import type { RelayEvent } from './event.ts'

/**
 * The port to what is relayed: pages of events in the order in which they are to be delivered, each with the position that
 * is reached when everything up to its end was delivered.
 *
 *   pages(p) after a crash = pages(p) before it, from the position that was reached, with the same ids
 */
export interface SourcePage {
  readonly events: readonly RelayEvent[]
  /** Null: it must become visible together with what follows, where the sink can do that. */
  readonly position: string | null
  /** The next page is there already, as far as is known: it is worth asking for while this one is delivered. */
  readonly more: boolean
}

export interface Source {
  /** Ends when the signal does. Nothing is read ahead of who asks, but one page. */
  pages(position: string, signal: AbortSignal): AsyncIterable<SourcePage>
  /** Everything up to the position was delivered, and is recorded so. */
  delivered(position: string): void
}
