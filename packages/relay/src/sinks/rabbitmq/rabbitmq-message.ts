import type { Options } from 'amqplib'
import type { Message } from '../../message.ts'
import { ofMessage } from '../../message-template.ts'
import { RefusedMessage } from '../../refused-message.ts'

/**
 * A message as RabbitMQ has it: the id is its `message_id`, and it is written to the disk. AMQP has no empty value beside none,
 * so a tombstone says that it is one. What would not arrive as it is, is refused; so is what would tell the server to route
 * it elsewhere, too.
 */
export interface RabbitmqMessage {
  readonly exchange: string
  readonly routingKey: string
  readonly content: Buffer
  readonly properties: Options.Publish
}

/** Templates of what a message has. */
export interface RabbitmqAddress {
  readonly exchange: string
  readonly routingKey: string
}

export const KEY_HEADER = 'freshet-key'
export const TOMBSTONE_HEADER = 'freshet-tombstone'

export function rabbitmqMessage(message: Message, address: RabbitmqAddress, frameMax: number): RabbitmqMessage {
  const { id, key, headers, value } = message
  const exchange = ofMessage(address.exchange, message)
  const routingKey = ofMessage(address.routingKey, message)
  for (const [what, text] of Object.entries({ 'event id': id, exchange, 'routing key': routingKey }))
    if (Buffer.byteLength(text) > SHORT)
      throw new RefusedMessage(message, `its ${what} is longer than the ${SHORT} bytes that AMQP takes`)
  for (const name of Object.keys(headers))
    if (RESERVED.has(name) || Buffer.byteLength(name) > SHORT)
      throw new RefusedMessage(message, `RabbitMQ takes no header of the name ${JSON.stringify(name)}`)
  const { 'content-type': contentType } = headers
  const told = {
    ...headers,
    ...(key === null ? {} : { [KEY_HEADER]: key }),
    ...(value === null ? { [TOMBSTONE_HEADER]: 'true' } : {}),
  }
  if (sizeOf(told) + OVERHEAD > Math.min(frameMax, LIBRARY_TABLE))
    throw new RefusedMessage(message, 'its headers are larger than a frame takes')
  return {
    exchange,
    routingKey,
    content: value ?? Buffer.alloc(0),
    properties: {
      messageId: id,
      headers: told,
      persistent: true,
      mandatory: true,
      appId: 'freshet',
      ...(contentType === undefined || Buffer.byteLength(contentType) > SHORT ? {} : { contentType }),
    },
  }
}

/** AMQP's short strings. */
const SHORT = 255
/** `CC` and `BCC` are further routing keys. */
const RESERVED = new Set(['CC', 'BCC', KEY_HEADER, TOMBSTONE_HEADER])
/** What the library makes room for. */
const LIBRARY_TABLE = 65_536
/** The other properties, and the frame around them. */
const OVERHEAD = 1_024

/** Of each a short name, the type, the length. */
function sizeOf(headers: Readonly<Record<string, string>>): number {
  let size = 0
  for (const [name, text] of Object.entries(headers)) size += Buffer.byteLength(name) + Buffer.byteLength(text) + 6
  return size
}
