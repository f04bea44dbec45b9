import { isLosslessNumber } from 'lossless-json'
import { z } from 'zod'
import type { ChangeOp } from '../event.ts'
import { fromMicroseconds } from '../event-time.ts'
import type { Message } from '../message.ts'
import { CONNECTOR, DEBEZIUM_VERSION } from './debezium.ts'
import { checked, member, printed, readJson, requireVersion, rowOrNull, textOf } from './reading.ts'
import { beside, type ReceivedEvent } from './received.ts'

/**
 * Reads what the format `debezium` has written. A change says so by its `source`; everything else is the payload of a message,
 * of which the format holds neither origin nor time, and of which bytes are base64 text.
 */
export function readDebezium(message: Message): ReceivedEvent {
  const { id, value } = message
  const common = { ...beside(message), id }
  const without = { ...common, kind: 'message', origin: null, at: null } as const
  if (value === null) return { ...without, payload: null }
  const document = readJson(value)
  if (member(document, 'source', 'connector') !== CONNECTOR) return { ...without, payload: printed(document) }
  requireVersion(Number(member(document, 'source', 'version')), DEBEZIUM_VERSION)
  const { op, before, after, ts_us: microseconds, source } = checked(change, document)
  return {
    ...common,
    kind: 'change',
    id: source.event_id,
    op: OPS[op],
    origin: { database: source.db, schema: source.schema, table: source.table },
    at: fromMicroseconds(microseconds),
    before: textOf(before),
    after: textOf(after),
  }
}

const OPS: Readonly<Record<'r' | 'c' | 'u' | 'd', ChangeOp>> = { r: 'read', c: 'insert', u: 'update', d: 'delete' }
const whole = z
  .unknown()
  .transform((number) => (isLosslessNumber(number) ? number.value : ''))
  .pipe(z.string().regex(/^-?\d{1,17}$/))
const change = z.object({
  before: rowOrNull,
  after: rowOrNull,
  op: z.enum(['r', 'c', 'u', 'd']),
  ts_us: whole,
  source: z.object({ db: z.string(), schema: z.string(), table: z.string(), event_id: z.string().min(1) }),
})
