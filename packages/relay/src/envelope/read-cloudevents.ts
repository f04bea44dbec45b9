import { FreshetError } from '@freshet/core'
import { z } from 'zod'
import type { Origin } from '../event.ts'
import type { Message } from '../message.ts'
import { CLOUDEVENTS_VERSION } from './cloudevents.ts'
import { checked, member, printed, readJson, requireVersion, rowOrNull, textOf } from './reading.ts'
import { beside, type ReceivedEvent } from './received.ts'

/** Reads what the format `cloudevents` has written. Its extension attributes say by whom, in which version, and of what kind. */
export function readCloudEvents(message: Message): ReceivedEvent {
  if (message.value === null) throw new FreshetError('ENVELOPE_INVALID', 'a CloudEvent is never a tombstone')
  const document = readJson(message.value)
  requireVersion(Number(member(document, 'freshetversion')), CLOUDEVENTS_VERSION)
  const { id, time, source, ...event } = checked(cloudEvent, document)
  const common = { ...beside(message), id, at: time, origin: originOf(source) }
  if (event.freshetkind === 'change')
    return {
      ...common,
      kind: 'change',
      op: event.type,
      before: textOf(event.data.before),
      after: textOf(event.data.after),
    }
  if (event.data_base64 !== undefined)
    return { ...common, kind: 'message', payload: Buffer.from(event.data_base64, 'base64') }
  return { ...common, kind: 'message', payload: event.data === undefined ? null : printed(event.data) }
}

function originOf(source: string): Origin {
  const [database, schema, table, ...more] = source.slice(SOURCE.length).split('/').map(decoded)
  if (!source.startsWith(SOURCE) || table === undefined || more.length > 0)
    throw new FreshetError('ENVELOPE_INVALID', `the source ${source} is none of Freshet's`)
  return { database: database ?? '', schema: schema ?? '', table }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (cause) {
    throw new FreshetError('ENVELOPE_INVALID', `${part} is no part of a URI`, { cause })
  }
}

const SOURCE = '/freshet/'
const common = {
  specversion: z.literal('1.0'),
  id: z.string().min(1),
  source: z.string(),
  time: z.string(),
}
const op = z.templateLiteral(['freshet.change.', z.enum(['read', 'insert', 'update', 'delete'])])
const cloudEvent = z.discriminatedUnion('freshetkind', [
  z.object({
    ...common,
    freshetkind: z.literal('change'),
    type: op.transform((type) => checked(z.enum(['read', 'insert', 'update', 'delete']), type.split('.').at(-1))),
    data: z.object({ before: rowOrNull, after: rowOrNull }),
  }),
  z.object({
    ...common,
    freshetkind: z.literal('message'),
    type: z.string(),
    data: z.unknown().optional(),
    data_base64: z.base64().optional(),
  }),
])
