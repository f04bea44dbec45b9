import { FreshetError } from '@freshet/core'
import type { Message } from '../message.ts'

/**
 * Sends messages to a server that acknowledges each by itself: of a key one after the other, of different keys side by side.
 *
 * Were the next one of a key under way before the one before it is acknowledged, the server might take it alone. When both
 * come again, who ignores doubles has them in the wrong order for good, and so does a server that drops them.
 */
export async function inKeyOrder(
  messages: readonly Message[],
  send: (message: Message) => Promise<void>,
): Promise<void> {
  const ends = new Map<string, Promise<void>>()
  let failed = false
  const sendNext = async (message: Message) => {
    if (failed) throw new FreshetError('SINK_UNAVAILABLE', 'a message before it was not delivered')
    await send(message)
  }
  const all = messages.map((message) => {
    const place = message.key === null ? null : JSON.stringify([message.topic, message.key])
    const before = place === null ? undefined : ends.get(place)
    const sent = before === undefined ? sendNext(message) : before.then(() => sendNext(message))
    if (place !== null) ends.set(place, sent)
    return sent.catch((error: unknown) => {
      if (failed) return // the first failure is the one to tell
      failed = true
      throw error
    })
  })
  const ended = await Promise.allSettled(all)
  for (const result of ended) if (result.status === 'rejected') throw result.reason
}
