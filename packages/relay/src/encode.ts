import { toFreshetError } from '@freshet/core'
import type { Format } from './envelope/format.ts'
import type { RelayEvent } from './event.ts'
import type { Message } from './message.ts'
import { RefusedMessage } from './refused-message.ts'
import { type Route, routed } from './route.ts'

/**
 * A person's own code between source and sink: may change an event, make several of it, or none. It must give the same
 * answer each time, because an event may be read again.
 */
export type Transform = (
  event: RelayEvent,
) => RelayEvent | readonly RelayEvent[] | null | Promise<RelayEvent | readonly RelayEvent[] | null>

export interface Encoding {
  readonly format: Format
  readonly route: Route
  readonly transform: Transform | null
}

export async function encoded(events: readonly RelayEvent[], encoding: Encoding): Promise<readonly Message[]> {
  const { transform } = encoding
  if (transform === null) return events.map((event) => messageOf(event, encoding))
  const messages: Message[] = []
  for (const event of events)
    for (const changed of await transformed(event, transform, encoding)) messages.push(messageOf(changed, encoding))
  return messages
}

/** Of several that are made of one, each has an id of its own. */
async function transformed(
  event: RelayEvent,
  transform: Transform,
  encoding: Encoding,
): Promise<readonly RelayEvent[]> {
  try {
    const answer = await transform(event)
    if (answer === null) return []
    const all: readonly RelayEvent[] = Array.isArray(answer) ? answer : [answer]
    return all.map((one, i) => ({ ...one, id: all.length === 1 ? event.id : `${event.id}.${i}` }))
  } catch (error) {
    throw new RefusedMessage(
      messageOf(event, encoding),
      `its transform failed: ${toFreshetError(error).message}`,
      error,
    )
  }
}

function messageOf(event: RelayEvent, { format, route }: Encoding): Message {
  const value = format.encode(event)
  const contentType = value instanceof Uint8Array ? 'application/octet-stream' : format.contentType
  return {
    id: event.id,
    ...routed(event, route),
    headers: value === null ? event.headers : { ...event.headers, 'content-type': contentType },
    value: value === null ? null : Buffer.from(value),
  }
}
