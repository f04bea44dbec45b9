import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encoded } from '../encode.ts'
import { jsonText, type RelayEvent } from '../event.ts'
import type { Message } from '../message.ts'
import { changes, messages } from './events.fixture.ts'
import { FORMATS } from './envelope.ts'
import { decodeMessage, type ReadableFormat } from './read.ts'

const ROUTE = { topic: '{topic}', key: '{key}' }

async function written(format: ReadableFormat, event: RelayEvent): Promise<Message> {
  const [message] = await encoded([event], { format: FORMATS[format], route: ROUTE, transform: null })
  if (message === undefined) throw new Error('no message was made')
  return message
}

const readBack = async (format: ReadableFormat, event: RelayEvent) =>
  decodeMessage(format, await written(format, event))

test('freshet and cloudevents: what is written is read, with every digit and microsecond', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(messages, changes), async (event) => {
      expect(await readBack('freshet', event)).toEqual(event)
      expect(await readBack('cloudevents', event)).toEqual(event)
    }),
    { numRuns: 100 },
  )
})

test('debezium: so are changes; of a message the payload, without its origin and time, and bytes as base64', async () => {
  await fc.assert(
    fc.asyncProperty(changes, async (change) => {
      expect(await readBack('debezium', change)).toEqual(change)
    }),
    { numRuns: 100 },
  )
  await fc.assert(
    fc.asyncProperty(messages, async (event) => {
      const { payload } = event
      const shown =
        payload instanceof Uint8Array ? jsonText(JSON.stringify(Buffer.from(payload).toString('base64'))) : payload
      expect(await readBack('debezium', event)).toEqual({ ...event, payload: shown, origin: null, at: null })
    }),
    { numRuns: 100 },
  )
})

const change: RelayEvent = {
  kind: 'change',
  id: 'd-t-1',
  origin: { database: 'd', schema: 'public', table: 'totals' },
  topic: 'public.totals',
  key: '{"shop":1}',
  headers: {},
  at: '1969-12-31T23:59:59.999999Z',
  op: 'update',
  before: jsonText('{"shop":1,"total":null}'),
  after: jsonText('{"shop":1,"total":12345678901234567890.10}'),
}

test('a time before 1970 keeps its microseconds', async () => {
  expect(await readBack('debezium', change)).toEqual(change)
})

test('a later version is refused, and so is what is not of Freshet, or was changed', async () => {
  const broken = async (format: ReadableFormat, from: string, to: string) => {
    const message = await written(format, change)
    const text = String(message.value)
    expect(text).toContain(from)
    return () => decodeMessage(format, { ...message, value: Buffer.from(text.replace(from, to)) })
  }
  for (const [format, from, to] of [
    ['debezium', '"version":"1"', '"version":"2"'],
    ['cloudevents', '"freshetversion":"1"', '"freshetversion":"2"'],
  ] as const)
    expect(await broken(format, from, to)).toThrow(expect.objectContaining({ code: 'ENVELOPE_NEWER' }))
  for (const [format, from, to] of [
    ['debezium', '"version":"1"', '"version":"0"'],
    ['debezium', '"version":"1"', '"version":"one"'],
    ['debezium', '"op":"u"', '"op":"t"'],
    ['debezium', '"ts_us":', '"ts_was":'],
    ['debezium', '"ts_us":', '"ts_us":1e'],
    ['debezium', '"event_id":"d-t-1"', '"event_id":""'],
    ['cloudevents', '"freshetversion":"1",', ''],
    ['cloudevents', '"freshetkind":"change"', '"freshetkind":"other"'],
    ['cloudevents', 'freshet.change.update', 'freshet.change.merge'],
    ['cloudevents', '/freshet/d/', '/somebody/d/'],
    ['cloudevents', '/freshet/d/', '/freshet/'],
    ['cloudevents', '/freshet/d/', '/freshet/%E0%A4%A/'],
    ['cloudevents', '"specversion":"1.0"', '"specversion":"0.3"'],
    ['cloudevents', '"data":', '"date":'],
  ] as const)
    expect(await broken(format, from, to), to).toThrow(expect.objectContaining({ code: 'ENVELOPE_INVALID' }))
})

test('a tombstone is one where the format has them', async () => {
  const message = { ...(await written('debezium', change)), headers: { a: 'b', 'content-type': 'own' }, value: null }
  expect(decodeMessage('debezium', message)).toMatchObject({ kind: 'message', payload: null, headers: message.headers })
  for (const format of ['freshet', 'cloudevents'] as const)
    expect(() => decodeMessage(format, message)).toThrow(expect.objectContaining({ code: 'ENVELOPE_INVALID' }))
})
