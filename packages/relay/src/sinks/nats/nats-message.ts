import { headers, type MsgHdrs } from '@nats-io/transport-node'
import type { Message } from '../../message.ts'
import { RefusedMessage } from '../../refused-message.ts'

/**
 * A message as NATS has it: the topic is its subject, the id is `Nats-Msg-Id`, by which a stream knows doubles. NATS can not
 * tell an empty value from none, so a tombstone says that it is one. A message that would not arrive as it is, is refused; so
 * is one that would tell the server to do something else than store it.
 */
export interface NatsMessage {
  readonly subject: string
  readonly headers: MsgHdrs
  readonly payload: Buffer
}

/** The key, percent-encoded: headers hold no line breaks and no spaces at their ends. */
export const KEY_HEADER = 'freshet-key'
export const TOMBSTONE_HEADER = 'freshet-tombstone'
export const ID_HEADER = 'Nats-Msg-Id'

export function natsMessage(message: Message, largest: number): NatsMessage {
  const { topic, value } = message
  if (!SUBJECT.test(topic)) throw new RefusedMessage(message, `its topic ${JSON.stringify(topic)} is not a subject`)
  if (INTERNAL.test(topic)) throw new RefusedMessage(message, `the subject ${topic} belongs to the server`)
  const told = headers()
  for (const [name, text] of Object.entries(message.headers)) {
    if (!HEADER_NAME.test(name) || RESERVED.test(name))
      throw new RefusedMessage(message, `NATS takes no header of the name ${JSON.stringify(name)}`)
    if (/[\r\n]/.test(text) || text !== text.trim())
      throw new RefusedMessage(message, `NATS does not keep line breaks and outer spaces, as in its header ${name}`)
    told.set(name, text)
  }
  told.set(ID_HEADER, message.id)
  if (message.key !== null) told.set(KEY_HEADER, encodeURIComponent(message.key))
  if (value === null) told.set(TOMBSTONE_HEADER, 'true')
  const payload = value ?? Buffer.alloc(0)
  if (payload.byteLength + sizeOf(told) > largest)
    throw new RefusedMessage(message, 'it is larger than the server takes (max_payload)')
  return { subject: topic, headers: told, payload }
}

/** Words between dots; no wildcards. */
const SUBJECT = /^[^\s.*>]+(\.[^\s.*>]+)*$/
/** The server's interface, its accounts' events, and answers to requests. */
const INTERNAL = /^(\$|_INBOX\.)/
const HEADER_NAME = /^[!-9;-~]+$/
/** With these a stream is told what to expect, and even to remove what it has. */
const RESERVED = /^(nats-|freshet-key$|freshet-tombstone$)/i

/** `NATS/1.0`, a line for each header, an empty line. */
function sizeOf(told: MsgHdrs): number {
  let size = 12
  for (const [name, values] of told)
    for (const text of values) size += Buffer.byteLength(name) + Buffer.byteLength(text) + 4
  return size
}
