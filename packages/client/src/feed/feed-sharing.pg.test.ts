import { connect, raw } from '@freshet/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { assertEqualToQuery } from '@freshet/testkit'
import { createFreshet } from '../connect.ts'
import { type FeedWorld, feedWorld, next, observed, STREAMS, weights } from './feed.fixture.ts'

let world: FeedWorld
beforeAll(async () => {
  world = await feedWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

const observing = async (before?: (text: string) => Promise<void>) => {
  const { database, sent } = observed(await connect({ url: world.test.url }), before)
  return { sent, freshet: createFreshet(database) }
}

test('feeds of one client wait on one connection, and read a window once', async () => {
  const { freshet, run } = world
  const { freshet: client, sent } = await observing()
  const feeds = [
    await client.subscribe('by_shop', { from: 'now' }),
    await client.subscribe('by_shop', { from: 'now' }),
    await client.subscribe('by_shop', { from: 'now' }),
  ]
  const change = async (id: number) => {
    const pages = feeds.map(next)
    await run(`update sales set amount = amount + 1 where id = ${id}`)
    await freshet.refresh('by_shop')
    return Promise.all(pages)
  }
  await change(1)
  // by now they stand at the same snapshot
  const before = sent('consolidated').length
  const [one, two, three] = await change(2)
  expect(one?.changes).toHaveLength(2)
  expect(two?.changes).toBe(one?.changes)
  expect(three?.changes).toBe(one?.changes)
  expect(sent('consolidated')).toHaveLength(before + 1)
  expect(new Set([one, two, three].map((page) => page?.token)).size).toBe(3)
  const polls = sent('as changed')
  expect(polls.length).toBeGreaterThan(0)
  expect(new Set(polls.map(({ session }) => session)).size).toBe(1)
  await client.close()
})

test('feeds at the same place read a batch of several pages once, each its own pages', async () => {
  const { freshet, run } = world
  const { freshet: client, sent } = await observing()
  const options = { from: 'now', pageRows: 10, durable: false } as const
  const feeds = [
    await client.subscribe('notes', options),
    await client.subscribe('notes', options),
    await client.subscribe('notes', options),
  ]
  const change = async (id: number, count: number) => {
    const firsts = feeds.map(next)
    await run(`insert into sales select ${id} + i, 3, 1, 'some ' || i from generate_series(1, ${count}) i`)
    await freshet.refresh('notes')
    return Promise.all(
      feeds.map(async (feed, i) => {
        const pages = [await firsts[i]]
        while (pages.at(-1)?.token === null) pages.push(await next(feed))
        return pages
      }),
    )
  }
  await change(20_000, 1)
  const before = sent('consolidated').length
  const [one, two, three] = await change(21_000, 25)
  expect(sent('consolidated')).toHaveLength(before + 1)
  for (const pages of [one, two, three]) {
    expect(pages?.map((page) => page?.changes.length)).toEqual([10, 10, 5])
    expect(pages?.map((page) => page?.changes)).toEqual(one?.map((page) => page?.changes))
  }
  // more than a page for each of them: through a cursor
  const [large] = await change(22_000, 35)
  expect(large?.map((page) => page?.changes.length)).toEqual([10, 10, 10, 5])
  expect(sent('fetch forward').length).toBeGreaterThan(0)
  await client.close()
  await assertEqualToQuery(world.database, 'notes', STREAMS.notes)
})

test('a batch of many pages is read page by page, as fast as the reader asks', async () => {
  const { freshet, run } = world
  const { freshet: client, sent } = await observing()
  const feed = await client.subscribe('notes', { from: 'now', pageRows: 10, durable: false })
  await run(`insert into sales select i, 3, 1, 'many ' || i from generate_series(10000, 10499) i`)
  await freshet.refresh('notes')
  const taken = []
  for (let i = 1; i <= 4; i++) {
    taken.push(await next(feed))
    // the page, and the look whether there is another one
    expect(sent('fetch forward')).toHaveLength(i + 1)
  }
  const waiting = sent('').length
  await run(`update sales set note = 'more' where id = 10000`)
  await freshet.refresh('notes')
  // who does not ask is not asked for
  expect(sent('as changed').length).toBe(1)
  expect(sent('').length).toBe(waiting)
  while (taken.at(-1)?.token === null) taken.push(await next(feed))
  expect(taken.map(({ changes }) => changes.length)).toEqual(Array.from({ length: 50 }, () => 10))
  expect(taken.filter(({ token }) => token !== null)).toHaveLength(1)
  // of the window that follows, it has not taken a page
  expect((await next(feed)).changes).toHaveLength(2)
  await client.close()
})

test('what commits while a window is read belongs to the next one', async () => {
  const { freshet, run } = world
  const add = async (id: number) => {
    await run(`insert into sales values (${id}, 4, 1, 'new ${id}')`)
    await freshet.refresh('notes')
  }
  let meanwhile = 0
  const { freshet: client } = await observing(async (text) => {
    if (text.includes('consolidated') && meanwhile++ === 0) await add(502)
  })
  const feed = await client.subscribe('notes', { from: 'now', durable: false })
  const first = next(feed)
  await add(501)
  expect(weights(await first)).toEqual(['+1 {"note":"new 501","shop":4}'])
  expect(weights(await next(feed))).toEqual(['+1 {"note":"new 502","shop":4}'])
  expect(meanwhile).toBe(2)
  await client.close()
})

test('a reader that leaves in the middle of a batch leaves nothing open', async () => {
  const { database, freshet } = world
  const feed = await freshet.subscribe('notes', { pageRows: 5, durable: false })
  for await (const page of feed) {
    expect(page.changes).toHaveLength(5)
    break
  }
  const open = await database.query(
    raw(`select from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`),
  )
  expect(open).toEqual([])
  // also one that waits, and one that has not begun
  const idle = await freshet.subscribe('notes', { from: 'now', durable: false })
  const waiting = idle.next()
  await idle.close()
  expect(await waiting).toEqual({ done: true, value: undefined })
  const ending = new AbortController()
  const aborted = await freshet.subscribe('notes', { durable: false, from: 'now', signal: ending.signal })
  const last = aborted.next()
  ending.abort()
  expect(await last).toEqual({ done: true, value: undefined })
})
