import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, type World } from './world.fixture.ts'

/** Stream tables over stream tables, views over views: deltas go through every layer. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const SALES = `create table sales (id int primary key, shop int, item int, amount numeric(10,2), note text);
  create table shops (id int primary key, city text);
  insert into shops select i, 'c' || i % 3 from generate_series(1, 6) i;
  insert into sales select i, 1 + i % 7, i % 5, i / 2.0, nullif('n' || i % 3, 'n0') from generate_series(1, 60) i`

const CHANGES = [
  `insert into sales values (100, 1, 1, 1000, 'x'), (101, 2, 2, 0.01, null)`,
  `update sales set amount = amount + 1 where id % 4 = 0`,
  `update shops set city = 'c9' where id = 2; delete from shops where id = 3`,
  `delete from sales where shop = 1`,
  `update sales set note = 'same' where note is null; update sales set amount = amount`,
  `insert into shops values (3, 'c0'), (1000, 'far')`,
  `delete from sales`,
  `insert into sales values (1, 1, 1, 1, 'a')`,
]

describe('stream tables over stream tables', () => {
  test('keyed, over keyed, over keyed: with true deltas', async () => {
    await world.run(SALES)
    await world.stream('by_shop', 'select shop, sum(amount) as total, count(*) as n from sales group by shop')
    await world.stream(
      'by_city',
      'select s.city, sum(b.total) as total, max(b.n) as most from by_shop b join shops s on s.id = b.shop group by s.city',
    )
    await world.stream('ranking', 'select most, count(*) as cities, min(city) as first from by_city group by most')
    await world.stream('rich', 'select city from by_city where total > 100')
    await world.step(...CHANGES)
  })

  test('a group that does not change sends nothing upwards', async () => {
    await world.run(SALES)
    await world.stream('by_shop', 'select shop, count(*) as n from sales group by shop')
    await world.stream('by_count', 'select n, count(*) as shops from by_shop group by n')
    const outcomes = await world.step(
      `update sales set item = item + 1; insert into sales values (200, 2, 1, 1, ''); delete from sales where id = 200`,
    )
    expect(outcomes).toMatchObject({ by_shop: { changeRows: 2 }, by_count: { action: 'none' } })
    const next = await world.step(`delete from sales where id = 10`)
    expect(next).toMatchObject({ by_shop: { changeRows: 1 }, by_count: { changeRows: 2 } })
  })

  test('bags over bags, with duplicates', async () => {
    await world.run(SALES)
    await world.stream('notes', 'select note, item from sales')
    await world.stream('pairs', 'select a.note, b.note as other from notes a join notes b on a.item = b.item')
    await world.stream('notes_again', 'select note from notes union all select note from notes')
    await world.stream('kinds', 'select distinct note from notes_again')
    await world.step(...CHANGES)
  })

  test('a diamond', async () => {
    await world.run(SALES)
    await world.stream('base', 'select id, shop, amount from sales where amount > 3')
    await world.stream('sums', 'select shop, sum(amount) as s from base group by shop')
    await world.stream('counts', 'select shop, count(*) as n from base group by shop')
    await world.stream('means', 'select sums.shop, s / n as mean from sums join counts on sums.shop = counts.shop')
    await world.step(...CHANGES)
  })

  test('over one that is refreshed in full: it sends the difference only', async () => {
    await world.run(SALES)
    await world.stream('sampled', 'select id, shop, item as n from sales tablesample system (100) repeatable (1)', {
      full: 'TABLE_SAMPLE',
    })
    await world.stream('firsts', 'select shop, id from sampled where n = 1')
    await world.stream('by_rank', 'select n, count(*) as shops from sampled group by n')
    await world.step(...CHANGES)
    const outcomes = await world.step(`insert into sales values (300, 1, 1, 1, 'last')`)
    expect(outcomes['firsts']).toMatchObject({ action: 'differential', changeRows: 1, rowsInserted: 1, rowsDeleted: 0 })
  })

  test('created late, over one that has been refreshed for long', async () => {
    await world.run(SALES)
    await world.stream('by_shop', 'select shop, sum(amount) as total from sales group by shop')
    await world.step(...CHANGES.slice(0, 3))
    await world.stream('late', 'select count(*) as n, sum(total) as t from by_shop')
    await world.step(...CHANGES.slice(3))
  })

  test('the hidden columns of a stream table can not be read', async () => {
    await world.run(SALES)
    await world.stream('means', 'select note, avg(amount) as mean from sales group by note')
    await expect(world.stream('copy', 'select * from means')).rejects.toMatchObject({ code: 'RESERVED_COLUMN_NAME' })
    await world.stream('listed', 'select note, mean from means')
    await world.step(...CHANGES)
  })
})

describe('views', () => {
  test('views over views, with aggregates and column names of their own', async () => {
    await world.run(`${SALES};
      create view big as select * from sales where amount > 5;
      create view totals (shop_id, total, n) as select shop, sum(amount), count(*) from big group by shop;
      create view cities as select s.city, t.total from totals t join shops s on s.id = t.shop_id`)
    await world.stream('answer', 'select city, sum(total) as total from cities group by city')
    await world.stream('raw', 'select b.id, c.city from big b join cities c on c.total > b.amount')
    await world.step(...CHANGES)
  })

  test('a view over a stream table', async () => {
    await world.run(SALES)
    await world.stream('by_shop', 'select shop, sum(amount) as total from sales group by shop')
    await world.run('create view rich as select shop from by_shop where total > 50')
    await world.stream('answer', 'select count(*) as n from rich')
    await world.step(...CHANGES)
    await world.run('drop view rich')
  })

  test('common table expressions: nested, shadowed, unused, materialized', async () => {
    await world.run(SALES)
    await world.stream(
      'nested',
      `with a as (with a as (select shop, amount from sales) select shop, sum(amount) as s from a group by shop), b as (select * from a where s > 20)
      select b.shop, a.s from a join b on a.shop = b.shop`,
    )
    await world.stream('shadow', `with sales as (select id, shop from public.sales where shop = 1) select * from sales`)
    await world.stream(
      'listed',
      `with x (p, q) as materialized (select shop, count(*) from sales group by 1), unused as (select 1) select q, count(p) as c from x group by q`,
    )
    await world.step(...CHANGES)
  })
})
