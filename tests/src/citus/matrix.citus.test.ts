import { clusterUrls } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { TABLES } from './tables.ts'
import { createCitusWorld, leftOnNodes } from './world.ts'

describe.skipIf(clusterUrls() === null)('sources of every placement', () => {
  test('reference, local and distributed ones, alone and mixed', async () => {
    await using world = await createCitusWorld()
    await world.run(...TABLES)
    await world.stream('named', 'select id, upper(name) as name from products')
    await world.stream('of_regions', 'select count(*) as n from regions')
    await world.stream(
      'by_product',
      'select p.name, count(*) as n, sum(o.amount) as total from orders o join products p on p.id = o.product group by p.name',
    )
    await world.stream(
      'by_region',
      `select r.name, sum(o.amount) as total from orders o join customers c on c.id = o.customer
       join regions r on r.id = c.region group by r.name`,
    )
    await world.stream('large', 'select name, total from by_region where total > 100')
    const d = 'differential'
    await world.run(`update products set name = name || '!' where id < 4`)
    expect(await world.follow()).toEqual({
      named: d,
      of_regions: 'none',
      by_product: d,
      by_region: 'none',
      large: 'none',
    })
    await world.run(`insert into regions values (5, 'r5')`, `update customers set region = 5 where id < 9`)
    expect(await world.follow()).toEqual({ named: 'none', of_regions: d, by_product: 'none', by_region: d, large: d })
    await world.run('delete from orders where id % 4 = 0', 'delete from products where id = 3')
    await world.follow()
    await world.run(`insert into products values (3, 'back')`)
    await world.follow()
    const worker = await world.writer(1)
    await worker.query(`update products set name = 'by a worker' where id = 5`)
    await worker.query('update orders set amount = amount + 1')
    expect(await world.follow()).toMatchObject({ named: d, by_product: d, by_region: d })
  })

  test('a TRUNCATE on any node is a full refresh, and nothing is lost', async () => {
    await using world = await createCitusWorld()
    await world.run(...TABLES)
    await world.stream('total', 'select count(*) as n, sum(amount) as total from orders')
    await world.stream('named', 'select id, name from products')
    await world.run('truncate orders', 'insert into orders values (1, 1, 1, 1)')
    expect(await world.follow()).toEqual({ total: 'full', named: 'none' })
    const worker = await world.writer(2)
    await worker.query('truncate orders')
    await worker.query('truncate products')
    expect(await world.follow()).toEqual({ total: 'full', named: 'full' })
    await world.run('insert into orders values (2, 2, 2, 2)', `insert into products values (1, 'x')`)
    expect(await world.follow()).toEqual({ total: 'differential', named: 'differential' })
  })

  test('tables on one node, and those of a tenant', async () => {
    await using world = await createCitusWorld()
    await world.run(
      'create table single (id int primary key, v int)',
      `select create_distributed_table('single', null)`,
      'insert into single select i, i from generate_series(1, 20) i',
    )
    const tenant = await world.writer()
    await tenant.query('set citus.enable_schema_based_sharding to on')
    await tenant.query('create schema tenant')
    await tenant.query('create table tenant.notes (id int primary key, topic int)')
    await tenant.query('insert into tenant.notes select i, i % 3 from generate_series(1, 20) i')
    await world.stream('sums', 'select sum(v) as v, count(*) as n from single')
    await world.stream('topics', 'select topic, count(*) as n from tenant.notes group by topic')
    await world.run('update single set v = v + 1 where id < 5', 'delete from tenant.notes where id = 7')
    expect(await world.follow()).toEqual({ sums: 'differential', topics: 'differential' })
    await world.drop('topics')
    await tenant.query('drop schema tenant cascade')
  })

  test('columns come and go, and no writer fails', async () => {
    await using world = await createCitusWorld()
    await world.run(...TABLES)
    await world.stream('total', 'select customer, sum(amount) as total from orders group by customer')
    await world.run('alter table orders add column note text', `insert into orders values (901, 3, 1, 5, 'new')`)
    expect(await world.follow()).toEqual({ total: 'differential' })
    await world.stream('noted', 'select id, customer, note from orders where note is not null')
    await world.run(`update orders set note = 'x' where id = 5`)
    expect(await world.follow()).toMatchObject({ noted: 'differential' })
    await world.drop('noted')
    await world.run(
      'alter table orders drop column note',
      'insert into orders values (902, 4, 1, 6)',
      'update orders set amount = 7 where id = 902',
    )
    await world.follow()
  })

  test('writers need no right on what is captured into; a pause loses nothing', async () => {
    await using world = await createCitusWorld()
    await world.run(...TABLES)
    await world.stream('total', 'select count(*) as n, sum(amount) as total from orders')
    await world.stream('named', 'select id, name from products')
    const role = `app_${world.own.name}`
    await world.run(`create role ${role} login`, `grant select, insert, update, delete on orders, products to ${role}`)
    for (const url of [world.own.url, world.own.workerUrls[0] ?? '']) {
      const app = await world.own.client(url.replace('postgres@', `${role}@`))
      await app.query('update orders set amount = amount + 1')
      await app.query(`update products set name = name || '?' where id = 2`)
      expect(await world.follow()).toEqual({ total: 'differential', named: 'differential' })
      await app.end()
    }
    for (const source of ['orders', 'products']) await world.freshet.pauseCapture({ kind: 'source', name: source })
    await world.run('update orders set amount = amount + 1', `update products set name = 'p' where id = 3`)
    for (const source of ['orders', 'products']) await world.freshet.resumeCapture({ kind: 'source', name: source })
    expect(await world.follow()).toEqual({ total: 'full', named: 'full' })
    await world.run('update orders set amount = amount + 1', `update products set name = 'q' where id = 3`)
    expect(await world.follow()).toEqual({ total: 'differential', named: 'differential' })
    await world.run(`revoke all on orders, products from ${role}`, `drop role ${role}`)
  })

  test('what is dropped leaves nothing on any node', async () => {
    await using world = await createCitusWorld()
    await world.run(...TABLES)
    const before = await leftOnNodes(world)
    await world.stream('total', 'select count(*) as n, sum(amount) as total from orders')
    await world.stream('by_customer', 'select customer, count(*) as n from orders group by customer')
    await world.stream('named', 'select id, name from products')
    await world.run('update orders set amount = amount + 1')
    await world.drop('total')
    await world.run(
      'update orders set amount = amount + 1, customer = customer where id < 50',
      'delete from orders where id < 9',
    )
    await world.freshet.refresh('by_customer')
    await world.drop('by_customer')
    await world.drop('named')
    await world.run('insert into orders values (1001, 1, 1, 1)', `insert into products values (77, 'x')`)
    expect(await leftOnNodes(world)).toEqual(before)
  })
})
