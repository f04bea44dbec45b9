import { setTimeout as sleep } from 'node:timers/promises'
import { raw, writeSetting } from '@freshet/core'
import { assertEqualToQuery, freshSeed, random } from '@freshet/testkit'
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'
import type { SubscribeOptions } from './feed.ts'
import { copyOf, type FeedWorld, feedWorld, next, STREAMS } from './feed.fixture.ts'

let world: FeedWorld
beforeAll(async () => {
  world = await feedWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

/**
 * Writers whose transactions stay open, refreshes of both kinds that also trim, and a reader who stops wherever chance
 * says, in the middle of batches too, and goes on from the last token that it put away, in this process or another one.
 * What is lost, doubled or trimmed too early is in its copy at the end.
 */
test('a reader that stops anywhere and goes on from its token has the table', async () => {
  const seed = freshSeed()
  onTestFailed(() => void process.stderr.write(`seed ${seed}\n`))
  const chance = random(seed)
  await using busy = await feedWorld()
  const { freshet, database, test: own } = busy
  const state = { writing: true, refreshing: true }
  const writers = [chance.fork(), chance.fork(), chance.fork()].map(async (dice, writer) => {
    const client = await own.client()
    for (let i = 0; state.writing; i++) {
      const id = 1_000 * (writer + 1) + i
      await client.query('begin')
      await client.query(`insert into sales values (${id}, ${dice.int(0, 6)}, ${dice.int(1, 9)}, 'w${dice.int(0, 3)}')`)
      await client.query(
        `update sales set amount = amount + 1, note = 'u' || shop where id % 7 = ${dice.int(0, 6)} and id < 50`,
      )
      if (dice.chance(0.3)) await client.query(`delete from sales where id = ${id - dice.int(1, 5)}`)
      if (dice.chance(0.3)) await sleep(dice.int(1, 30))
      await client.query(dice.chance(0.1) ? 'rollback' : 'commit')
    }
  })
  const refreshing = (async () => {
    const dice = chance.fork()
    while (state.refreshing) {
      for (const name of ['by_shop', 'notes']) await freshet.refresh(name, { full: dice.chance(0.2) })
      await sleep(dice.int(0, 10))
    }
  })()

  const other = await busy.connect()
  const read = async (name: string) => {
    const dice = chance.fork()
    const { take, breakOff, copy, differs } = copyOf(database, name)
    const readFor = async (pages: number) => {
      const from: SubscribeOptions['from'] = copy.token === null ? 'snapshot' : { token: copy.token }
      const feed = await (dice.chance(0.5) ? freshet : other).subscribe(name, { from, pageRows: dice.int(1, 40) })
      for (let i = 0; i < pages; i++) take(await next(feed))
      breakOff()
      await feed.close()
    }
    for (let stops = 0; stops < 10; stops++) await readFor(dice.int(0, 5))
    return { differs, readFor }
  }
  const readers = await Promise.all(['by_shop', 'notes', 'notes'].map(read))
  state.writing = false
  await Promise.all(writers)
  state.refreshing = false
  await refreshing
  for (const name of ['by_shop', 'notes'] as const) {
    await freshet.refresh(name)
    await assertEqualToQuery(database, name, STREAMS[name])
  }
  for (const { differs, readFor } of readers) while ((await differs()).length > 0) await readFor(1)
})

test('a token whose changes were trimmed is refused; before that it is good, also without its row', async () => {
  const { freshet, database, run } = world
  const feed = await freshet.subscribe('by_shop')
  const { token } = await next(feed)
  await feed.close()
  const from = { token: token ?? '' }
  await writeSetting(database, 'subscription_retention_minutes', 1)
  // one that stays keeps the output delta going
  const stays = await freshet.subscribe('by_shop', { from: 'now', durable: false })
  await run(`update freshet.subscription set acknowledged_at = acknowledged_at - interval '2 minutes'
    where subscription_id < (select max(subscription_id) from freshet.subscription)`)
  await run(`update sales set amount = amount + 1 where id = 1`)
  await freshet.refresh('by_shop')
  const again = await freshet.subscribe('by_shop', { from })
  const changes = await next(again)
  expect(changes.changes).toHaveLength(2)
  await again.close()

  await run(`update freshet.subscription set acknowledged_at = acknowledged_at - interval '2 minutes'`)
  await run(`update sales set amount = amount + 1 where id = 1`)
  await freshet.refresh('by_shop')
  await expect(freshet.subscribe('by_shop', { from })).rejects.toMatchObject({
    code: 'FEED_TOKEN_EXPIRED',
    hint: expect.stringContaining('Begin anew'),
  })
  // whoever still reads, and was taken for dead, is told as well
  await expect(next(stays)).rejects.toMatchObject({ code: 'FEED_TOKEN_EXPIRED' })
  const left = await database.query(raw('table freshet.subscription'))
  expect(left).toEqual([])
})

test('tokens of something else', async () => {
  const { freshet, database, run } = world
  const feed = await freshet.subscribe('notes')
  const pages = [await next(feed)]
  while (pages.at(-1)?.token === null) pages.push(await next(feed))
  const token = pages.at(-1)?.token ?? ''
  await feed.close()
  await expect(freshet.subscribe('by_shop', { from: { token } })).rejects.toMatchObject({ code: 'FEED_TOKEN_INVALID' })
  for (const text of ['', 'nonsense', token.slice(4)])
    await expect(freshet.subscribe('notes', { from: { token: text } }), text).rejects.toMatchObject({
      code: 'FEED_TOKEN_INVALID',
    })
  const elsewhere = token.replace(/^.{12}/, Buffer.from('1 0000000').toString('base64url'))
  await expect(freshet.subscribe('notes', { from: { token: elsewhere } })).rejects.toMatchObject({
    code: 'FEED_TOKEN_INVALID',
  })
  const decoded = Buffer.from(token, 'base64url').toString()
  const ahead = Buffer.from(decoded.replace(/ \d+:\d+:.*$/, ' 99999999:99999999:')).toString('base64url')
  await expect(freshet.subscribe('notes', { from: { token: ahead } })).rejects.toMatchObject({
    code: 'FEED_TOKEN_INVALID',
    detail: expect.stringContaining('set back'),
  })
  await expect(freshet.subscribe('nothing')).rejects.toMatchObject({ code: 'UNKNOWN_STREAM_TABLE' })
  await freshet.unsubscribe(token)
  expect(await database.query(raw('table freshet.subscription'))).toEqual([])
  // nobody read it, and something changed
  await run(`update sales set note = 'unseen' where id = 3`)
  await freshet.refresh('notes')
  await expect(freshet.subscribe('notes', { from: { token } })).rejects.toMatchObject({ code: 'FEED_TOKEN_EXPIRED' })
})
