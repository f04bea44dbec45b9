import { clusterUrls } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { createCitusWorld } from './world.ts'

describe.skipIf(clusterUrls() === null)('citus_status', () => {
  test('tells of each source and node what lies and waits there', { timeout: 60_000 }, async () => {
    await using world = await createCitusWorld({ shards: 4 })
    const { freshet } = world
    await world.run(
      'create table orders (id bigint, customer int, amount int, primary key (customer, id))',
      'create table regions (id int primary key, name text)',
      'create table local_only (id int primary key)',
      `select create_distributed_table('orders', 'customer')`,
      `select create_reference_table('regions')`,
      `insert into regions values (1, 'one'), (2, 'two')`,
    )
    expect(await freshet.citusStatus()).toEqual([])
    await world.stream(
      'per_customer',
      'select customer, sum(amount) as total from orders group by customer',
      undefined,
      {
        placement: 'distributed',
      },
    )
    await world.stream(
      'named',
      'select r.name, count(*) as n from orders o join regions r on r.id = o.customer group by r.name',
    )
    await world.stream('here', 'select count(*) as n from local_only')
    const of = async (source: string) => (await freshet.citusStatus()).filter((row) => row.source === source)
    // an attempt to add a node that failed has used up the number of a group
    const groups = (await world.rows('select groupid as id from pg_dist_node order by 1')).map(({ id }) => Number(id))
    const orders = await of('public.orders')
    expect(orders.map(({ group }) => group)).toEqual(groups.filter((group) => group > 0))
    expect(orders).toHaveLength(3)
    expect(orders.reduce((sum, { shards }) => sum + shards, 0)).toBe(4)
    for (const [i, row] of orders.entries())
      expect(row).toMatchObject({
        placement: 'distributed',
        node: new URL(world.own.workerUrls[i] ?? '').host,
        active: true,
        inOrder: true,
        waiting: 0,
        queued: 0,
        failures: 0,
        collector: null,
      })
    expect((await of('public.regions')).map(({ group, placement, inOrder }) => [group, placement, inOrder])).toEqual(
      groups.map((group) => [group, 'reference', true]),
    )
    expect(await of('public.local_only')).toEqual([])

    await world.run('insert into orders select i, i, i from generate_series(1, 100) i')
    const waiting = await of('public.orders')
    expect(waiting.reduce((sum, row) => sum + (row.waiting ?? NaN), 0)).toBe(100)
    expect(waiting.every((row) => (row.waiting ?? 0) > 0)).toBe(true)
    // of two readers the one that reads the log collects; the queues of the other have the rest
    const before = waiting[0]?.collectedAt?.getTime() ?? NaN
    await freshet.refresh('named')
    const queued = await of('public.orders')
    expect(queued.reduce((sum, row) => sum + (row.waiting ?? NaN), 0)).toBe(0)
    expect(queued.reduce((sum, row) => sum + (row.queued ?? NaN), 0)).toBe(100)
    expect(queued[0]?.collectedAt?.getTime()).toBeGreaterThan(before)
    await world.follow()
    expect((await of('public.orders')).map((row) => row.queued)).toEqual([0, 0, 0])

    await world.run('insert into orders select i, i, i from generate_series(1000, 5000) i')
    expect((await of('public.orders')).every(({ waitingIsLowerBound }) => waitingIsLowerBound)).toBe(false)
    await world.run('insert into orders select i, i, i from generate_series(10000, 90000) i')
    expect((await of('public.orders')).some(({ waitingIsLowerBound }) => waitingIsLowerBound)).toBe(true)

    const holder = await world.writer()
    await holder.query('begin')
    const [log] = await world.rows(`select stable_name as name from freshet.source where table_name = 'orders'`)
    await holder.query(`lock table freshet_changes.changes_${String(log?.['name'])} in share update exclusive mode`)
    const [held] = await of('public.orders')
    expect(held).toMatchObject({ collector: await pidOf(holder), waitingCollectors: 0 })
    expect(held?.collectingSince).toBeInstanceOf(Date)
    await holder.query('rollback')
    await world.follow()
  })

  test('says where co-location is lost, until capture is installed anew', { timeout: 60_000 }, async () => {
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(
      'create table orders (id int primary key, v int)',
      `select create_distributed_table('orders', 'id')`,
    )
    await world.stream('n', 'select count(*) as n, sum(v) as v from orders')
    const inOrder = async () => (await world.freshet.citusStatus()).map((row) => row.inOrder)
    const client = await world.writer()
    await client.query('set citus.enable_unsafe_triggers to on')
    await client.query(`select alter_distributed_table('orders', shard_count => 6, cascade_to_colocated => false)`)
    expect(await inOrder()).toEqual([false, false, false])
    await world.run('insert into orders values (1, 1)')
    await world.follow()
    expect(await inOrder()).toEqual([true, true, true])
  })
})

async function pidOf(client: { query(text: string): Promise<{ rows: readonly unknown[] }> }): Promise<unknown> {
  const [row] = (await client.query('select pg_backend_pid() as pid')).rows
  return Reflect.get(Object(row) as object, 'pid')
}
