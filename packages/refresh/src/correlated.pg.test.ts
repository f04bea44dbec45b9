import { raw } from '@freshet/core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { CHANGES, SHOP } from './shop.fixture.ts'
import { createWorld, type World } from './world.fixture.ts'

/** Lateral subqueries, subqueries that compare by anything, recursion: each under one script of changes. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const QUERIES: Readonly<Record<string, string>> = {
  'lateral, the first rows': `select c.id, o.id as order_id from customers c cross join lateral (
    select id from orders where customer_id = c.id order by price desc nulls last, id limit 2 offset 1) o`,
  'lateral with ties': `select c.id, o.id as order_id from customers c cross join lateral (
    select id from orders where customer_id = c.id order by qty fetch first 2 rows with ties) o`,
  'lateral, as many as the row says': `select c.id, o.id as order_id from customers c cross join lateral (
    select id from orders where customer_id = c.id order by id limit c.score) o`,
  'lateral over a bag': `select v.page, o.id from visits v cross join lateral (
    select id from orders where customer_id = v.customer_id order by id limit 1) o`,
  'left lateral on a condition': `select c.id, o.id as order_id from customers c left join lateral (
    select * from orders where customer_id = c.id order by id limit 3) o on o.qty > c.score`,
  'lateral groups': `select c.id, g.note, g.n from customers c cross join lateral (
    select note, count(*) as n from orders where customer_id = c.id group by note having count(*) > 1) g`,
  'lateral aggregate of nothing': `select p.id, x.n, x.s from products p left join lateral (
    select count(*) as n, sum(qty) as s from orders where price > p.price and product_id = p.id) x on true`,
  'lateral aggregate under a condition': `select p.id, x.n from products p left join lateral (
    select count(*) as n from orders where product_id = p.id) x on x.n > 2`,
  'lateral union, distinct, window': `select c.id, u.k, u.r from customers c cross join lateral (
    select k, row_number() over (order by k) as r from (
      select distinct note as k from orders where customer_id = c.id union select page from visits where customer_id = c.id) s) u`,
  'lateral inside lateral': `select c.id, x.id as order_id, x.category from customers c cross join lateral (
    select o.id, y.category from orders o cross join lateral (
      select category from products p where p.id = o.product_id and p.price < c.score + 1) y
    where o.customer_id = c.id order by o.id limit 2) x`,
  'lateral to an item further left': `select c.id, p.id as product, x.n from customers c, products p left join lateral (
    select count(*) as n from orders o where o.customer_id = c.id and o.product_id = p.id) x on true where p.id < 4`,
  'lateral full join inside': `select c.id, x.a, x.b from customers c cross join lateral (
    select o.id as a, v.page as b from (select * from orders where customer_id = c.id) o
    full join (select * from visits where customer_id = c.id) v on v.page = o.note) x`,
  'lateral outer join inside': `select c.id, x.id as product, x.qty from customers c cross join lateral (
    select p.id, o.qty from products p left join orders o on o.product_id = p.id and o.customer_id = c.id) x`,
  'lateral common table expression': `select c.id, x.n, x.m from customers c cross join lateral (
    with own as (select qty from orders where customer_id = c.id) select (select count(*) from own) as n, max(qty) as m from own) x`,
  'lateral function with an outer join': `select c.id, s.n from customers c left join generate_series(1, c.score) s(n) on s.n > 1`,
  'lateral values': `select c.id, v.k from customers c cross join lateral (values (c.region), (c.score::text), ('x')) v(k)`,
  'exists of groups': `select id from customers c where exists (
    select note from orders where customer_id = c.id group by note having count(*) > 1)`,
  'in the first rows': `select id from orders o where id in (
    select id from orders p where p.customer_id = o.customer_id order by price desc nulls last, id limit 2)`,
  'not in what compares otherwise': `select id from customers c where score not in (
    select qty from orders where customer_id <> c.id and qty is not null order by id limit 5)`,
  'for all: division': `select id from customers c where not exists (
    select from products p where not exists (select from orders o where o.customer_id = c.id and o.product_id = p.id) and p.id < 3)`,
  'rows in order': `select id from orders where (customer_id, qty) > all (select customer_id, 1 from visits where customer_id is not null)`,
  'a row and a subquery of columns': `select id from orders o where (customer_id, qty) = (select c.id, c.score from customers c where c.id = o.customer_id)`,
  'scalar, the first': `select id, (select page from visits v where v.customer_id = c.id order by page limit 1) as page from customers c`,
  'scalar, by luck one row': `select id, (select category from products p where p.price = o.qty / 4.0) as category from orders o`,
  'scalar aggregate, cut to nothing': `select id, (select count(*) from orders o where o.customer_id = c.id limit 0) as none,
    (select max(qty) from orders o where o.customer_id = c.id offset 1) as after, (select count(*) from visits limit 0) as never from customers c`,
  'scalar aggregate, cut by the row': `select id, (select count(*) from orders o where o.customer_id = c.id limit c.score - 1) as n from customers c where score is not null`,
  'scalar aggregate, cut to the one row that it is': `select id, (select count(*) from orders o where o.customer_id = c.id order by count(*) limit 1) as n from customers c`,
  'scalar aggregate in a window': `select id, (select sum(count(*)) over () from orders o where o.customer_id = c.id) as n from customers c`,
  'scalar set of an aggregate': `select id, (select generate_series(1, least(count(*), 1)) from orders o where o.customer_id = c.id) as n from customers c`,
  'scalar, in CASE': `select id, case when qty > 2 then (select count(*) from orders p where p.qty < o.qty) end as below from orders o`,
  'scalar in an aggregate in a scalar': `select id, (select max((select count(*) from visits v where v.customer_id = o.customer_id and o.qty > 1)) from orders o where o.customer_id = c.id) as m from customers c`,
  'scalar, two levels up': `select id, (select count(*) from orders o where o.customer_id = c.id and exists (
    select from products p where p.id = o.product_id and p.id > c.score)) as n from customers c`,
  'scalar with an array': `select id, array(select id from orders o where o.customer_id = c.id order by id) as ids,
    array(select page from visits) = '{}' as silent from customers c`,
  'scalar over values': `select id, (select max(v) from (values (c.id), (c.score)) x(v)) as larger from customers c`,
  'scalar in HAVING': `select customer_id, count(*) as n from orders o group by customer_id having count(*) > (
    select count(*) from visits v where v.customer_id > o.customer_id)`,
  'an outer join that asks on the left': `select c.id, o.id as order_id from customers c left join orders o on o.customer_id = c.id and c.id in (select customer_id from visits)`,
  'an outer join that asks on the right': `select c.id, o.id as order_id from orders o right join customers c on o.customer_id = c.id and o.qty = (select max(qty) from orders p where p.customer_id = o.customer_id)`,
  'an outer join that asks on both': `select c.id, o.id as order_id from customers c left join orders o on exists (select from visits v where v.customer_id = c.id and v.page = o.note || c.id)`,
  'a full join that asks': `select c.id, o.id as order_id from customers c full join orders o on o.customer_id = c.id and (o.note in (select page from visits) or c.score = 1)`,
  'the alias of a join': `select j.b, j.region from (customers c join visits v on v.customer_id = c.id) as j(a, region, score, b)`,
  'the alias of USING': `select u.customer_id, o.id, v.page from orders o join visits v using (customer_id) as u`,
  'recursion over a series': `with recursive n(i) as (select 1 union all select i + 1 from n where i < 10)
    select n.i, count(o.id) as orders from n left join orders o on o.qty = n.i group by n.i`,
  'recursion over a table': `with recursive next as (select id, score, 1 as depth from customers where score is null
      union all select c.id, c.score, depth + 1 from customers c join next on c.score = next.depth where depth < 4)
    select * from next`,
  'recursion with UNION': `with recursive r(a, b) as (select customer_id, product_id from orders union select r.a, o.customer_id from r join orders o on o.product_id = r.b)
    select * from r`,
  'recursion with an outer join and a subquery': `with recursive r(id, n) as (select id, 0 from customers where score = 1
      union select c.id, n + 1 from r join customers c on c.id = r.id + 1 left join visits v on v.customer_id = c.id
      where n < 3 and c.id in (select customer_id from orders group by customer_id having count(*) > 2))
    select * from r`,
  'recursion below others': `with recursive up as (select id, id as root from customers where score = 1
      union all select c.id, up.root from customers c join up on c.id = up.id + 3), sizes as (select root, count(*) as n from up group by root)
    select c.region, sum(n) as n from sizes join customers c on c.id = sizes.root group by c.region`,
  'recursion inside a recursion': `with recursive a(n) as (select 1 union select n + 1 from a where n < 3),
      b(n) as (select n from a union select c.id from customers c join b on c.id = b.n * 2) select n from b`,
}

test.each(Object.keys(QUERIES))('%s', async (name) => {
  await world.run(SHOP)
  await world.stream('answer', QUERIES[name] ?? '')
  await world.step(...CHANGES)
})

test('what equality does not tell apart is another outer row', async () => {
  await world.run(`create table outside (n numeric, d float8); create table inside (n numeric);
    insert into outside values (1.0, 0), (1.00, '-0'), (2, 1), (null, null); insert into inside values (1), (1.5), (3)`)
  await world.stream(
    'answer',
    `select o.n, x.t, x.s from outside o cross join lateral (
      select o.n::text || o.d::text as t, count(*) as s from inside i where i.n > o.n group by i.n > 2) x`,
    { exact: true },
  )
  await world.step(
    `insert into outside values (1.000, 5); update outside set d = '-0' where d = 0 and n::text = '1.0'`,
    `insert into inside values (9), (0.5); delete from inside where n = 3`,
    `delete from outside where n = 1`,
  )
})

test('an outer row without a key is told apart by a document that is never null, and has no equality', async () => {
  await world.run(`create table notes (k int, body json not null); create table hits (k int, n int);
    insert into notes values (1, '{"a": 1}'), (1, '{"a": 2}'), (2, '{}'), (null, '[]'); insert into hits values (1, 1), (1, 2), (2, 2)`)
  await world.stream(
    'answer',
    `select k, (select min(n) from hits h where h.k = t.k and h.n::text <> t.body ->> 'a') as n from notes t`,
  )
  await world.step(
    `insert into hits values (1, 0); insert into notes values (1, '{"a": 1}'), (1, '{"a":1}')`,
    `delete from hits where n = 0; update notes set body = '{"a": 2}' where k = 2`,
    `delete from notes where body ->> 'a' = '1'`,
  )
})

test('several rows where one is wanted: PostgreSQL refuses, and so does the refresh', async () => {
  await world.run(SHOP)
  await world.stream(
    'answer',
    `select id, (select page from visits v where v.customer_id = c.id + 100) as page from customers c`,
  )
  await world.step(`insert into visits values (101, 'one')`)
  await expect(world.step(`insert into visits values (101, 'two')`)).rejects.toThrow(/more than one row/)
  await world.step(`delete from visits where page = 'two'`)
})

test('JSON_TABLE and the functions of SQL/JSON', async () => {
  const [server] = await world.database.query<{ major: number }>(
    raw(`select current_setting('server_version_num')::int / 10000 as major`),
  )
  await world.run(`create table documents (id int primary key, body jsonb);
    insert into documents values (1, '{"k": 1, "items": [{"q": 1, "tags": ["a", "b"]}, {"q": 2}]}'), (2, '{"items": []}'), (3, null)`)
  // before version 17 there are none: the path functions take their place
  const queries: Readonly<Record<string, string>> =
    (server?.major ?? 0) >= 17
      ? {
          rows: `select d.id, j.* from documents d, json_table(d.body, '$.items[*]' columns (position for ordinality, q int path '$.q' default 0 on empty,
            nested path '$.tags[*]' columns (tag text path '$'))) j`,
          padded: `select d.id, j.q from documents d left join json_table(d.body, '$.items[*]' columns (q int path '$.q')) j on true`,
          parts: `select id, json_value(body, '$.k' returning int) as k, json_exists(body, '$.items[0]') as some, json_query(body, '$.items[*].q' with wrapper)::text as q from documents`,
        }
      : { rows: `select d.id, j.q from documents d, lateral jsonb_path_query(d.body, '$.items[*].q') j(q)` }
  for (const [name, query] of Object.entries(queries)) await world.stream(name, query)
  await world.step(
    `update documents set body = '{"items": [{"tags": ["c"]}]}' where id = 2; delete from documents where id = 1`,
    `insert into documents values (4, '{"k": 7, "items": [{"q": 5, "tags": []}]}'); update documents set body = '{}' where id = 2`,
  )
})
