import { raw, sql, tryLease } from '@freshet/core'
import { expect, test } from 'vitest'
import { bury } from './dead-letters.ts'
import { openConsumer, seek } from './outbox/consumer.ts'
import { outboxWorld } from './outbox/outbox.fixture.ts'
import { RefusedMessage } from './refused-message.ts'

/** What a monitor asks in SQL. */
test('each consumer: who works, what waits, what is dead', async () => {
  await using world = await outboxWorld()
  const { database, outbox, test: own } = world
  const status = () => database.query(raw('select * from freshet.relay_status()'))
  expect(await status()).toEqual([])
  await openConsumer(database, 'mail', outbox, 'beginning')
  await openConsumer(database, 'search', null, { position: '{}' })
  const idle = { working: false, waiting_is_lower_bound: false, waiting_since: null, dead_letters: 0 }
  expect(await status()).toEqual([
    { name: 'mail', outbox: 'public.outbox', waiting: 0, moved_at: expect.any(Date), ...idle },
    { name: 'search', outbox: null, waiting: null, moved_at: expect.any(Date), ...idle },
  ])
  const open = await own.client()
  await open.query(`begin; insert into outbox (topic, payload) values ('t', '1')`)
  await database.query(raw(`insert into outbox (topic, payload) values ('t', '2'), ('t', '3')`))
  const message = { id: 'e', topic: 't', key: null, headers: {}, value: null }
  await database.transaction((transaction) => bury(transaction, 'mail', new RefusedMessage(message, 'too large')))
  const lease = await tryLease(database, 'relay:mail')
  expect((await status())[0]).toMatchObject({ working: true, waiting: 2, dead_letters: 1 })
  await lease?.release()
  await seek(database, 'outbox', 'mail', 'now')
  expect((await status())[0]).toMatchObject({ working: false, waiting: 0, waiting_since: null })
  await open.query('commit') // it began before, and was not seen
  expect((await status())[0]).toMatchObject({ waiting: 1, waiting_since: expect.any(Date) })
  await database.query(raw(`insert into outbox (topic, payload) select 't', '4' from generate_series(1, 10001)`))
  expect((await status())[0]).toMatchObject({ waiting: 10_000, waiting_is_lower_bound: true })
  await database.query(sql`update freshet.consumer set position = null where name = 'mail'`)
  expect((await status())[0]).toMatchObject({ waiting: null })
})
