import { setTimeout as sleep } from 'node:timers/promises'
import { raw } from '@freshet/core'
import { assertEqualToQuery } from '@freshet/testkit'
import { expect, test } from 'vitest'
import { copyOf, feedWorld, next } from './feed.fixture.ts'

/** A diamond: its top reads in its window what its sides have written in the same transaction. */
const UNIT = {
  left_side: 'select shop, sum(amount) as total from sales group by shop',
  right_side: 'select note, shop from sales where shop > 1',
  top: 'select l.shop, l.total, r.note from left_side l join right_side r on r.shop = l.shop',
} as const
const NAMES = ['left_side', 'right_side', 'top'] as const

test('feeds of a unit, whose members are refreshed in one transaction', async () => {
  await using world = await feedWorld()
  const { freshet, run, database } = world
  for (const name of NAMES)
    await freshet.create({
      name,
      query: UNIT[name],
      mode: 'differential',
      schedule: 'manual',
      ...(name === 'top' ? { atomic: 'diamond' } : {}),
    })
  const readers = await Promise.all(
    NAMES.map(async (name) => ({
      name,
      copy: copyOf(database, name),
      feed: await freshet.subscribe(name, { pageRows: 7 }),
    })),
  )
  // one transaction, so what came before a token of one is what came before the token of another
  const follow = async () => {
    for (const { copy, feed } of readers)
      do copy.take(await next(feed))
      while ((await copy.differs()).length > 0)
  }
  await follow()
  const late = await world.test.client()
  await late.query('begin; insert into sales values (900, 2, 9, null)')
  for (const [change, full] of [
    [`update sales set amount = amount + 1, note = 'a' where id < 20`, false],
    [
      `delete from sales where id % 3 = 0; insert into sales select i, 1 + i % 4, 1, 'b' from generate_series(200, 240) i`,
      true,
    ],
    [`update sales set shop = 4 where shop = 2; update sales set note = null where shop = 3`, false],
  ] as const) {
    await run(change)
    const outcome = await freshet.refresh('top', { full })
    // the others
    expect(outcome.together?.size).toBe(NAMES.length - 1)
    await follow()
    for (const name of NAMES) await assertEqualToQuery(database, name, UNIT[name])
  }
  // whoever began before the last refreshes and commits after them is in the next window
  await late.query('commit')
  await freshet.refresh('left_side')
  await follow()

  // a reader that was away through a refresh of the unit goes on from its token
  const tokens = readers.map(({ copy }) => copy.copy.token ?? '')
  for (const { feed } of readers) await feed.close()
  await run(`update sales set amount = amount * 2 where shop = 4; delete from sales where shop = 3`)
  await freshet.refresh('top')
  for (const [i, { name, copy }] of readers.entries()) {
    const feed = await freshet.subscribe(name, { from: { token: tokens[i] ?? '' } })
    do copy.take(await next(feed))
    while ((await copy.differs()).length > 0)
    await feed.close()
    await assertEqualToQuery(database, name, UNIT[name])
  }
})

test('a batch that is being read when another query is swapped in comes whole; then the feed begins anew', async () => {
  await using world = await feedWorld()
  const { freshet, run, database } = world
  const query = 'select note, shop from sales where shop > 2'
  const feed = await freshet.subscribe('notes', { from: 'now', pageRows: 10 })
  await run(`insert into sales select i, 3, 1, 'many ' || i from generate_series(1000, 1044) i`)
  await freshet.refresh('notes')
  const pages = [await next(feed)]
  let swapped = false
  const altered = freshet.alter('notes', { query }).then(() => {
    swapped = true
  })
  // it asks for the lock behind which names are exchanged, and gives up, and asks again
  const asks = raw(`select from pg_locks where mode = 'AccessExclusiveLock' and not granted
    and relation in ('notes'::regclass, (select to_regclass('freshet_changes.changes_' || stable_name)
      from freshet.stream_table where table_name = 'notes'))`)
  while ((await database.query(asks)).length === 0) await sleep(1)
  expect(swapped).toBe(false)
  while (pages.at(-1)?.token === null) pages.push(await next(feed))
  expect(pages.map(({ changes }) => changes.length)).toEqual([10, 10, 10, 10, 5])
  await altered
  await expect(next(feed)).rejects.toMatchObject({ code: 'FEED_TOKEN_EXPIRED' })
  const { token } = pages.at(-1) ?? {}
  await expect(freshet.subscribe('notes', { from: { token: token ?? '' } })).rejects.toMatchObject({
    code: 'FEED_TOKEN_EXPIRED',
  })
  const again = await freshet.subscribe('notes', { durable: false })
  const copy = copyOf(database, 'notes')
  copy.take(await next(again))
  expect(await copy.differs()).toEqual([])
  await run(`update sales set note = 'after' where id = 1000; delete from sales where id = 1001`)
  await freshet.refresh('notes')
  copy.take(await next(again))
  expect(await copy.differs()).toEqual([])
  await assertEqualToQuery(database, 'notes', query)
})
