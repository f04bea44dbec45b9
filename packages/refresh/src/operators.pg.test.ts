import { afterAll, afterEach, beforeAll, test } from 'vitest'
import { CHANGES, SHOP } from './shop.fixture.ts'
import { createWorld, type World } from './world.fixture.ts'

/** Each operator under one script of changes, over tables with nulls, duplicates and a table without a key. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const QUERIES: Readonly<Record<string, string>> = {
  'scan, every column': 'select * from orders',
  'scan without a key': 'select * from visits',
  filter: `select id, qty from orders where qty > 2 and note is not null`,
  'filter that hides the key': `select qty, note from orders where qty > 2 or note is null`,
  'filter by three-valued logic': 'select id from orders where not (qty > 2)',
  projection: `select id, qty * 2 as twice, coalesce(note, '-') || qty as label, case when qty > 3 then 'big' end as size from orders`,
  'projection with duplicates': 'select customer_id, qty from orders',
  'constant columns': `select 1 as one, null::text as nothing, id from orders`,
  'cross join': 'select c.id, p.category from customers c, products p',
  'cross join of bags': 'select v.page, p.category from visits v cross join products p',
  'join by keys': `select o.id, c.region, p.category from orders o join customers c on c.id = o.customer_id join products p on p.id = o.product_id`,
  'join by keys, key not shown': `select c.region, o.qty from orders o join customers c on c.id = o.customer_id`,
  'join using': `select customer_id, o.id, v.page from orders o join visits v using (customer_id)`,
  'non-equi join': `select o.id as order_id, p.id as product_id from orders o join products p on o.price > p.price and o.qty <> p.id`,
  'join by is not distinct from': `select o.id, c.id as customer, c.score from orders o join customers c on c.score is not distinct from o.qty`,
  'join with a constant condition': `select c.id, p.id as product from customers c join products p on true and p.id = 3`,
  'join of four': `select o.id, c.region, p.category, v.page from orders o join customers c on c.id = o.customer_id
    join products p on p.id = o.product_id join visits v on v.customer_id = c.id and v.page is not null`,
  'self-join': `select a.id, b.id as other from customers a join customers b on a.region = b.region and a.id < b.id`,
  'self-join of a bag': `select a.page, b.page as next from visits a join visits b on a.customer_id = b.customer_id`,
  'self-join three times': `select a.id, b.id as second, c.id as third from customers a, customers b, customers c where a.score = b.score and b.score = c.score + 1`,
  'union all': `select id::bigint, note as t from orders where qty = 1 union all select id, region from customers`,
  'union all of one table': `select customer_id, 'low' as kind from orders where qty < 3 union all select customer_id, 'high' from orders where qty > 1`,
  union: `select note as t from orders union select region from customers`,
  distinct: 'select distinct note, qty from orders',
  'distinct over a join': `select distinct c.region, p.category from orders o join customers c on c.id = o.customer_id join products p on p.id = o.product_id`,
  'group by': `select region, count(*) as n, count(score) as scored, sum(score) as total from customers group by region`,
  'group by over a join': `select c.region, p.category, count(*) as n, sum(o.qty * o.price) as worth from orders o join customers c on c.id = o.customer_id
    join products p on p.id = o.product_id group by c.region, p.category`,
  'group by an expression': `select coalesce(region, '?') || '!' as r, id % 2 as odd, count(*) from customers group by coalesce(region, '?') || '!', id % 2`,
  'group by, key not shown': `select count(*) as n, max(qty) as most from orders group by customer_id`,
  'group by a primary key, others depend on it': `select c.id, c.region, upper(c.region) as big, count(*) as n from customers c join orders o on o.customer_id = c.id group by c.id`,
  'no group': `select count(*) as n, sum(qty) as q, min(note) as first, avg(price) as mean, bool_or(qty > 5) as any_big from orders`,
  'no group over a join': `select count(*) as n, max(c.score) as best from orders o join customers c on c.id = o.customer_id`,
  'no group, no rows by a filter': `select count(*) as n, sum(qty) as q from orders where qty > 100`,
  having: `select customer_id, sum(qty) as q from orders group by customer_id having count(*) > 3 and min(qty) < 3`,
  'having without a group': `select count(*) as n from orders having count(*) > 50`,
  'filter clause': `select product_id, count(*) filter (where qty > 2) as big, sum(price) filter (where note is null) as p, avg(qty) filter (where qty > 100) as none from orders group by product_id`,
  'expressions over aggregates': `select customer_id, sum(qty) * 2 + count(*) as x, coalesce(avg(price), 0)::numeric(10,1) as y, max(qty) - min(qty) as spread from orders group by customer_id`,
  'aggregate below a join': `select c.region, x.total, x.n from customers c join (select customer_id, sum(qty) as total, count(*) as n from orders group by 1) x on x.customer_id = c.id`,
  'aggregates on both sides': `select a.customer_id, a.n, b.pages from (select customer_id, count(*) as n from orders group by 1) a
    join (select customer_id, count(page) as pages from visits group by 1) b on a.customer_id = b.customer_id`,
  'aggregate joined to itself': `with s as (select customer_id, count(*) as n from orders group by 1) select a.customer_id, b.customer_id as other from s a join s b on a.n = b.n`,
  'aggregate of aggregates': `select n, count(*) as many, max(region) as last from (select region, count(*) as n from customers group by region) x group by n`,
  'aggregate of aggregates of aggregates': `select max(many) as most, count(*) as k from (select n, count(*) as many from (select customer_id, count(*) as n from orders group by 1) a group by n) b`,
  'distinct of an aggregate': `select distinct n from (select customer_id, count(*) as n from orders group by 1) x`,
  'min of an aggregate': `select n % 2 as k, min(last) as m from (select customer_id, count(*) as n, max(id) as last from orders group by 1) x group by 1`,
  'group over distinct': `select page, count(*) as visitors from (select distinct customer_id, page from visits) x group by page`,
  'union all with aggregates': `select region as k, count(*) as n from customers group by region union all select note, count(*) from orders group by note`,
  'common table expressions': `with big as (select * from orders where qty > 2), per as (select customer_id, count(*) as n from big group by 1)
    select c.region, sum(per.n) as s from per join customers c on c.id = per.customer_id group by c.region`,
  'a common table expression read twice': `with big as (select id, qty from orders where qty > 2) select a.id, b.id as other from big a join big b on a.qty = b.qty and a.id < b.id`,
  values: `select o.id, v.name from orders o join (values (1, 'one'), (2, 'two'), (2, 'deux'), (null, 'none')) v(n, name) on v.n = o.qty`,
  'subqueries in FROM': `select s.id from (select id, qty from (select id, qty, note from orders) a where note is null) s where s.qty > 1`,
}

test.each(Object.keys(QUERIES))('%s', async (name) => {
  await world.run(SHOP)
  await world.stream('answer', QUERIES[name] ?? '')
  await world.step(...CHANGES)
})
