import { raw } from '@freshet/core'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeEnvelope } from './envelope/decode.ts'
import { listDeadLetters, requestLetters } from './dead-letters.ts'
import { listOutboxes } from './outbox/list.ts'
import { seek } from './outbox/consumer.ts'
import { relayWorld, toFile, type RelayWorld } from './relay.fixture.ts'

const put = (world: RelayWorld, from: number, to = from) =>
  world.database.query(
    raw(
      `insert into outbox (topic, key, payload) select 't', 'k' || i % 3, jsonb_build_object('n', i) from generate_series(${from}, ${to}) i`,
    ),
  )

const idsOf = async (world: RelayWorld, file?: string) =>
  (await world.lines(file)).map(({ id }) => id.split('-').at(-1))

test('from the outbox to a file: told, counted, trimmed, and where it stopped it goes on', async () => {
  await using world = await relayWorld()
  await put(world, 1, 2_500)
  const relay = await world.start(`${toFile()}http: { port: 0 }\n`)
  await world.until(async () => (await world.lines()).length === 2_500)
  const [first] = await world.lines()
  expect(first).toMatchObject({
    topic: 't',
    key: 'k1',
    headers: { 'content-type': expect.stringContaining('freshet') },
  })
  expect(decodeEnvelope(first?.value ?? '')).toMatchObject({ kind: 'message', payload: { json: '{"n":1}' } })
  await world.until(async () => (await listOutboxes(world.database))[0]?.rows === 0)

  const health = await fetch(`${relay.url}/health`)
  expect([health.status, await health.json()]).toMatchObject([
    200,
    { ready: true, relays: { orders: { state: 'working' } } },
  ])
  const metrics = await (await fetch(`${relay.url}/metrics`)).text()
  expect(metrics).toContain('freshet_relay_messages_total{relay="orders"} 2500')
  await relay.stop()
  await put(world, 2_501)
  await world.start(toFile())
  await world.until(async () => (await world.lines()).length >= 2_501)
  expect(await idsOf(world)).toEqual(Array.from({ length: 2_501 }, (_, i) => String(i + 1)))
})

test('a configuration that changes: what stays as it is runs on, what has mistakes changes nothing', async () => {
  await using world = await relayWorld()
  const relay = await world.start(toFile())
  await put(world, 1)
  await world.until(async () => (await world.lines()).length === 1)
  await expect(relay.reload(toFile('    formats: plain\n'))).rejects.toMatchObject({ code: 'RELAY_CONFIG_INVALID' })
  expect(await relay.reload(toFile())).toEqual([])
  expect(await relay.reload(toFile('    format: plain\n'))).toEqual(['orders'])
  await put(world, 2)
  await world.until(async () => (await world.lines()).length === 2)
  expect((await world.lines())[1]?.value?.toString()).toBe('{"n": 2}')
})

test('of two relays one works; when it ends the other goes on', async () => {
  await using world = await relayWorld()
  const first = await world.start(toFile())
  await world.until(() => first.health().relays['orders']?.state === 'working')
  const second = await world.start(toFile())
  await world.until(() => second.health().relays['orders']?.state === 'standby')
  await put(world, 1, 10)
  await world.until(async () => (await world.lines()).length === 10)
  await first.stop()
  await put(world, 11, 20)
  await world.until(async () => (await world.lines()).length === 20)
  expect(second.health().relays['orders']?.state).toBe('working')
  expect(new Set(await idsOf(world)).size).toBe(20)
})

test('a consumer that is moved is relayed again from there, by the relay that runs', async () => {
  await using world = await relayWorld()
  await world.database.query(raw('update freshet.outbox set keep_ms = 3600000'))
  await world.start(toFile())
  await put(world, 1, 5)
  await world.until(async () => (await world.lines()).length === 5)
  await seek(world.database, 'outbox', 'orders', 'beginning')
  await put(world, 6)
  await world.until(
    async () => (await idsOf(world)).filter((id) => id === '6').length >= 1 && (await world.lines()).length >= 11,
  )
  const ids = await idsOf(world)
  expect(ids.slice(-6)).toEqual(['1', '2', '3', '4', '5', '6'])
})

test('what a transform can not take is a dead letter; the rest goes on, and it is delivered when asked for', async () => {
  await using world = await relayWorld()
  const { database } = world
  await writeFile(
    join(world.folder, 'transform.mjs'),
    `export const transform = (event) => {
       const { n } = JSON.parse(event.payload.json)
       if (n === 3) throw new Error('three is too much')
       if (n === 4) return null
       if (n === 5) return [event, { ...event, topic: 'copies' }]
       return { ...event, headers: { n: String(n) } }
     }`,
  )
  await world.start(toFile(`    transform: ./transform.mjs\n    topic: 'all.{topic}'\n    key: '{key}/{header:n}'\n`))
  await put(world, 1, 6)
  await world.until(async () => (await world.lines()).length >= 5)
  expect((await world.lines()).map(({ id, topic, key }) => `${id.split('-').at(-1)} ${topic} ${key}`)).toEqual([
    '1 all.t k1/1',
    '2 all.t k2/2',
    '5.0 all.t k2/',
    '5.1 all.copies k2/',
    '6 all.t k0/6',
  ])
  const [letter, ...others] = await listDeadLetters(database, 'orders')
  expect(others).toEqual([])
  expect(letter).toMatchObject({ error: expect.stringContaining('three is too much'), requested: false })
  expect(await requestLetters(database, 'orders', null)).toBe(1)
  await world.until(async () => (await world.lines()).length >= 6)
  expect((await idsOf(world)).at(-1)).toBe('3')
  await world.until(async () => (await listDeadLetters(database, null)).length === 0)
  await expect(requestLetters(database, 'orders', null)).rejects.toMatchObject({ code: 'USAGE' })
})

test('a relay that can not work says why, and goes on trying', async () => {
  await using world = await relayWorld()
  const relay = await world.start(toFile('', 'no/such/folder'))
  await world.until(() => relay.health().relays['orders']?.state === 'failing')
  expect(relay.health()).toMatchObject({ ready: false, relays: { orders: { error: { code: 'SINK_REFUSED' } } } })
  await relay.reload(toFile())
  await put(world, 1)
  await world.until(async () => (await world.lines()).length === 1)
})

test('stream tables are relayed too: rows, and then changes', async () => {
  await using world = await relayWorld()
  const { database, test: own } = world
  await database.query(
    raw(
      'create table sales (id int primary key, shop int not null, amount numeric); insert into sales values (1, 1, 10)',
    ),
  )
  const { connect } = await import('@freshet/client')
  const freshet = await connect(own.url)
  own.defer(() => freshet.close())
  await freshet.create({
    name: 'totals',
    query: 'select shop, sum(amount) as total from sales group by shop',
    schedule: 'manual',
  })
  const text = toFile('    format: debezium\n').replace('outbox: outbox', 'stream_table: totals')
  const relay = await world.start(text)
  await world.until(async () => (await world.lines()).length === 1)
  await relay.stop()
  await database.query(raw('insert into sales values (2, 1, 0.10), (3, 2, 5)'))
  await freshet.refresh('totals')
  await world.start(text)
  await world.until(async () => (await world.lines()).length === 3)
  const documents = (await world.lines()).map(({ key, value }) => [key, JSON.parse(String(value)) as unknown])
  expect(documents).toMatchObject([
    ['{"shop":1}', { op: 'r', before: null, after: { shop: 1, total: 10 } }],
    ['{"shop":1}', { op: 'u', before: { total: 10 }, after: { total: 10.1 } }],
    ['{"shop":2}', { op: 'c', source: { table: 'totals', schema: 'public' } }],
  ])
})
