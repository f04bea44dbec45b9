import { connect } from '@freshet/client'
import { raw } from '@freshet/core'
import { startRestartableServer } from '@freshet/testkit'
import { expect, test } from 'vitest'
import { openConsumer } from './outbox/consumer.ts'
import { outboxWorld, PAGES } from './outbox/outbox.fixture.ts'
import { outboxSource } from './sources/outbox-source.ts'
import { streamTableBeginning, streamTableSource } from './sources/stream-table-source.ts'

/** Writers do not wait for the disk, and the server writes its log there as late as it may. */
const LATE = { synchronous_commit: 'off', wal_writer_delay: '10s', wal_writer_flush_after: '1GB' }

test('what was read of an outbox is still there after a crash of the server, though its writers had not waited', async () => {
  await using server = await startRestartableServer({ settings: LATE })
  await using world = await outboxWorld('jsonb', server.url)
  const { database, outbox } = world
  const { position } = await openConsumer(database, 'reader', outbox, 'beginning')
  const source = await outboxSource(database, outbox, PAGES)
  const ending = new AbortController()
  let read = 0
  let lostWithout = 0
  for (let round = 1; round <= 3; round++) {
    await database.query(raw(`insert into outbox (topic, payload) select 't', '{}' from generate_series(1, 5)`))
    for await (const page of source.pages(position ?? '', ending.signal)) {
      read = page.events.length
      break
    }
    // of these nobody has heard
    await database.query(raw(`insert into outbox (topic, payload) select 'unread', '{}' from generate_series(1, 5)`))
    await server.stop('kill')
    await server.start()
    const kept = await world.count(`select count(*)::int as n from outbox where topic = 't'`)
    const unread = await world.count(`select count(*)::int as n from outbox where topic = 'unread'`)
    lostWithout += 5 * round - unread
    await database.query(
      raw(`insert into outbox (topic, payload) select 'unread', '{}' from generate_series(1, ${5 * round - unread})`),
    )
    expect({ read, kept }).toEqual({ read: 10 * round - 5, kept: 5 * round })
  }
  process.stdout.write(`crashes of a server that writes late: 15 read and kept, ${lostWithout} of 15 unread lost\n`)
  expect(lostWithout).toBeGreaterThan(0)
})

test('so it is with a stream table', async () => {
  await using server = await startRestartableServer({ settings: LATE })
  await using world = await outboxWorld('jsonb', server.url)
  const { database, test: own } = world
  const freshet = await connect(own.url)
  own.defer(() => freshet.close())
  await database.query(raw('create table sales (id int primary key, shop int not null)'))
  await freshet.create({
    name: 'shops',
    query: 'select shop, count(*) as n from sales group by shop',
    schedule: 'manual',
  })
  const source = await streamTableSource(freshet, 'shops', { rows: 100, bytes: 1_000_000 })
  const ending = new AbortController()
  await database.query(raw('insert into sales select i, i from generate_series(1, 5) i'))
  await freshet.refresh('shops')
  let read = 0
  for await (const page of source.pages(streamTableBeginning('snapshot'), ending.signal)) {
    read = page.events.length
    break
  }
  await server.stop('kill')
  await server.start()
  expect({ read, kept: await world.count('select count(*)::int as n from shops') }).toEqual({ read: 5, kept: 5 })
})
