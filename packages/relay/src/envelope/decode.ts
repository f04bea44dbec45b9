import { FreshetError } from '@freshet/core'
import { isLosslessNumber, parse, stringify } from 'lossless-json'
import { z } from 'zod'
import { jsonText, type JsonText, type RelayEvent } from '../event.ts'
import { ENVELOPE_VERSION } from './freshet.ts'

/**
 * Reads Freshet's own envelope. What is not one is refused, and so is one of a later version: a reader that guessed would
 * pass by what it does not know.
 */
export function decodeEnvelope(value: Uint8Array | string): RelayEvent {
  const text = typeof value === 'string' ? value : Buffer.from(value).toString('utf8')
  const document = readJson(text)
  const version = versionOf(document)
  if (version > ENVELOPE_VERSION)
    throw new FreshetError(
      'ENVELOPE_NEWER',
      `the envelope has version ${version}, and this program knows ${ENVELOPE_VERSION}`,
    )
  const parsed = envelope.safeParse(document)
  if (!parsed.success)
    throw new FreshetError('ENVELOPE_INVALID', 'the value is not an envelope', {
      detail: z.prettifyError(parsed.error),
    })
  const { v: _version, database, schema, table, ...rest } = parsed.data
  const base = { ...rest, origin: { database, schema, table } }
  if (base.kind === 'change') return { ...base, before: textOf(base.before), after: textOf(base.after) }
  const { payload, payload64, ...message } = base
  if (payload64 !== undefined) return { ...message, payload: Buffer.from(payload64, 'base64') }
  if (payload === undefined) throw new FreshetError('ENVELOPE_INVALID', 'the envelope of a message has no payload')
  return { ...message, payload: textOf(payload) }
}

const common = {
  v: z.literal(ENVELOPE_VERSION),
  id: z.string().min(1),
  database: z.string(),
  schema: z.string(),
  table: z.string(),
  topic: z.string(),
  key: z.string().nullable(),
  headers: z.record(z.string(), z.string()),
  at: z.string(),
}
const row = z.record(z.string(), z.unknown()).nullable()
const envelope = z.discriminatedUnion('kind', [
  z.strictObject({
    ...common,
    kind: z.literal('message'),
    payload: z.unknown().optional(),
    payload64: z.base64().optional(),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('change'),
    op: z.enum(['read', 'insert', 'update', 'delete']),
    before: row,
    after: row,
  }),
])

/** The version alone, before anything else is looked at. */
function versionOf(document: unknown): number {
  const v = typeof document === 'object' && document !== null ? (Reflect.get(document, 'v') as unknown) : undefined
  if (typeof v === 'number') return v
  throw new FreshetError('ENVELOPE_INVALID', 'the value says no version of an envelope')
}

/** Numbers of the envelope itself are numbers; those of payloads and rows stay as they were written. */
function readJson(text: string): unknown {
  let document: unknown
  try {
    document = parse(text)
  } catch (cause) {
    throw new FreshetError('ENVELOPE_INVALID', 'the value is not JSON', { cause })
  }
  if (typeof document !== 'object' || document === null || !('v' in document)) return document
  return { ...document, v: isLosslessNumber(document.v) ? Number(document.v.value) : document.v }
}

function textOf(value: unknown): JsonText | null {
  if (value === null || value === undefined) return null
  const text = stringify(value)
  if (text === undefined) throw new FreshetError('ENVELOPE_INVALID', 'a value has no text')
  return jsonText(text)
}
