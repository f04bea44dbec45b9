import { clusterUrls } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { createCitusWorld } from './world.ts'

describe.skipIf(clusterUrls() === null)('distributed sources', () => {
  test('aggregates and joins follow every kind of write by deltas', async () => {
    await using world = await createCitusWorld()
    await world.run(
      'create table customers (id int primary key, region text not null)',
      'create table orders (id bigint, customer int, amount numeric, primary key (customer, id))',
      `select create_distributed_table('customers', 'id')`,
      `select create_distributed_table('orders', 'customer', colocate_with => 'customers')`,
      `insert into customers select i, 'r' || i % 7 from generate_series(1, 200) i`,
      'insert into orders select i, 1 + i % 200, i % 10 from generate_series(1, 3000) i',
    )
    await world.stream(
      'by_customer',
      'select customer, count(*) as n, sum(amount) as total from orders group by customer',
    )
    await world.stream(
      'by_region',
      'select c.region, count(*) as n, sum(o.amount) as total from orders o join customers c on c.id = o.customer group by c.region',
    )
    await world.stream('large', 'select id, customer, amount from orders where amount > 8')
    const differential = { by_customer: 'differential', by_region: 'differential', large: 'differential' }
    await world.run('insert into orders select i, 1 + i % 200, i % 10 from generate_series(3001, 3500) i')
    expect(await world.follow()).toEqual(differential)
    await world.run('update orders set amount = amount + 1 where id % 3 = 0')
    expect(await world.follow()).toEqual(differential)
    await world.run('delete from orders where id % 5 = 0')
    expect(await world.follow()).toEqual(differential)
    await world.run(`update customers set region = 'moved' where id < 20`)
    expect(await world.follow()).toEqual({ by_customer: 'none', by_region: 'differential', large: 'none' })
    expect(await world.follow()).toEqual({ by_customer: 'none', by_region: 'none', large: 'none' })
  })
})
