import { FreshetError } from '@freshet/core'
import { z } from 'zod'
import type { RelayEvent } from '../event.ts'
import { ENVELOPE_VERSION } from './freshet.ts'
import { checked, member, readJson, requireVersion, rowOrNull, textOf } from './reading.ts'

/** Reads Freshet's own envelope. What is not one is refused, and so is one of a later version. */
export function decodeEnvelope(value: Uint8Array | string): RelayEvent {
  const document = readJson(value)
  requireVersion(member(document, 'v'), ENVELOPE_VERSION)
  const { v: _version, database, schema, table, ...rest } = checked(envelope, document)
  const base = { ...rest, origin: { database, schema, table } }
  if (base.kind === 'change') return { ...base, before: textOf(base.before), after: textOf(base.after) }
  const { payload, payload64, ...message } = base
  if (payload64 !== undefined) return { ...message, payload: Buffer.from(payload64, 'base64') }
  if (payload === undefined) throw new FreshetError('ENVELOPE_INVALID', 'the envelope of a message has no payload')
  return { ...message, payload: textOf(payload) }
}

const common = {
  v: z.unknown(),
  id: z.string().min(1),
  database: z.string(),
  schema: z.string(),
  table: z.string(),
  topic: z.string(),
  key: z.string().nullable(),
  headers: z.record(z.string(), z.string()),
  at: z.string(),
}
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
    before: rowOrNull,
    after: rowOrNull,
  }),
])
