import { connect } from '@freshet/client'
import { type Cluster, clusterUrls, findCitus, startCluster } from '@freshet/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CitusWorld, createCitusWorld } from './world.ts'

const TABLES = [
  'create table customers (id int primary key, region int not null)',
  'create table orders (id bigint, customer int, amount int, primary key (customer, id))',
  'create table "whole" (id int primary key, v int not null)',
  'create table regions (id int primary key, name text not null)',
  `select create_distributed_table('customers', 'id')`,
  `select create_distributed_table('orders', 'customer', colocate_with => 'customers')`,
  `select create_distributed_table('whole', null, colocate_with => 'none')`,
  `insert into customers select i, i % 5 from generate_series(1, 40) i`,
  `insert into regions select i, 'r' || i from generate_series(0, 4) i`,
  'insert into orders select i, 1 + i % 40, i % 10 from generate_series(1, 400) i',
  'insert into "whole" select i, i from generate_series(1, 20) i',
]

/** From the log and from queues, on the coordinator and on workers, one that reads another. */
const STREAMS: readonly (readonly [name: string, query: string, placement: 'local' | 'reference' | 'distributed'])[] = [
  ['total', 'select count(*) as n, sum(amount) as total from orders', 'local'],
  ['per_customer', 'select customer, count(*) as n, sum(amount) as total from orders group by customer', 'distributed'],
  [
    'by_region',
    `select r.name, sum(o.amount) as total from orders o join customers c on c.id = o.customer
      join regions r on r.id = c.region group by r.name`,
    'distributed',
  ],
  ['much', 'select name, total from by_region where total > 100', 'local'],
  ['one_node', 'select sum(v) as total from "whole"', 'local'],
]

/**
 * A node comes back from an older backup than the others: what one remembers to have collected, the other has again, or has
 * not any more. The next look notices; nothing is ever wrong after a refresh, and nothing is computed anew without need.
 */
describe.skipIf(clusterUrls() === null)('a node that is set back', { timeout: 120_000 }, () => {
  let cluster: Cluster
  let world: CitusWorld

  beforeAll(async () => {
    const binaries = await findCitus()
    if (binaries === null) throw new Error('there is no Citus any more')
    cluster = await startCluster(binaries, 2)
    world = await createCitusWorld({ cluster, shards: 4 })
    await world.run(...TABLES)
    for (const [name, query, placement] of STREAMS) await world.stream(name, query, undefined, { placement })
    await change(world, 1000)
    await world.follow()
  })

  afterAll(async () => {
    await world.own.drop()
    await cluster.stop()
  })

  /** Of the last refreshes, by their stream tables, why they were full ones. */
  async function fullReasons(since: string): Promise<Record<string, unknown>> {
    const rows = await world.rows(`
      select t.table_name as name, h.reason from freshet.refresh_history h join freshet.stream_table t using (stream_table_id)
      where h.refresh_id > ${since} and h.action = 'full' order by h.refresh_id`)
    return Object.fromEntries(rows.map(({ name, reason }) => [String(name), reason]))
  }

  const lastRefresh = async () =>
    String(
      (await world.rows('select coalesce(max(refresh_id), 0)::text as id from freshet.refresh_history'))[0]?.['id'],
    )

  async function followsByDeltas(from: number): Promise<void> {
    await change(world, from)
    const since = await lastRefresh()
    await world.follow()
    expect(await fullReasons(since)).toEqual({})
  }

  test('the coordinator, after changes were collected', async () => {
    const backup = await cluster.coordinator.backUp()
    await change(world, 12000)
    await world.follow()
    // in the log, and in the stream table that was refreshed
    await change(world, 13000)
    await world.freshet.refresh('total')
    // nowhere but on the workers
    await change(world, 14000)
    await cluster.coordinator.restore(backup)

    const since = await lastRefresh()
    // a process that did not see it happen; the other lives on
    const other = await connect(world.own.url)
    for (const [name] of STREAMS) {
      await other.refresh(name)
      expect(await other.verify(name)).toMatchObject({ name: `public.${name}`, equal: true })
    }
    await other.close()
    await world.follow()
    expect(await fullReasons(since)).toEqual({
      total: 'NODE_SET_BACK',
      per_customer: 'NODE_SET_BACK',
      by_region: 'NODE_SET_BACK',
      much: 'NODE_SET_BACK',
      one_node: 'NODE_SET_BACK',
    })
    await followsByDeltas(15000)
  })

  test('the coordinator, and nothing is written afterwards', async () => {
    const backup = await cluster.coordinator.backUp()
    await change(world, 22000)
    await world.follow()
    await cluster.coordinator.restore(backup)
    const since = await lastRefresh()
    // whoever looks first
    expect(await world.freshet.verify('total')).toMatchObject({ equal: true })
    await world.follow()
    expect(Object.keys(await fullReasons(since)).toSorted()).toEqual(STREAMS.map(([name]) => name).toSorted())
    await followsByDeltas(23000)
  })

  test('a worker, with changes that are in the log or in stream tables already', async () => {
    const [worker] = cluster.workers
    await change(world, 32000)
    const backup = await worker?.backUp()
    await world.follow()
    await change(world, 33000)
    await world.follow()
    await change(world, 34000)
    if (backup !== undefined) await worker?.restore(backup)
    const since = await lastRefresh()
    await world.follow()
    const reasons = await fullReasons(since)
    expect(reasons).toMatchObject({ total: 'NODE_SET_BACK', per_customer: 'NODE_SET_BACK', much: 'NODE_SET_BACK' })
    await followsByDeltas(35000)
  })

  test('to a moment since which nothing was collected: nothing is computed anew', async () => {
    const backups = [await cluster.coordinator.backUp(), await cluster.workers[1]?.backUp()]
    await change(world, 42000)
    for (const [i, node] of [cluster.coordinator, cluster.workers[1]].entries()) {
      const backup = backups[i]
      if (backup !== undefined) await node?.restore(backup)
    }
    const since = await lastRefresh()
    await world.follow()
    expect(await fullReasons(since)).toEqual({})
    await followsByDeltas(43000)
  })
})

/** On all nodes. */
async function change(world: CitusWorld, id: number): Promise<void> {
  await world.run(
    `insert into orders select ${id} + i, 1 + i % 40, 3 from generate_series(1, 80) i`,
    `update orders set amount = amount + 1 where id % 9 = 4`,
    `delete from orders where id between ${id} - 990 and ${id} - 970`,
    `update customers set region = (region + 1) % 5 where id % 7 = 1`,
    `insert into "whole" values (${id}, 1)`,
    `update "whole" set v = v + 1 where id % 3 = 0`,
  )
}
