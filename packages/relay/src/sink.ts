import type { Message } from './message.ts'

/**
 * The port to where messages go. One suite (`sinks/sink-conformance.fixture.ts`) holds every sink to this contract:
 *
 * - `deliver` resolves when the messages are durably there, in their order for each key, and never before.
 * - When it throws, some of its messages may be there. They come again, with the same ids.
 * - `exactly once`: the sink itself keeps the position, and shows messages only together with the one they lead to. What was
 *   given without a position (null) waits for it. After a crash `open` answers with the last position that it shows, and
 *   from then on whoever delivered before can deliver nothing any more.
 * - `at least once`: the position is kept elsewhere, and `open` answers null. Doubles are known by their ids.
 *
 * Errors are FreshetErrors: SINK_UNAVAILABLE is waited for, SINK_FENCED ends this relay's work in favour of another one's,
 * SINK_REFUSED needs a person, and a `RefusedMessage` is about one message, which the sink will never take.
 */
export interface Sink {
  readonly guarantee: Guarantee
  /** Connects; checks that what it needs is there; answers where it stands. Called once. */
  open(): Promise<string | null>
  deliver(messages: readonly Message[], position: string | null): Promise<void>
  /** Lets go of everything. What was not delivered is not. */
  close(): Promise<void>
}

export type Guarantee = 'exactly once' | 'at least once'
