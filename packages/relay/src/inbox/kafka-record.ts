import type { Batch, IHeaders, KafkaMessage } from 'kafkajs'
import type { Message } from '../message.ts'
import { EVENT_ID_HEADER } from '../sinks/kafka/kafka.ts'

/**
 * A record of Kafka as a message. Kafka has bytes where PostgreSQL has text: what is text stays as it is, anything else
 * becomes `base64,…`, and the header `freshet-base64` names what did. So no record is one that an inbox can not take, and
 * records of one key stay of one key.
 *
 * A record of somebody else has no event id; it gets one of where it lies and when it came, which is another one in a topic
 * that was deleted and made again.
 */
export function received(
  { topic, partition }: Pick<Batch, 'topic' | 'partition'>,
  { key, value, headers = {}, offset, timestamp }: KafkaMessage,
): Message {
  const { [EVENT_ID_HEADER]: id, ...rest } = headers
  const coded: string[] = []
  const text = (name: string, bytes: Buffer | string): string => {
    const plain = typeof bytes === 'string' ? bytes : plainText(bytes)
    if (plain !== null && !plain.includes('\0')) return plain
    coded.push(name)
    return `base64,${Buffer.from(bytes).toString('base64')}`
  }
  const keyText = key === null ? null : text('key', key)
  const texts = Object.entries(rest).map(
    ([name, content]) => [name.replaceAll('\0', '%00'), header(name, content, text)] as const,
  )
  return {
    id: id === undefined ? `${topic}-${partition}-${offset}-${timestamp}` : header(EVENT_ID_HEADER, id, text),
    topic,
    key: keyText,
    headers: { ...Object.fromEntries(texts), ...(coded.length === 0 ? {} : { [CODED_HEADER]: coded.join(',') }) },
    value,
  }
}

/** Names, with commas in between, of headers (and `key`) that are no text. */
const CODED_HEADER = 'freshet-base64'

/** A header that stands there several times becomes a list, as JSON. */
function header(
  name: string,
  content: IHeaders[string],
  text: (name: string, bytes: Buffer | string) => string,
): string {
  if (content === undefined) return ''
  return Array.isArray(content) ? JSON.stringify(content.map((one) => text(name, one))) : text(name, content)
}

/** Null: it is no UTF-8. */
function plainText(bytes: Buffer): string | null {
  try {
    return UTF8.decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return null
    throw error
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
