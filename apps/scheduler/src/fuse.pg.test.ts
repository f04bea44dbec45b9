import { connect, type Freshet } from '@freshet/client'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startScheduler } from './scheduler.ts'

let own: TestDatabase
let freshet: Freshet
beforeAll(async () => {
  own = await createTestDatabase()
  freshet = await connect(own.url)
  own.defer(() => freshet.close())
})
afterAll(() => own.drop())

const QUERY = 'select kind, count(*) as n from items group by kind'

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not in time: ${condition.toString()}`)
    await sleep(10)
  }
}

async function write(rows: number): Promise<void> {
  await freshet.database.query({
    text: `insert into items (kind) select 'k' || i % 3 from generate_series(1, $1::int) i`,
    values: [rows],
  })
}

async function counted(table: 'fused' | 'free'): Promise<number> {
  const [row] = await freshet.database.query<{ n: number }>({
    text: `select coalesce(sum(n), 0)::int as n from ${table}`,
    values: [],
  })
  return row?.n ?? 0
}

test('a blown fuse suspends the table as it was; resume lets one refresh through', async () => {
  await freshet.database.query({
    text: 'create table items (id int generated always as identity, kind text)',
    values: [],
  })
  await expect(freshet.create({ name: 'fused', query: QUERY, fuse: 0 })).rejects.toMatchObject({ code: 'USAGE' })
  expect(await freshet.create({ name: 'fused', query: QUERY, fuse: 10 })).toMatchObject({ fuse: 10 })
  await freshet.create({ name: 'free', query: QUERY })
  const scheduler = await startScheduler({ databaseUrl: own.url, port: 0, logLevel: 'silent' })
  own.defer(() => scheduler.stop())
  const suspended = async () => (await freshet.get('fused')).status === 'suspended'

  await write(10)
  await until(async () => (await counted('fused')) === 10)
  await write(100)
  await until(suspended)
  expect((await freshet.get('fused')).statusReason).toBe(
    'FUSE_BLOWN: 100 change rows wait for public.fused, and its fuse lets 10 through',
  )
  await until(async () => (await counted('free')) === 110)
  expect(await counted('fused')).toBe(10)

  await freshet.resume('fused')
  await until(async () => (await counted('fused')) === 110)
  await assertEqualToQuery(freshet.database, 'fused', QUERY)
  await write(11)
  await until(suspended)
  await freshet.refresh('fused')
  await assertEqualToQuery(freshet.database, 'fused', QUERY)

  expect(await freshet.alter('fused', { fuse: null })).toMatchObject({ fuse: null, status: 'suspended' })
  await freshet.resume('fused')
  await write(50)
  await until(async () => (await counted('fused')) === 171)
  await assertEqualToQuery(freshet.database, 'fused', QUERY)
})
