import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ChangeEvent, jsonText, type MessageEvent, type RelayEvent } from '../event.ts'
import { decodeEnvelope } from './decode.ts'
import { changes, messages } from './events.fixture.ts'
import { FORMATS } from './envelope.ts'

const events: fc.Arbitrary<RelayEvent> = fc.oneof(messages, changes)

function textOf(encoded: string | Uint8Array | null): string {
  if (typeof encoded !== 'string') throw new Error('not text')
  return encoded
}

test('freshet: what is written is read, with every digit', () => {
  fc.assert(
    fc.property(events, (event) => {
      const encoded = textOf(FORMATS.freshet.encode(event))
      expect(decodeEnvelope(encoded)).toEqual(event)
      expect(decodeEnvelope(Buffer.from(encoded))).toEqual(event)
    }),
    { numRuns: 300 },
  )
})

test('every format writes JSON, and the same event in the same way', () => {
  fc.assert(
    fc.property(events, (event) => {
      for (const format of Object.values(FORMATS)) {
        const encoded = format.encode(event)
        expect(format.encode({ ...event })).toEqual(encoded)
        if (typeof encoded === 'string') JSON.parse(encoded)
      }
    }),
  )
})

test('debezium and cloudevents hold the rows and payloads as they came', () => {
  fc.assert(
    fc.property(changes, (change) => {
      for (const format of [FORMATS.debezium, FORMATS.cloudevents])
        for (const side of [change.before, change.after])
          expect(textOf(format.encode(change))).toContain(side === null ? 'null' : side.json)
    }),
  )
})

const change: ChangeEvent = {
  kind: 'change',
  id: 'd-t-1',
  origin: { database: 'd', schema: 'public', table: 'totals' },
  topic: 'public.totals',
  key: '{"shop":1}',
  headers: {},
  at: '2026-01-02T03:04:05.678901Z',
  op: 'update',
  before: jsonText('{"shop":1,"total":12345678901234567890.10,"at":"2026-01-02T03:04:05.678901"}'),
  after: jsonText('{"shop":1,"total":null,"at":null}'),
}
const placed: MessageEvent = {
  kind: 'message',
  id: 'd-o-7',
  origin: { database: 'd', schema: 'public', table: 'outbox' },
  topic: 'orders',
  key: 'o-1',
  headers: { trace: 'abc' },
  at: '2026-01-02T03:04:05.678901Z',
  payload: jsonText('{"order":1}'),
}

test('as they look', () => {
  expect(FORMATS.debezium.encode(change)).toMatchInlineSnapshot(
    `"{"before":{"shop":1,"total":12345678901234567890.10,"at":"2026-01-02T03:04:05.678901"},"after":{"shop":1,"total":null,"at":null},"op":"u","ts_ms":1767323045678,"ts_us":1767323045678901,"source":{"version":"1","connector":"freshet","name":"freshet","ts_ms":1767323045678,"ts_us":1767323045678901,"snapshot":"false","db":"d","schema":"public","table":"totals","event_id":"d-t-1"}}"`,
  )
  expect(FORMATS.cloudevents.encode(change)).toMatchInlineSnapshot(
    `"{"specversion":"1.0","id":"d-t-1","source":"/freshet/d/public/totals","type":"freshet.change.update","subject":"{\\"shop\\":1}","time":"2026-01-02T03:04:05.678901Z","freshetversion":"1","freshetkind":"change","datacontenttype":"application/json","data":{"before":{"shop":1,"total":12345678901234567890.10,"at":"2026-01-02T03:04:05.678901"},"after":{"shop":1,"total":null,"at":null}}}"`,
  )
  expect(FORMATS.cloudevents.encode(placed)).toMatchInlineSnapshot(
    `"{"specversion":"1.0","id":"d-o-7","source":"/freshet/d/public/outbox","type":"orders","subject":"o-1","time":"2026-01-02T03:04:05.678901Z","freshetversion":"1","freshetkind":"message","datacontenttype":"application/json","data":{"order":1}}"`,
  )
  expect(FORMATS.freshet.encode(change)).toMatchInlineSnapshot(
    `"{"v":1,"id":"d-t-1","kind":"change","database":"d","schema":"public","table":"totals","topic":"public.totals","key":"{\\"shop\\":1}","headers":{},"at":"2026-01-02T03:04:05.678901Z","op":"update","before":{"shop":1,"total":12345678901234567890.10,"at":"2026-01-02T03:04:05.678901"},"after":{"shop":1,"total":null,"at":null}}"`,
  )
  expect(FORMATS.freshet.encode(placed)).toMatchInlineSnapshot(
    `"{"v":1,"id":"d-o-7","kind":"message","database":"d","schema":"public","table":"outbox","topic":"orders","key":"o-1","headers":{"trace":"abc"},"at":"2026-01-02T03:04:05.678901Z","payload":{"order":1}}"`,
  )
})

test('tombstones: of a payload that is null, and of a row that has left', () => {
  const gone: ChangeEvent = { ...change, op: 'delete', after: null }
  expect(FORMATS.plain.encode({ ...placed, payload: null })).toBeNull()
  expect(FORMATS.plain.encode(gone)).toBeNull()
  expect(FORMATS.debezium.encode({ ...placed, payload: null })).toBeNull()
  expect(FORMATS.plain.encode(placed)).toBe('{"order":1}')
  expect(FORMATS.plain.encode(change)).toBe(change.after?.json)
})

test('a later version is refused, and so is what is no envelope', () => {
  const text = textOf(FORMATS.freshet.encode(placed))
  const newer = text.replace('"v":1', '"v":2').replace('"kind":"message"', '"kind":"a new one"')
  expect(() => decodeEnvelope(newer)).toThrow(expect.objectContaining({ code: 'ENVELOPE_NEWER' }))
  for (const broken of [
    text.slice(0, -1),
    '[]',
    'null',
    '"v"',
    '{"v":"1"}',
    '{}',
    text.replace('"v":1', '"v":0'),
    text.replace('"id":"d-o-7"', '"id":7'),
    text.replace('"topic"', '"subject"'),
    text.replace('{"order":1}', '{"order":1},"more":1'),
    text.replace(',"payload":{"order":1}', ''),
  ])
    expect(() => decodeEnvelope(broken), broken).toThrow(expect.objectContaining({ code: 'ENVELOPE_INVALID' }))
})
