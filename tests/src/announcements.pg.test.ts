import { EventEmitter, once } from 'node:events'
import { connect } from '@freshet/client'
import { raw, writeSetting } from '@freshet/core'
import { startCoordinator } from '@freshet/coordinator'
import { assertEqualToQuery, createTestDatabase } from '@freshet/testkit'
import { expect, test } from 'vitest'

/** `freshet.subscribe(name, channel)`: a NOTIFY with the transaction of a refresh that changed something. */
const QUERY = 'select kind, count(*) as n from item group by kind'

async function announcing() {
  const own = await createTestDatabase()
  const { database } = own
  const freshet = await connect(own.url)
  own.defer(() => freshet.close())
  await database.query(raw('create table item (id int primary key, kind text not null)'))
  const client = await own.client()
  const heard: unknown[] = []
  client.on('notification', ({ payload }) => heard.push(JSON.parse(payload ?? '')))
  await client.query('listen items')
  const run = (script: string) => database.query<Record<string, unknown>>(raw(script))
  return { own, database, freshet, client, heard, run, [Symbol.asyncDispose]: () => own.drop() }
}

test('each refresh by hand that changes something is announced, with what it changed', async () => {
  await using world = await announcing()
  const { freshet, client, heard, run } = world
  await freshet.create({ name: '"Kinds of"', query: QUERY, schedule: 'manual' })
  const [{ id } = {}] = await run(`select freshet.subscribe('"Kinds of"', 'items') as id`)
  expect(await run(`select freshet.subscribe('public."Kinds of"', 'items') as id`)).toEqual([{ id }])
  expect(await run('select name, channel, acknowledged from freshet.list_subscriptions()')).toEqual([
    { name: 'public."Kinds of"', channel: 'items', acknowledged: null },
  ])
  await run(`insert into item select i, 'k' || i % 3 from generate_series(1, 9) i`)
  await freshet.refresh('"Kinds of"')
  await freshet.refresh('"Kinds of"')
  await run(`delete from item where kind = 'k0'; insert into item values (20, 'k1')`)
  await freshet.refresh('"Kinds of"', { full: true })
  await client.query('select')
  // a row that takes the place of another counts as inserted
  expect(heard).toEqual([
    { name: 'public."Kinds of"', refresh_id: expect.any(Number), inserted_count: 3, deleted_count: 0 },
    { name: 'public."Kinds of"', refresh_id: expect.any(Number), inserted_count: 1, deleted_count: 1 },
  ])
  const history = await freshet.history({ name: '"Kinds of"', limit: 1 })
  expect(history).toMatchObject([{ rowsInserted: 1, rowsDeleted: 1 }])

  expect(await run(`select freshet.unsubscribe('"Kinds of"', 'items') as ended`)).toEqual([{ ended: true }])
  expect(await run(`select freshet.unsubscribe('"Kinds of"', 'items') as ended`)).toEqual([{ ended: false }])
  await run('delete from item')
  await freshet.refresh('"Kinds of"')
  await client.query('select')
  expect(heard).toHaveLength(2)
  await assertEqualToQuery(world.database, '"Kinds of"', QUERY)
})

test('what can not be announced', async () => {
  await using world = await announcing()
  const { freshet, run } = world
  await expect(run(`select freshet.subscribe('item', 'items')`)).rejects.toMatchObject({ code: 'UNKNOWN_STREAM_TABLE' })
  await freshet.create({ name: 'now', query: QUERY, mode: 'immediate' })
  await expect(run(`select freshet.subscribe('now', 'items')`)).rejects.toMatchObject({ code: 'USAGE' })
  await freshet.create({ name: 'later', query: QUERY, schedule: 'manual' })
  await expect(run(`select freshet.subscribe('later', '')`)).rejects.toMatchObject({ code: 'QUERY_FAILED' })
  await run(`select freshet.subscribe('later', 'items')`)
  await freshet.drop('later')
  expect(await run('select from freshet.list_subscriptions()')).toEqual([])
})

test('what a scheduler refreshes is added up for a while, and all of it is announced in the end', async () => {
  await using world = await announcing()
  const { own, freshet, database, client, heard, run } = world
  await freshet.create({ name: 'kinds', query: QUERY, mode: 'differential' })
  await run(`select freshet.subscribe('kinds', 'items')`)
  await writeSetting(database, 'notify_coalesce_ms', 60_000)
  const refreshes = new EventEmitter()
  const coordinator = startCoordinator({
    database,
    refresher: freshet.refresher,
    capture: freshet.capture,
    listener: (event) => {
      if (event.kind === 'refreshed') refreshes.emit('one', event.outcome)
    },
  })
  own.defer(async () => void (await coordinator.drain()))
  for (let i = 1; i <= 5; i++) {
    const refreshed = once(refreshes, 'one')
    await run(`insert into item values (${i}, 'k${i}')`)
    await refreshed
  }
  await client.query('select')
  expect(heard).toMatchObject([{ inserted_count: 1, deleted_count: 0 }])
  const rest = once(client, 'notification')
  await writeSetting(database, 'notify_coalesce_ms', 0)
  await rest
  expect(heard).toMatchObject([{ inserted_count: 1 }, { inserted_count: 4, deleted_count: 0 }])
  const [last] = await freshet.history({ name: 'kinds', limit: 1 })
  expect(last).toMatchObject({ action: 'differential' })
  await assertEqualToQuery(database, 'kinds', QUERY)
})
