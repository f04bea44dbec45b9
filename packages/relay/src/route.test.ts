import { expect, test } from 'vitest'
import { jsonText, type MessageEvent } from './event.ts'
import { checkTemplate, routed } from './route.ts'

const event: MessageEvent = {
  kind: 'message',
  id: 'd-o-1',
  origin: { database: 'd', schema: 'shop', table: 'outbox' },
  topic: 'orders',
  key: null,
  headers: { region: 'eu {topic}' },
  at: '2026-01-02T03:04:05.678901Z',
  payload: jsonText('{}'),
}

test('templates are filled once, and a key that is none stays none', () => {
  expect(routed(event, { topic: '{topic}', key: '{key}' })).toEqual({ topic: 'orders', key: null })
  const route = { topic: '{schema}.{table}.{op}.{topic}', key: '{header:region}/{header:none}/{key}' }
  expect(routed(event, route)).toEqual({ topic: 'shop.outbox.message.orders', key: 'eu {topic}//' })
})

test('what they may hold is checked', () => {
  expect(checkTemplate('a.{topic}')).toBeNull()
  expect(checkTemplate('{topc}')).toContain('there is no {topc}')
  expect(checkTemplate('')).toBe('must not be empty')
})
