import { raw, sql } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from './connect.ts'
import type { Freshet } from './freshet.ts'

/** What is written is seen: by whoever wrote it, as soon as the call returns, whoever else writes and refreshes. */
const STREAMS = {
  total: 'select shop, sum(amount) as total from sales group by shop',
  best: 'select max(total) as total from total',
  shares: 'select shop, 1000 / (10000 - sum(amount)) as share from sales group by shop',
} as const

let own: TestDatabase
let freshet: Freshet
beforeAll(async () => {
  own = await createTestDatabase()
  await own.database.query(
    raw(`create table sales (id int generated always as identity primary key, shop int not null, amount int not null);
      insert into sales (shop, amount) select i % 3, i from generate_series(1, 20) i`),
  )
  freshet = await connect(own.url)
  own.defer(() => freshet.close())
  for (const [name, query] of Object.entries(STREAMS)) await freshet.create({ name, query, schedule: 'manual' })
})
afterAll(() => own.drop())

const compare = async (names: readonly (keyof typeof STREAMS)[]) => {
  for (const name of names) await assertEqualToQuery(own.database, name, STREAMS[name])
}
const sales = async () => (await own.database.query(raw('select from sales'))).length

test.each(['trigger', 'wal'] as const)('eight writers, each sees what it wrote; captured by %s', async (cdc) => {
  await freshet.alter('total', { cdc })
  const another = await connect(own.url)
  own.defer(() => another.close())
  const write = async (writer: number) => {
    const shop = 100 + writer
    for (let i = 1; i <= 4; i++) {
      const by = i % 2 === 0 ? freshet : another
      const amount = await by.writeAndRefresh(['best', 'total'], async (transaction) => {
        const [sold] = await transaction.query<{ amount: number }>(
          sql`insert into sales (shop, amount) values (${shop}, 10) returning amount`,
        )
        return sold?.amount
      })
      expect(amount).toBe(10)
      const [seen] = await own.database.query<{ total: string }>(sql`select total from total where shop = ${shop}`)
      expect(seen).toEqual({ total: String(i * 10) })
    }
  }
  await Promise.all(Array.from({ length: 8 }, (_, i) => write(i)))
  await compare(['total', 'best'])
  await own.database.query(raw('delete from sales where shop >= 100'))
  await freshet.refresh('best', { upstream: true })
  await compare(['total', 'best'])
  await freshet.alter('total', { cdc: 'trigger' })
})

test('by one name; a refresh with what it reads', async () => {
  await freshet.writeAndRefresh('best', (transaction) => transaction.query(raw('update sales set amount = amount + 1')))
  await compare(['total', 'best'])
  await own.database.query(raw('insert into sales (shop, amount) values (4, 500)'))
  expect(await freshet.refresh('best')).toMatchObject({ action: 'none' })
  expect(await freshet.refresh('best', { upstream: true })).toMatchObject({ action: 'differential', rowsInserted: 1 })
  await compare(['total', 'best'])
})

test('an error of the work rolls it back, and is thrown as it is', async () => {
  const before = await sales()
  const failure = new Error('mine')
  const work = freshet.writeAndRefresh('best', async (transaction) => {
    await transaction.query(raw('insert into sales (shop, amount) values (5, 1)'))
    throw failure
  })
  await expect(work).rejects.toBe(failure)
  expect(await sales()).toBe(before)
})

test('a name that is not known writes nothing', async () => {
  const before = await sales()
  const work = freshet.writeAndRefresh(['total', 'other'], (transaction) =>
    transaction.query(raw('insert into sales (shop, amount) values (5, 1)')),
  )
  await expect(work).rejects.toMatchObject({ code: 'UNKNOWN_STREAM_TABLE' })
  expect(await sales()).toBe(before)
})

test('a refresh that fails says that the write is committed', async () => {
  const before = await sales()
  const work = freshet.writeAndRefresh('shares', (transaction) =>
    transaction.query(raw('insert into sales (shop, amount) values (6, 10000)')),
  )
  await expect(work).rejects.toMatchObject({
    code: 'QUERY_FAILED',
    sqlState: '22012',
    message: expect.stringMatching(/^what was written is committed: .*division by zero/) as string,
  })
  expect(await sales()).toBe(before + 1)
  await own.database.query(raw('delete from sales where shop = 6'))
  await freshet.refresh('shares')
  await compare(['shares'])
})

test('a refresh waits for whoever holds the table as long as it is told, and then does nothing', async () => {
  await own.database.query(raw('insert into sales (shop, amount) values (7, 1)'))
  const other = await own.client()
  await other.query('begin; select from freshet.stream_table_state for update')
  await expect(freshet.refresh('total', { patienceMs: 0 })).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' })
  const waiting = freshet.refresh('total')
  await other.query('rollback')
  expect(await waiting).toMatchObject({ action: 'differential' })
  await compare(['total'])
})
