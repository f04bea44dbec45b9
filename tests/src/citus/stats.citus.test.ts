import { clusterUrls } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { createCitusWorld } from './world.ts'

const ROWS = 20_000

/** On the coordinator, a distributed table has no row by its statistics: by those, a full refresh would cost nothing. */
describe.skipIf(clusterUrls() === null)('auto on a cluster', () => {
  test('chooses by how many rows the shards have', { timeout: 120_000 }, async () => {
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(
      'create table orders (id int, customer int, amount int, primary key (customer, id))',
      `select create_distributed_table('orders', 'customer')`,
      `insert into orders select i, 1 + i % 50, i % 10 from generate_series(1, ${ROWS}) i`,
      'analyze orders',
      'create table parted (id int, day int, amount int, primary key (id, day)) partition by range (day)',
      'create table parted_1 partition of parted for values from (0) to (10)',
      'create table parted_2 partition of parted for values from (10) to (20)',
      `select create_distributed_table('parted', 'id')`,
      `insert into parted select i, i % 20, i % 10 from generate_series(1, ${ROWS}) i`,
      'analyze parted_1',
      'analyze parted_2',
      'create table kinds (id int primary key, name text)',
      `select create_reference_table('kinds')`,
      `insert into kinds select i, 'k' || i from generate_series(1, 1000) i`,
      'analyze kinds',
    )
    const auto = { mode: 'auto', schedule: 'manual' } as const
    const sum = 'select customer, sum(amount) as total, count(*) as n from orders group by customer'
    await world.freshet.create({ name: 'pushed', query: sum, placement: 'distributed', ...auto })
    await world.freshet.create({
      name: 'total',
      query: 'select sum(amount) as total from orders',
      placement: 'local',
      ...auto,
    })
    await world.freshet.create({
      name: 'of_parts',
      query: 'select day, sum(p.amount) as total from parted p join kinds k on k.id = p.amount + 1 group by day',
      placement: 'local',
      ...auto,
    })
    const refreshed = async (name: string) => {
      const { action, reason } = await world.freshet.refresh(name)
      expect(await world.freshet.verify(name)).toMatchObject({ equal: true })
      const [last] = await world.freshet.history({ name, limit: 1 })
      return { action, reason, sourceRows: last?.decision?.sourceRows }
    }
    // of 20,000 rows a few hundred: by the statistics of the coordinator, a full refresh would be cheaper
    await world.run(
      'update orders set amount = amount + 1 where id <= 300',
      'update parted set amount = amount where id > 9',
    )
    for (const name of ['pushed', 'total'])
      expect({ name, ...(await refreshed(name)) }).toMatchObject({ name, action: 'differential', sourceRows: ROWS })
    await world.run('update parted set amount = (amount + 1) % 10 where id <= 300')
    // with its partitions, and the reference table once
    expect(await refreshed('of_parts')).toMatchObject({ action: 'differential', sourceRows: ROWS + 1000 })
    // all of them, twice: a differential refresh has more to read than there is
    await world.run('update orders set amount = amount + 1', 'update orders set amount = amount + 1')
    for (const name of ['pushed', 'total'])
      expect({ name, ...(await refreshed(name)) }).toMatchObject({
        name,
        action: 'full',
        reason: 'CHEAPER',
        sourceRows: ROWS,
      })
    const rows = await world.rows(`select table_name as name, shard_rows::int as rows from freshet.source order by 1`)
    expect(rows).toEqual([
      { name: 'kinds', rows: 1000 },
      { name: 'orders', rows: ROWS },
      { name: 'parted', rows: ROWS },
    ])
  })
})
