import { connect, type Freshet } from '@freshet/client'
import { raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startScheduler } from './scheduler.ts'

/** A diamond under schedulers, each row of which shows the position that it is at. */
const STREAMS = {
  left_side: 'select i.kind, sum(i.n) as n, max(c.n) as at from item i cross join clock c group by i.kind',
  right_side: 'select i.id, i.kind, c.n as at from item i cross join clock c where i.n > 2',
  top: 'select l.kind, l.n, l.at, r.at as right_at, r.id from left_side l join right_side r on r.kind = l.kind',
} as const

let own: TestDatabase
let freshet: Freshet
const run = (script: string) => own.database.query<Record<string, unknown>>(raw(script))

beforeAll(async () => {
  own = await createTestDatabase()
  await run(`create table clock (n int not null); insert into clock values (0);
    create table item (id int primary key, kind text not null, n int not null);
    insert into item select i, 'k' || i % 3, i from generate_series(1, 12) i`)
  freshet = await connect(own.url)
  own.defer(() => freshet.close())
})
afterAll(() => own.drop())

test('two schedulers keep a diamond, and no statement sees its sides apart', async () => {
  await freshet.create({ name: 'left_side', query: STREAMS.left_side, mode: 'differential' })
  await freshet.create({ name: 'right_side', query: STREAMS.right_side, mode: 'differential' })
  expect(
    await freshet.create({ name: 'top', query: STREAMS.top, mode: 'differential', atomic: 'diamond' }),
  ).toMatchObject({ atomic: 'diamond', together: ['public.left_side', 'public.right_side'] })
  for (let i = 0; i < 2; i++) {
    const scheduler = await startScheduler({ databaseUrl: own.url, port: 0, logLevel: 'silent' })
    own.defer(() => scheduler.stop())
  }
  const position = async () => {
    const [row] = await run(`select (select array_agg(distinct at) from left_side) as l,
      (select array_agg(distinct at) from right_side) as r, (select array_agg(distinct at) from top) as t,
      (select array_agg(distinct right_at) from top) as tr`)
    const found = Object.values(row ?? {})
    expect(new Set(found.map(String)).size, JSON.stringify(row)).toBe(1)
    return Number(String(found[0]))
  }
  for (let n = 1; n <= 15; n++) {
    await run(`begin; update item set n = n + 1 where id = ${n % 12}; update clock set n = ${n}; commit`)
    // every look is one at all of them
    while ((await position()) < n);
  }
  for (const [name, query] of Object.entries(STREAMS)) await assertEqualToQuery(own.database, name, query)
  // paused, one holds the others
  await freshet.pause('right_side')
  await run('update clock set n = 100')
  await freshet.create({ name: 'free', query: 'select n from clock' })
  await run('update clock set n = 101')
  while ((await run('select from free where n = 101')).length === 0);
  expect(await position()).toBe(15)
  await freshet.resume('right_side')
  while ((await position()) < 101);
  for (const [name, query] of Object.entries(STREAMS)) await assertEqualToQuery(own.database, name, query)
})
