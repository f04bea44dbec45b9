import { afterAll, afterEach, beforeAll, test } from 'vitest'
import { CHANGES, SHOP } from './shop.fixture.ts'
import { createWorld, type World } from './world.fixture.ts'

/**
 * A query groups by what stands anywhere in it: among its targets, beside a subquery that a target asks, or in ORDER BY
 * alone. And an aggregate of nothing but outer columns groups the query around.
 */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const KEPT: Readonly<Record<string, string>> = {
  'compared with the rows of a subquery': `select bool_or(qty > 5) not in (select note is null from orders) as missing,
    count(*) = any (select score from customers) as counted from orders where customer_id = 3`,
  'in ORDER BY alone': `select 1 as one from orders order by count(*)`,
  'in ORDER BY alone, in a subquery that is only asked for rows': `select id from products where exists (select from orders order by count(*))`,
  'in ORDER BY alone, in IN': `select id from customers c where id in (select 2 from orders o where o.customer_id = c.score order by max(o.qty))`,
  'in ORDER BY alone, in a target': `select id, (select 7 from orders o where o.customer_id = c.id order by max(o.qty)) as seven from customers c`,
  'in ORDER BY alone, lateral': `select id, l.one from customers c cross join lateral (select 1 as one from orders o where o.customer_id = c.id order by count(*)) l`,
  'in ORDER BY alone, over windows': `select 1 as one from orders order by sum(count(*)) over ()`,
  'a window in ORDER BY groups nothing': `select id from orders order by rank() over (order by qty)`,
  'a set in ORDER BY makes rows': `select id from customers order by generate_series(1, score)`,
  'a set in ORDER BY makes rows of groups': `select region from customers group by region order by generate_series(1, 2), count(*)`,
  'a set in ORDER BY that is shown makes none': `select generate_series(1, score) as n from customers order by 1`,
  'a set in ORDER BY, in a subquery that is only asked for rows': `select id from customers c where exists (select from visits v where v.customer_id = c.id order by generate_series(2, c.score))`,
  'grouping() of a plain group': `select region, grouping(region) as g, rank() over (order by count(*)) as r from customers group by region having grouping(region) = 0`,
  'grouping() of the subquery, in grouping sets': `select region, (select sum(g) from (select grouping(page) as g from visits group by rollup (page)) x) as g from customers group by rollup (region)`,
  'grouping() compared with the rows of a subquery': `select region, grouping(region) in (select qty from orders) as g from customers group by cube (region, score)`,
  'grouping sets that are the same, taken once': `select region, score, count(*) as n from customers group by distinct rollup (region, score), cube (region)`,
  'grouping sets that are the same, taken twice': `select region, score, count(*) as n from customers group by rollup (region, score), cube (region)`,
  'sorted by the subquery’s own columns': `select id, (select string_agg('x', '' order by o.id) from orders o where o.customer_id = c.id) as x from customers c`,
}

test.each(Object.keys(KEPT))('%s', async (name) => {
  await world.run(SHOP)
  await world.stream('answer', KEPT[name] ?? '')
  await world.step(...CHANGES)
})

const OF_THE_QUERY_AROUND: Readonly<Record<string, string>> = {
  'in WHERE': `select exists (select from orders o where o.qty = max(c.score)) as x from customers c`,
  'in the WHERE of an array': `select array(select o.id from orders o where o.id = max(c.id)) as x from customers c`,
  'in a WHERE two levels down': `select region, exists (select from orders where qty in (select o.qty from orders o where o.id = max(c.id))) as x from customers c group by region`,
  'in ON': `select (select o.id from orders o left join (select 1) one on o.id = max(c.id) order by 1 limit 1) as x from customers c`,
  'in GROUP BY': `select (select count(*) from orders o group by max(c.id)) as x from customers c`,
  'in VALUES': `select (select min(v) from (values (max(c.id))) x(v)) as x from customers c`,
  'in ORDER BY': `select (select sum(o.qty) from orders o order by max(c.id)) as x from customers c`,
  'in ORDER BY with LIMIT': `select (select o.id from orders o order by max(c.id), 1 limit 1) as x from customers c`,
  'by its filter': `select (select count(*) filter (where c.score > 1) from orders o limit 1) as x from customers c`,
  'by its order': `select (select array_agg(1 order by c.id) from orders o limit 1) as x from customers c`,
  'grouping()': `select region, (select grouping(c.region) from orders o limit 1) as x from customers c group by rollup (region)`,
}

test.each(Object.keys(OF_THE_QUERY_AROUND))('of the query around, %s: refreshed in full', async (name) => {
  await world.run(SHOP)
  await world.stream('answer', OF_THE_QUERY_AROUND[name] ?? '', { full: 'CORRELATED' })
  await world.step(...CHANGES)
})

test('a window that is compared with the rows of a subquery: refreshed in full', async () => {
  await world.run(SHOP)
  await world.stream(
    'answer',
    `select id, rank() over w in (select score from customers) as r from orders window w as (order by qty)`,
    { full: 'WINDOW_FUNCTION' },
  )
  await world.step(...CHANGES)
})
