import type { Message } from '../message.ts'
import { EVENT_ID_HEADER } from '../sinks/kafka/event-id.ts'

/**
 * A record of Kafka as a message of an inbox. Its event id is what the relay has given it; of a record that somebody else wrote,
 * it is its place in the topic with its time, because a topic that is made again counts from the beginning.
 *
 * Keys and headers of Kafka are bytes, of an inbox text. What is no text can not be put there as it is: such a record is dead on
 * arrival, without its key, so that a person sees it and the others go on.
 */
export interface KafkaRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, HeaderValue | undefined>>
}

type HeaderValue = Buffer | string | readonly (Buffer | string)[]

export type Arrived = { readonly message: Message; readonly fault: string | null }

export function arrived({ topic, partition, offset, timestamp, key, value, headers = {} }: KafkaRecord): Arrived {
  const place = `${topic}-${partition}-${offset}-${timestamp}`
  try {
    const texts = Object.entries(headers).flatMap(([name, found]) => {
      const last = found === undefined || typeof found === 'string' || Buffer.isBuffer(found) ? found : found.at(-1)
      return last === undefined ? [] : [[textOf(name), textOf(last)] as const]
    })
    const { [EVENT_ID_HEADER]: id = place, ...rest } = Object.fromEntries(texts)
    return { message: { id, topic, key: key === null ? null : textOf(key), headers: rest, value }, fault: null }
  } catch (error) {
    if (!(error instanceof NoText)) throw error
    return {
      message: { id: place, topic, key: null, headers: {}, value },
      fault: `partition ${partition}, offset ${offset}: its key or a header is no text of PostgreSQL's`,
    }
  }
}

class NoText extends Error {}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 without the character 0, which PostgreSQL does not have. */
function textOf(found: Buffer | string): string {
  const text = typeof found === 'string' ? found : decoded(found)
  if (text.includes('\0')) throw new NoText()
  return text
}

function decoded(bytes: Buffer): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new NoText('not UTF-8', { cause })
  }
}
