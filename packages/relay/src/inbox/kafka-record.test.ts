import { expect, test } from 'vitest'
import { EVENT_ID_HEADER } from '../sinks/kafka/kafka.ts'
import { received } from './kafka-record.ts'

const BATCH = { topic: 'orders', partition: 2 }
const RECORD = {
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  timestamp: '1700000000000',
  attributes: 0,
  offset: '41',
}

test('a record of a relay has the event’s id, its key, and its other headers', () => {
  const headers = { [EVENT_ID_HEADER]: Buffer.from('id-1'), 'content-type': Buffer.from('application/json') }
  expect(received(BATCH, { ...RECORD, headers })).toEqual({
    id: 'id-1',
    topic: 'orders',
    key: 'k',
    headers: { 'content-type': 'application/json' },
    value: Buffer.from('v'),
  })
})

test('somebody else’s record has an id of where it lies and when it came', () => {
  expect(received(BATCH, { ...RECORD, headers: {} }).id).toBe('orders-2-41-1700000000000')
  // a topic that was made again counts from 0 again
  expect(received(BATCH, { ...RECORD, headers: {}, timestamp: '1800000000000' }).id).not.toBe(
    'orders-2-41-1700000000000',
  )
})

test('no key and no value stay none', () => {
  expect(received(BATCH, { ...RECORD, key: null, value: null, headers: {} })).toMatchObject({ key: null, value: null })
})

test('bytes that are no text of PostgreSQL are told apart, and two of them are never taken for one', () => {
  const [a, b] = [Buffer.from([0xff, 1]), Buffer.from([0xff, 2])]
  const headers = { zero: Buffer.from('a\0b'), plain: 'text', twice: [Buffer.from('1'), Buffer.from('2')], 'n\0': 'x' }
  const first = received(BATCH, { ...RECORD, key: a, headers })
  expect(first.key).toBe(`base64,${a.toString('base64')}`)
  expect(first.headers).toEqual({
    zero: `base64,${Buffer.from('a\0b').toString('base64')}`,
    plain: 'text',
    twice: '["1","2"]',
    'n%00': 'x',
    'freshet-base64': 'key,zero',
  })
  expect(received(BATCH, { ...RECORD, key: b, headers: {} }).key).not.toBe(first.key)
  expect(received(BATCH, { ...RECORD, key: Buffer.from('﻿k'), headers: {} }).key).toBe('﻿k')
})
