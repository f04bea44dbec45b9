import { FreshetError } from '@freshet/core'
import { isLosslessNumber, parse, stringify } from 'lossless-json'
import { z } from 'zod'
import { jsonText, type JsonText } from '../event.ts'

/** What the readers of all formats have in common: numbers stay as they were written, and mistakes have codes. */
export function readJson(value: Uint8Array | string): unknown {
  try {
    return parse(typeof value === 'string' ? value : Buffer.from(value).toString('utf8'))
  } catch (cause) {
    throw new FreshetError('ENVELOPE_INVALID', 'the value is not JSON', { cause })
  }
}

export function textOf(value: unknown): JsonText | null {
  return value === null || value === undefined ? null : printed(value)
}

export function printed(value: unknown): JsonText {
  const text = stringify(value)
  if (text === undefined) throw new FreshetError('ENVELOPE_INVALID', 'a value has no text')
  return jsonText(text)
}

/** As the schema says, or what is wrong with it. */
export function checked<T>(schema: z.ZodType<T>, document: unknown): T {
  const parsed = schema.safeParse(document)
  if (parsed.success) return parsed.data
  throw new FreshetError('ENVELOPE_INVALID', 'the value is not an envelope', { detail: z.prettifyError(parsed.error) })
}

/** A reader that guessed would pass by what it does not know. */
export function requireVersion(version: unknown, known: number): void {
  const number = isLosslessNumber(version) ? Number(version.value) : version
  if (typeof number !== 'number' || !Number.isInteger(number))
    throw new FreshetError('ENVELOPE_INVALID', 'the value says no version of an envelope')
  if (number > known)
    throw new FreshetError('ENVELOPE_NEWER', `the envelope has version ${number}, and this program knows ${known}`)
  if (number < known) throw new FreshetError('ENVELOPE_INVALID', `there never was a version ${number}`)
}

/** Of a document, before anything else is looked at. */
export function member(document: unknown, ...path: readonly string[]): unknown {
  let at = document
  for (const name of path) at = typeof at === 'object' && at !== null ? (Reflect.get(at, name) as unknown) : undefined
  return at
}

export const rowOrNull = z.record(z.string(), z.unknown()).nullable()
