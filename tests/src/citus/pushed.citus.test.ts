import { clusterUrls, countingLink } from '@freshet/testkit'
import { describe, expect, test, vi } from 'vitest'
import { LONG } from '../length.ts'
import { type CitusWorld, createCitusWorld, leftOnNodes } from './world.ts'

const TABLES = [
  'create table customers (id int primary key, region int not null)',
  'create table orders (id bigint, customer int, product int, amount numeric, primary key (customer, id))',
  `select create_distributed_table('customers', 'id')`,
  `select create_distributed_table('orders', 'customer', colocate_with => 'customers')`,
  `insert into customers select i, i % 5 from generate_series(1, 40) i`,
  'insert into orders select i, 1 + i % 40, 1 + i % 10, i % 10 from generate_series(1, 400) i',
]

const EVERYDAY = {
  by_customer:
    'select customer, count(*) as n, sum(amount) as total, max(amount) as most from orders group by customer',
  joined: 'select o.id, o.customer, c.region, o.amount from orders o join customers c on c.id = o.customer',
}
const PUSHED = {
  ...EVERYDAY,
  large: 'select id, customer, amount from orders where amount > 5',
  spent: `select c.id, c.region, sum(o.amount) as total from customers c join orders o on o.customer = c.id
    group by c.id, c.region`,
}
/** Across shards, or not by the column that cuts them. */
const COLLECTED = {
  by_product: 'select product, count(*) as n from orders group by product',
  amounts: 'select amount from orders',
  // Citus would take the operand for null, if the shards were to run it
  sized: `select id, customer, case product when 1 then 'one' when 2 then 'two' else 'more' end as size from orders`,
  pairs: 'select id, customer, array[product, customer]::text[] as pair from orders',
}

describe.skipIf(clusterUrls() === null)('refreshes on the workers', () => {
  test('are as exact, and know what can not be', { timeout: 120_000 }, async () => {
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(...TABLES)
    const before = await leftOnNodes(world)
    const queries = LONG ? PUSHED : EVERYDAY
    for (const [name, query] of Object.entries({ ...queries, ...COLLECTED }))
      await world.stream(name, query, undefined, { placement: 'distributed' })
    await world.stream('rich', 'select customer, total from by_customer where total > 30', undefined, {
      placement: 'distributed',
    })
    const pushed =
      await world.rows(`select distinct table_name as name from freshet.shard_queue_reader join freshet.stream_table
      using (stream_table_id) order by 1`)
    expect(pushed.map(({ name }) => name)).toEqual(Object.keys(queries).toSorted())
    const advised = (await world.freshet.status()).filter(({ advisory }) => advisory?.code === 'CITUS_XSHARD')
    expect(advised.map(({ table }) => table).toSorted()).toEqual([...Object.keys(COLLECTED), 'rich'].toSorted())
    const d = 'differential'
    for (const change of [
      ['update orders set amount = amount + 1 where id % 3 = 0'],
      ['update customers set region = 7 where id < 9', 'delete from orders where id % 4 = 0'],
      ['delete from orders where customer = 3', 'delete from customers where id in (3, 5)'],
    ]) {
      await world.run(...change)
      expect(await world.follow()).toMatchObject({ joined: d })
    }
    expect(await world.rows(`select count(*)::int as n from freshet.refresh_history where action = 'full'`)).toEqual([
      { n: 0 },
    ])
    await world.run('truncate orders', 'insert into orders values (1, 1, 1, 1)')
    expect(await world.follow()).toMatchObject({ joined: 'full' })
    await world.run('insert into orders values (2, 1, 1, 1)')
    expect(await world.follow()).toMatchObject({ joined: d })
    for (const name of ['rich', ...Object.keys({ ...queries, ...COLLECTED })]) await world.drop(name)
    expect(await leftOnNodes(world)).toEqual(before)
  })

  test('end where a source is placed otherwise, and nothing is lost', { timeout: 120_000 }, async () => {
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(...TABLES)
    await world.stream('by_customer', PUSHED.by_customer, undefined, { placement: 'distributed' })
    const queues = async () => (await world.rows('select from freshet.shard_queue_reader')).length
    expect(await queues()).toBe(1)
    const asked = await world.writer()
    await asked.query('set citus.enable_unsafe_triggers to on')
    await world.run('update orders set amount = amount + 1')
    await asked.query(`select alter_distributed_table('orders', shard_count => 6, cascade_to_colocated => false)`)
    await world.run('update orders set amount = amount + 1 where id < 50')
    await world.follow()
    expect(await queues()).toBe(0)
    await world.run('update orders set amount = amount + 1 where id < 90', 'delete from orders where customer = 4')
    await world.follow()
  })

  test('bring no row to the coordinator', { timeout: 120_000 }, async () => {
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(...TABLES)
    const links = await Promise.all(world.own.workerUrls.map((url) => countingLink(url)))
    try {
      await reachThrough(world, (i) => links[i]?.url ?? '')
      const bytes = () => links.reduce((sum, link) => sum + link.bytes(), 0)
      const refreshed = async (name: string) => {
        const before = bytes()
        const { changeRows, rowsInserted } = await world.freshet.refresh(name)
        return { changeRows, rowsInserted, bytes: bytes() - before }
      }
      await world.stream('large', PUSHED.large, undefined, { placement: 'distributed' })
      await world.run('insert into orders select i, 1 + i % 40, 1, 9 from generate_series(1000, 20999) i')
      const pushed = await refreshed('large')
      await world.drop('large')
      await world.stream('large', PUSHED.large, undefined, { placement: 'local' })
      await world.run('insert into orders select i, 1 + i % 40, 1, 9 from generate_series(30000, 49999) i')
      const collected = await refreshed('large')
      expect(pushed).toMatchObject({ changeRows: 20_000, rowsInserted: 20_000 })
      expect(collected).toMatchObject({ changeRows: 20_000, rowsInserted: 20_000 })
      // statements and their ends, however many rows there are
      expect(pushed.bytes).toBeLessThan(100_000)
      expect(collected.bytes).toBeGreaterThan(500_000)
      console.log({ pushed: pushed.bytes, collected: collected.bytes })
      await world.follow()
    } finally {
      await reachThrough(world, (i) => world.own.workerUrls[i] ?? '')
      for (const link of links) link.cut()
      await Promise.all(links.map((link) => link[Symbol.asyncDispose]()))
    }
  })
})

/** Tells Citus of another port of each worker, in the order of their numbers, and waits until all nodes know. */
async function reachThrough(world: CitusWorld, urlOf: (worker: number) => string): Promise<void> {
  for (const i of world.own.workerUrls.keys())
    await world.run(`select citus_update_node(nodeid, '127.0.0.1', ${Number(new URL(urlOf(i)).port)}) from (
      select nodeid, row_number() over (order by nodeid) as number from pg_dist_node where groupid > 0) worker
      where number = ${i + 1}`)
  const synced = 'select bool_and(metadatasynced) as synced from pg_dist_node where groupid > 0'
  await vi.waitFor(async () => expect(await world.rows(synced)).toEqual([{ synced: true }]), { timeout: 30_000 })
}
