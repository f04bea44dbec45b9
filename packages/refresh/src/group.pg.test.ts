import { triggerCapture } from '@freshet/cdc'
import { type Database, raw, type Refresher } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createStreamTable } from './create.ts'
import { createRefresher } from './refresher.ts'

/** A chain that is refreshed in one transaction, and link by link where that can not be. */
const CHAIN = {
  a: 'select k, sum(n) as n, count(*) as rows from item group by k',
  b: 'select k, n, 100 / nullif(rows, 7) as share from a where n > 0',
  c: 'select k % 3 as k, sum(n) as n, max(share) as share from b group by k % 3',
  d: 'select c.k, c.n, c.share, o.word from c join other o on o.k = c.k',
} as const

let own: TestDatabase
let database: Database
let refresher: Refresher
let ids: number[]

beforeEach(async () => {
  own = await createTestDatabase()
  database = own.database
  await run(`create table item (id int primary key, k int not null, n int not null);
    create table other (k int primary key, word text not null);
    insert into item select i, i % 9, i from generate_series(1, 90) i;
    insert into other select i, 'w' || i from generate_series(0, 2) i`)
  const context = { database, capture: triggerCapture() }
  refresher = createRefresher(context)
  ids = []
  for (const [name, query] of Object.entries(CHAIN))
    ids.push((await createStreamTable(context, { name, query, mode: 'differential' })).id)
  // each link has been refreshed alone, and quickly
  for (let round = 0; round < 2; round++) {
    await run('update item set n = n + 1 where id = 1')
    for (const id of ids) await refresher.refresh(id)
  }
})
afterEach(() => own.drop())

const run = (script: string) => database.query<Record<string, unknown>>(raw(script))

const grouped = () => refresher.refresh(ids[0] ?? -1, { along: ids.slice(1), initiatedBy: 'test' })

async function assertAllEqual(): Promise<void> {
  for (const [name, query] of Object.entries(CHAIN)) await assertEqualToQuery(database, name, query)
}

const transactions = async () => {
  const [row] = await run('select count(distinct xmin::text)::int as n from freshet.stream_table_state')
  return row?.['n']
}

test('one transaction for the whole chain, and the next goes on from it, in this process or in another', async () => {
  for (let round = 0; round < 3; round++) {
    await run(
      `update item set n = n + 5 where id = ${round + 10}; update other set word = word || '!' where k = ${round}`,
    )
    const outcome = await grouped()
    expect(outcome).toMatchObject({ action: 'differential', changeRows: expect.any(Number) })
    expect([...(outcome.together ?? [])].map(([id, { action }]) => [id, action])).toEqual(
      ids.slice(1).map((id) => [id, 'differential']),
    )
    expect(await transactions()).toBe(1)
    await assertAllEqual()
  }
  expect(await grouped()).toMatchObject({ action: 'none' })
  for (const id of ids) {
    const [before] = await run(`select count(*)::int as n from freshet.refresh_history`)
    expect(await createRefresher({ database, capture: triggerCapture() }).refresh(id)).toMatchObject({ action: 'none' })
    expect(await run(`select count(*)::int as n from freshet.refresh_history`)).toEqual([before])
  }
  await run('delete from item where k = 4')
  for (const id of ids) await refresher.refresh(id)
  await assertAllEqual()
})

test('after a source was renamed, they are in one transaction again', async () => {
  await run('update item set n = n + 1 where id = 2')
  await grouped()
  expect(await transactions()).toBe(1)
  await run('alter table item rename to thing; update thing set n = n + 1 where id = 3')
  for (const id of ids) await refresher.refresh(id)
  for (let round = 0; round < 2; round++) {
    await run('update thing set n = n + 1 where id = 4')
    await grouped()
    await run('update thing set n = n + 1 where id = 4')
    for (const id of ids) await refresher.refresh(id)
  }
  await run('update thing set n = n + 1 where id = 5')
  await grouped()
  expect(await transactions()).toBe(1)
  await assertEqualToQuery(database, 'a', CHAIN.a.replace('item', 'thing'))
  for (const name of ['b', 'c', 'd'] as const) await assertEqualToQuery(database, name, CHAIN[name])
})

test('what does not reach the end leaves the rest as it was', async () => {
  await run('insert into item values (1000, 4, 0)')
  expect((await grouped()).together?.get(ids[0] ?? -1)).toBeUndefined()
  await assertAllEqual()
})

test('many changes, a failing link, a link that somebody holds: the first link alone', async () => {
  const alone = async () => {
    const outcome = await grouped()
    expect(outcome).toMatchObject({ action: 'differential' })
    expect(outcome.together).toBeUndefined()
    await assertEqualToQuery(database, 'a', CHAIN.a)
  }
  await run('insert into item select i, i % 9, i from generate_series(200, 20000) i')
  await alone()
  for (const id of ids.slice(1)) await refresher.refresh(id)
  await assertAllEqual()
  await run('delete from item where id > 150')
  for (const id of ids) await refresher.refresh(id)
  await run('update item set n = n + 1 where id = 3')
  for (const id of ids) await refresher.refresh(id)

  await run(`alter table c add constraint small check (n < 1000000)`)
  await run('update item set n = 2000000 where id = 5')
  await alone()
  await refresher.refresh(ids[1] ?? -1)
  await expect(refresher.refresh(ids[2] ?? -1)).rejects.toMatchObject({ sqlState: '23514' })
  await run('alter table c drop constraint small')
  for (const id of ids) await refresher.refresh(id)
  await assertAllEqual()

  const other = await own.client()
  await other.query('begin')
  await other.query('select from freshet.stream_table_state where stream_table_id = $1 for update', [ids[2]])
  await run('update item set n = n + 1 where id = 6')
  await alone()
  await other.query('commit')
  for (const id of ids.slice(1)) await refresher.refresh(id)
  await assertAllEqual()
})

test('a source that is truncated between two refreshes of the group', async () => {
  await run('truncate other')
  await run('update item set n = n + 1 where id = 6')
  await grouped()
  for (const id of ids.slice(1)) await refresher.refresh(id)
  await assertAllEqual()
})
