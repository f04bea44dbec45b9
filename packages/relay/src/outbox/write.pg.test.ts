import { sql } from '@freshet/core'
import { type Generated, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { expect, test } from 'vitest'
import { beginning, outboxWorld, take } from './outbox.fixture.ts'
import { binaryOutboxWriter, outboxWriter } from './write.ts'

interface Placed {
  readonly order: number
  readonly note: string
}

const placed = outboxWriter<Placed>('public.outbox')
const message = { topic: 'orders', key: 'o-1', headers: { trace: 'abc' }, payload: { order: 1, note: 'Grüße "\'\\' } }
const EXPECTED = {
  topic: 'orders',
  key: 'o-1',
  headers: { trace: 'abc' },
  payload: { json: `{"note": ${JSON.stringify(message.payload.note)}, "order": 1}` },
}

test('with pg, in its transaction: what is rolled back never was', async () => {
  await using world = await outboxWorld()
  const position = await beginning(world, 'reader')
  const client = await world.test.client()
  await client.query('begin')
  await placed.send(client, { ...message, key: 'never' })
  await client.query('rollback')
  await client.query('begin')
  await placed.send(client, message, { topic: 'orders', key: 'o-1', payload: null })
  await client.query('commit')
  await placed.send(client)
  const { events } = await take(world, position, (found) => found.length >= 2)
  expect(events).toMatchObject([EXPECTED, { key: 'o-1', payload: null }])
})

test('with kysely, in its transaction', async () => {
  await using world = await outboxWorld()
  const position = await beginning(world, 'reader')
  const kysely = new Kysely<{ orders: { id: Generated<number>; note: string } }>({
    dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: world.test.url, max: 1 }) }),
  })
  world.test.defer(() => kysely.destroy())
  await world.database.query(sql`create table orders (id int generated always as identity, note text)`)
  await expect(
    kysely.transaction().execute(async (transaction) => {
      await placed.send(transaction, { ...message, key: 'never' })
      throw new Error('out of stock')
    }),
  ).rejects.toThrow('out of stock')
  await kysely.transaction().execute(async (transaction) => {
    await transaction.insertInto('orders').values({ note: 'first' }).execute()
    await placed.send(transaction, message)
  })
  const { events } = await take(world, position, (found) => found.length > 0)
  expect(events).toMatchObject([EXPECTED])
})

test('as a statement, and in plain SQL', async () => {
  await using world = await outboxWorld()
  const position = await beginning(world, 'reader')
  await world.database.query(placed.statement([message]))
  await world.database.query(
    sql`insert into outbox (topic, key, payload) values ('orders', 'o-2', '{"big": 12345678901234567890.10}')`,
  )
  const { events } = await take(world, position, (found) => found.length >= 2)
  expect(events).toMatchObject([EXPECTED, { key: 'o-2', payload: { json: '{"big": 12345678901234567890.10}' } }])
  expect(() => placed.statement([])).toThrow(RangeError)
})

test('bytes', async () => {
  await using world = await outboxWorld('bytea')
  const position = await beginning(world, 'reader')
  const bytes = Buffer.from([0, 1, 255])
  await binaryOutboxWriter('outbox').send(await world.test.client(), { topic: 't', payload: bytes })
  const { events } = await take(world, position, (found) => found.length > 0)
  expect(events).toMatchObject([{ topic: 't', key: null, payload: bytes }])
})
