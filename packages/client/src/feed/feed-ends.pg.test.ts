import { raw } from '@freshet/core'
import { assertEqualToQuery, countingLink } from '@freshet/testkit'
import { expect, test } from 'vitest'
import { copyOf, feedWorld, next, STREAMS, weights } from './feed.fixture.ts'
import type { FollowedCopy } from './follow.ts'

const changed = (copy: FollowedCopy<object>) =>
  new Promise<void>((resolve) => {
    const stop = copy.onChange(() => {
      stop()
      resolve()
    })
  })

test('dropped or altered while somebody reads; another feed goes on', async () => {
  await using world = await feedWorld()
  const { freshet, run, database } = world
  const dropped = await freshet.subscribe('notes', { from: 'now' })
  const altered = await freshet.subscribe('by_shop', { from: 'now' })
  await freshet.create({ name: 'sizes', query: 'select count(*) as n from sales', schedule: 'manual' })
  const stays = await freshet.subscribe('sizes', { from: 'now' })
  const ends = [dropped, altered, stays].map(next)
  ends.forEach((end) => void end.catch(() => undefined))

  await freshet.drop('notes')
  await expect(ends[0]).rejects.toMatchObject({ code: 'UNKNOWN_STREAM_TABLE', message: 'public.notes was dropped' })
  expect(await dropped.next()).toMatchObject({ done: true })
  await freshet.alter('by_shop', { query: 'select shop, max(amount) as most from sales group by shop' })
  await expect(ends[1]).rejects.toMatchObject({ code: 'FEED_TOKEN_EXPIRED' })
  await run('delete from sales where id = 1')
  await freshet.refresh('sizes')
  expect((await ends[2])?.changes.map(({ row }) => row)).toEqual([{ n: '40' }, { n: '39' }])

  // what it writes out now has the new columns
  const again = await freshet.subscribe('by_shop')
  expect((await next(again)).changes[0]?.row).toHaveProperty('most')
  await run('update sales set amount = 1000 where id = 2')
  await freshet.refresh('by_shop')
  expect((await next(again)).changes.map(({ row }) => row)).toMatchObject([{ shop: 2 }, { shop: 2, most: '1000.00' }])
  expect(await freshet.doctor()).not.toContainEqual(expect.objectContaining({ level: 'error' }))
  await assertEqualToQuery(database, 'by_shop', 'select shop, max(amount) as most from sales group by shop')
})

test('a live copy survives a lost connection and an altered query, and ends with its stream table', async () => {
  await using world = await feedWorld()
  const { freshet, run, database, test: own } = world
  await using link = await countingLink(own.url)
  const far = await world.connect({ databaseUrl: link.url })
  const table = far.streamTable<{ shop: number; total: string }>('by_shop')
  const copy = await table.liveCopy({ pageRows: 2 })
  expect(copy.size).toBe(5)
  const shown = copy.rows()
  expect(copy.rows()).toBe(shown)

  const follow = async (change: () => Promise<unknown>) => {
    const news = changed(copy)
    await change()
    await news
  }
  link.cut()
  await follow(async () => {
    await run('update sales set amount = amount + 1, shop = 7 where id = 2')
    await freshet.refresh('by_shop')
  })
  expect(copy.rows()).not.toBe(shown)
  expect(new Set(copy.rows().map(({ shop }) => shop))).toEqual(new Set([0, 1, 2, 3, 4, 7]))
  await follow(() =>
    freshet.alter('by_shop', { query: 'select shop, 1 as total from sales where shop > 3 group by 1' }),
  )
  const { differs } = copyOf(database, 'by_shop')
  expect(new Set(copy.rows().map(({ shop }) => shop))).toEqual(new Set([4, 7]))
  expect(await differs()).not.toEqual([])
  await freshet.drop('by_shop')
  await expect(copy.ended).rejects.toMatchObject({ code: 'UNKNOWN_STREAM_TABLE' })
  await far.close()
})

test('an immediate stream table, whose writers write the feed', async () => {
  await using world = await feedWorld()
  const { freshet, run, database } = world
  await freshet.alter('by_shop', { mode: 'immediate' })
  const feed = await freshet.subscribe('by_shop', { durable: false })
  const { take, differs } = copyOf(database, 'by_shop')
  take(await next(feed))
  await run(`begin; update sales set amount = amount + 1 where id < 9; delete from sales where id = 3;
    savepoint s; delete from sales; rollback to s; insert into sales values (400, 9, 1, null); commit`)
  take(await next(feed))
  expect(await differs()).toEqual([])
  await assertEqualToQuery(database, 'by_shop', STREAMS.by_shop)
  await feed.close()
  expect(await database.query(raw(`select from freshet.source where capture = 'refresh'`))).toEqual([])
})

test('who commits late is in a later window, although the transaction is older', async () => {
  await using world = await feedWorld()
  const { freshet, run, test: own } = world
  await freshet.create({ name: 'few', query: 'select id, note from sales where id > 500', mode: 'immediate' })
  const feed = await freshet.subscribe('few', { from: 'now', durable: false })
  const late = await own.client()
  await late.query(`begin; insert into sales values (501, 1, 1, 'late')`)
  const first = next(feed)
  await run(`insert into sales values (502, 1, 1, 'early')`)
  expect(weights(await first)).toEqual(['+1 {"id":502,"note":"early"}'])
  const second = next(feed)
  await late.query('commit')
  expect(weights(await second)).toEqual(['+1 {"id":501,"note":"late"}'])
  await feed.close()
})
