import { raw } from '@freshet/core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createImmediateWorld, type ImmediateWorld } from './immediate-world.fixture.ts'

/** One writer: whatever a statement is and does, when it has ended the stream table equals its query. */
let world: ImmediateWorld
beforeAll(async () => {
  world = await createImmediateWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const SHOP = `
  create table customers (id int primary key, region text, parent int references customers on delete cascade);
  create table orders (id int primary key, customer int references customers on delete cascade on update cascade, total numeric(10,2) not null, note text);
  insert into customers select i, 'r' || i % 3, null from generate_series(1, 9) i;
  insert into orders select i, 1 + i % 9, i * 1.5, null from generate_series(1, 40) i`

const STREAMS: Readonly<Record<string, string>> = {
  keyed: 'select id, total * 2 as twice from orders where total > 3',
  bag: 'select customer, note from orders',
  joined: 'select o.id, o.total, c.region from orders o join customers c on c.id = o.customer',
  outer_joined: 'select c.region, o.total from customers c left join orders o on o.customer = c.id and o.total > 10',
  both_sides: 'select a.id, b.id as other from orders a join orders b on a.customer = b.customer',
  grouped: `select c.region, sum(o.total) as total, count(*) as n, max(o.total) as most, min(o.note) as least
    from orders o join customers c on c.id = o.customer group by c.region`,
  whole: 'select count(*) as n, sum(total) as total from orders',
  unsold: 'select id from customers c where not exists (select from orders o where o.customer = c.id)',
  having_many: 'select customer from orders group by customer having count(*) > 4',
  regions: 'select distinct region from customers',
  either: 'select customer from orders union select id from customers where region is null',
  ranked: 'select id, rank() over (partition by customer order by total, id) as place from orders',
  top: 'select id, total from orders order by total desc, id limit 5',
}

const STATEMENTS = [
  `insert into orders values (100, 1, 1000, 'x'), (101, 2, 0.01, null)`,
  'update orders set total = total + 1 where id % 4 = 0',
  `update orders set note = 'same'`,
  'update orders set note = note',
  'delete from orders where customer = 1',
  'delete from orders where false',
  `insert into orders values (100, 2, 5, 'y'), (200, 3, 7, 'z') on conflict (id) do update set total = excluded.total, customer = excluded.customer`,
  `insert into orders values (100, 2, 5, 'y') on conflict (id) do nothing`,
  `merge into orders o using (values (100, 11.0), (300, 12.0), (101, 0.0)) v (id, total) on o.id = v.id
    when matched and v.total = 0 then delete when matched then update set total = v.total
    when not matched then insert values (v.id, 4, v.total, 'merged')`,
  'delete from customers where id = 4',
  'update customers set id = id + 1000 where id = 5',
  `with c as (insert into customers values (50, 'r9', null), (51, null, null) returning id), d as (delete from orders where id % 5 = 0 returning 1)
    insert into orders select 400 + id, 6, 3, null from c`,
  `with c as (update customers set region = 'both' where id in (6, 7) returning id) update orders set total = total * 2 where customer in (select id from c)`,
  `with a as (insert into orders values (500, 6, 1, 'a')), b as (insert into orders values (501, 6, 2, 'b')) insert into orders values (502, 7, 3, 'c')`,
  'truncate orders',
  `insert into orders select i, 6, i, null from generate_series(1, 5) i`,
  'truncate customers cascade',
  `insert into customers values (1, 'r1', null), (2, 'r1', 1), (3, 'r1', 2), (4, null, 3)`,
  'insert into orders select i, case when i % 50 = 0 then 1 + i % 4 end, i, null from generate_series(1, 1500) i',
  'delete from customers where id = 1',
]

describe('a statement', () => {
  test.each(Object.entries(STREAMS))('%s', async (name, query) => {
    await world.run(SHOP)
    await world.stream(name, query)
    for (const statement of STATEMENTS) await world.step(statement)
  })

  test('all of them together', async () => {
    await world.run(SHOP)
    for (const [name, query] of Object.entries(STREAMS)) await world.stream(name, query)
    for (const statement of STATEMENTS) await world.step(statement)
    expect(await world.database.query(raw('select from freshet.immediate_fault'))).toEqual([])
  })
})
