import { raw } from '@freshet/core'
import { assertEqualToQuery } from '@freshet/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { copyOf, type FeedWorld, feedWorld, next, STREAMS, weights } from './feed.fixture.ts'

let world: FeedWorld
beforeAll(async () => {
  world = await feedWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

const emitting = async (name: string) => {
  const [row] = await world.database.query<{ emits: boolean }>(
    raw(`select emits_changes as emits from freshet.stream_table where table_name = '${name}'`),
  )
  return row?.emits
}

test('the table first, then one batch for what several refreshes did; nothing is kept afterwards', async () => {
  const { freshet, run } = world
  expect(await emitting('by_shop')).toBe(false)
  const feed = await freshet.subscribe<{ shop: number; total: string; n: string }>('by_shop', { durable: false })
  expect(feed).toMatchObject({ name: 'public.by_shop', columns: ['shop', 'total', 'n'], keyColumns: ['shop'] })
  expect(await emitting('by_shop')).toBe(true)

  const first = await next(feed)
  expect(first.kind).toBe('snapshot')
  expect(first.changes).toHaveLength(5)
  expect(first.token).toBeTypeOf('string')

  await run('update sales set amount = amount + 1 where id = 5')
  await freshet.refresh('by_shop')
  await run('update sales set amount = amount + 1 where id = 5; insert into sales values (100, 9, 1, null)')
  await freshet.refresh('by_shop')
  const second = await next(feed)
  expect(weights(second)).toEqual([
    '+1 {"shop":0,"total":"92.00","n":"8"}',
    '+1 {"shop":9,"total":"1.00","n":"1"}',
    '-1 {"shop":0,"total":"90.00","n":"8"}',
  ])
  await feed.close()
  expect(await feed.next()).toEqual({ done: true, value: undefined })
  expect(await emitting('by_shop')).toBe(false)
  expect(await world.database.query(raw('table freshet.subscription'))).toEqual([])
})

test('a copy follows refreshes of both kinds, with duplicates', async () => {
  const { freshet, run, database } = world
  const feed = await freshet.subscribe('notes', { durable: false, pageRows: 7 })
  const { take, differs, copy } = copyOf(database, 'notes')
  const follow = async () => {
    do take(await next(feed))
    while ((await differs()).length > 0)
  }
  await follow()
  for (const [change, full] of [
    [`update sales set note = 'same'`, false],
    [`insert into sales select i, 3, 1, null from generate_series(200, 230) i; delete from sales where id < 9`, true],
    [`update sales set note = 'other' where id % 2 = 0`, false],
  ] as const) {
    await run(change)
    await freshet.refresh('notes', { full })
    await follow()
    await assertEqualToQuery(database, 'notes', STREAMS.notes)
  }
  expect(copy.size).toBeGreaterThan(40)
  await feed.close()
})
