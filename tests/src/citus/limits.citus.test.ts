import { connect } from '@freshet/client'
import { clusterUrls } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { createCitusWorld } from './world.ts'

const ORDERS = [
  'create table orders (id int primary key, customer int, amount int)',
  `select create_distributed_table('orders', 'id')`,
  'create table customers (id int primary key, name text)',
  `select create_distributed_table('customers', 'id', colocate_with => 'none')`,
  'insert into orders select i, 1 + i % 20, i % 7 from generate_series(1, 200) i',
  `insert into customers select i, 'c' || i from generate_series(1, 20) i`,
]

describe.skipIf(clusterUrls() === null)('what Citus can not do', () => {
  test('is kept by full refreshes, with its words as the reason, and exact', async () => {
    await using world = await createCitusWorld()
    await world.run(
      'create table orders (id int, customer int, amount int, primary key (customer, id))',
      `select create_distributed_table('orders', 'customer')`,
      'create table customers (id int primary key, name text)',
      `select create_distributed_table('customers', 'id', colocate_with => 'orders')`,
      'insert into orders select i, 1 + i % 20, i % 7 from generate_series(1, 200) i',
      `insert into customers select i, 'c' || i from generate_series(1, 30) i`,
    )
    const queries = {
      left_join: 'select c.id, c.name, o.amount from customers c left join orders o on o.customer = c.id',
      anti_join: 'select c.id, c.name from customers c where not exists (select from orders o where o.customer = c.id)',
      semi_join:
        'select c.id, c.name from customers c where exists (select from orders o where o.customer = c.id and o.amount > 3)',
      distinct_rows: 'select distinct amount from orders',
      largest: 'select customer, max(amount) as most, min(id) as first from orders group by customer',
      ranked: 'select customer, id, row_number() over (partition by customer order by amount, id) as place from orders',
      top: 'select id, amount from orders order by amount desc, id limit 5',
      united: 'select id from customers union select customer from orders',
      scalar: 'select c.id, (select sum(amount) from orders o where o.customer = c.id) as total from customers c',
      of_all: 'select id, amount - (select avg(amount) from orders) as above from orders',
    }
    for (const [name, query] of Object.entries(queries)) await world.stream(name, query, 'any')
    const kept = await world.rows(`select table_name as name, mode_reason as reason, mode_detail is not null as told
      from freshet.stream_table where effective_mode = 'full' order by 1`)
    const limited = ['anti_join', 'left_join', 'semi_join', 'top']
    expect(kept).toEqual(limited.map((name) => ({ name, reason: 'CITUS_LIMIT', told: true })))
    const expected = Object.fromEntries(
      Object.keys(queries).map((name) => [name, limited.includes(name) ? 'full' : 'differential']),
    )
    await world.run('update orders set amount = amount + 1 where id < 50', 'delete from orders where customer < 4')
    expect(await world.follow()).toEqual(expected)
    await world.run('insert into orders values (900, 2, 3)', 'delete from customers where id in (7, 29)')
    await world.follow()
  })
})

describe.skipIf(clusterUrls() === null)('a source that is placed otherwise', () => {
  test('makes no writer fail; its capture is mended, and what reads it is computed anew', async () => {
    await using world = await createCitusWorld()
    await world.run(...ORDERS)
    await world.stream('total', 'select sum(amount) as total from orders')
    // without that, Citus refuses to alter a table that has triggers
    const asked = await world.writer()
    await asked.query('set citus.enable_unsafe_triggers to on')
    const faults = async () => (await world.freshet.doctor()).filter(({ level }) => level === 'error')
    expect(await faults()).toEqual([])
    for (const change of [
      `select alter_distributed_table('orders', shard_count => 6, cascade_to_colocated => false)`,
      `select alter_distributed_table('orders', distribution_column => 'id', colocate_with => 'none')`,
      `select undistribute_table('orders')`,
    ]) {
      await asked.query(change)
      expect(await faults()).not.toEqual([])
      await world.run(
        'update orders set amount = amount + 1',
        'insert into orders select max(id) + 1, 1, 5 from orders',
      )
      // a process that remembers the source as it was, and one that does not
      await world.follow()
      const other = await connect(world.own.url)
      expect(await other.verify('total')).toMatchObject({ equal: true })
      await other.close()
      expect(await faults()).toEqual([])
      await world.run('update orders set amount = amount + 1 where id < 50')
      expect(await world.follow()).toEqual({ total: 'differential' })
    }
  })
})
