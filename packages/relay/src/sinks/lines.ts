import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import type { Message } from '../message.ts'

/** Messages as lines of JSON, for people and for files. A value that is not text is `value64`. */
export function printLine({ id, topic, key, headers, value }: Message): string {
  const content =
    value === null
      ? { value: null }
      : isUtf8(value)
        ? { value: value.toString() }
        : { value64: value.toString('base64') }
  return `${JSON.stringify({ id, topic, key, headers, ...content })}\n`
}

export function parseLine(text: string): Message {
  const { value, value64, ...message } = line.parse(JSON.parse(text))
  if (value64 !== undefined) return { ...message, value: Buffer.from(value64, 'base64') }
  return { ...message, value: value === null || value === undefined ? null : Buffer.from(value) }
}

const line = z.strictObject({
  id: z.string(),
  topic: z.string(),
  key: z.string().nullable(),
  headers: z.record(z.string(), z.string()),
  value: z.string().nullable().optional(),
  value64: z.base64().optional(),
})
