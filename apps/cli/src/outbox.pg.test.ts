import { raw } from '@freshet/core'
import { openConsumer, findOutbox } from '@freshet/relay'
import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshetHere } from './process.fixture.ts'

let own: TestDatabase
beforeAll(async () => {
  own = await createTestDatabase()
})
afterAll(() => own.drop())

const freshet = (...words: readonly string[]) => freshetHere(words, { DATABASE_URL: own.url })

test('an outbox from its creation to its end', async () => {
  expect(await freshet('outbox', 'list')).toMatchObject({ exitCode: 0, out: 'There are no outboxes.\n' })
  expect(await freshet('outbox', 'create', 'box', '--keep', '1h')).toMatchObject({
    exitCode: 0,
    out: 'Created the outbox public.box.\n',
  })
  const { database } = own
  await openConsumer(database, 'orders', await findOutbox(database, 'box'), 'beginning')
  await database.query(raw(`insert into box (topic, payload) values ('t', '{}'), ('t', '{}')`))
  const waiting = async () => {
    const { out } = await freshet('outbox', 'list', '--json')
    return JSON.parse(out) as unknown
  }
  expect(await waiting()).toMatchObject([{ keepMs: 3_600_000, consumers: [{ name: 'orders', lag: 2 }] }])
  expect((await freshet('outbox', 'list')).out).toMatch(/public\.box +jsonb +2 +orders +2 +20/)
  expect(await freshet('outbox', 'seek', 'box', '--consumer', 'orders', '--to', 'now')).toMatchObject({ exitCode: 0 })
  expect(await waiting()).toMatchObject([{ consumers: [{ lag: 0 }] }])
  expect(await freshet('outbox', 'seek', 'box', '--consumer', 'orders', '--to', '2020-01-01')).toMatchObject({
    exitCode: 0,
  })
  expect(await waiting()).toMatchObject([{ consumers: [{ lag: 2 }] }])
  expect(await freshet('outbox', 'forget', 'orders')).toMatchObject({ exitCode: 0 })
  expect(await freshet('outbox', 'forget', 'orders')).toMatchObject({ exitCode: 1 })
  expect(await freshet('outbox', 'drop', 'box')).toMatchObject({ exitCode: 0 })
  expect(await waiting()).toEqual([])
})

test('wrong words are told', async () => {
  for (const words of [
    ['outbox'],
    ['outbox', 'create', 'x', '--payload', 'xml'],
    ['outbox', 'seek', 'x', '--consumer', 'c', '--to', 'yesterday'],
  ])
    expect(await freshet(...words), words.join(' ')).toMatchObject({ exitCode: 2 })
  expect(await freshet('outbox', 'drop', 'nothing')).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('UNKNOWN_OUTBOX'),
  })
})
