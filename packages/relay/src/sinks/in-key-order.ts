import type { Message } from '../message.ts'
import { RefusedMessage } from '../refused-message.ts'

/**
 * Sends messages to a server that acknowledges each by itself: of a key one after the other, of different keys side by side.
 *
 * Were the next one of a key under way before the one before it is acknowledged, the server might take it alone. When both
 * come again, who ignores doubles has them in the wrong order for good, and so does a server that drops them.
 *
 * After a failure nothing more is sent, and when nothing is under way any more it is told: that the server is away before
 * that it refused a message, and of two of a kind the first.
 */
export interface KeyOrder {
  /** How many may be under way. Default: one of each key. */
  readonly most?: number
  /** What has an order: the same key of the same topic, unless it says otherwise. Null: the message is by itself. */
  readonly placeOf?: (message: Message) => string | null
}

export async function inKeyOrder(
  messages: readonly Message[],
  send: (message: Message) => Promise<void>,
  { most = Number.POSITIVE_INFINITY, placeOf = topicAndKey }: KeyOrder = {},
): Promise<void> {
  const chains = chainsOf(messages, placeOf)
  const failures: unknown[] = []
  let next = 0
  const work = async () => {
    for (let chain = chains[next++]; chain !== undefined; chain = chains[next++])
      for (const message of chain) {
        if (failures.length > 0) return
        await send(message).catch((error: unknown) => void failures.push(error))
      }
  }
  await Promise.all(Array.from({ length: Math.min(most, chains.length) }, work))
  if (failures.length > 0) throw failures.find((error) => !(error instanceof RefusedMessage)) ?? failures[0]
}

function topicAndKey({ topic, key }: Message): string | null {
  return key === null ? null : JSON.stringify([topic, key])
}

/** Those of a place, in their order. */
function chainsOf(
  messages: readonly Message[],
  placeOf: (message: Message) => string | null,
): readonly (readonly Message[])[] {
  const chains: Message[][] = []
  const known = new Map<string, Message[]>()
  for (const message of messages) {
    const place = placeOf(message)
    const before = place === null ? undefined : known.get(place)
    if (before !== undefined) {
      before.push(message)
      continue
    }
    const chain = [message]
    chains.push(chain)
    if (place !== null) known.set(place, chain)
  }
  return chains
}
