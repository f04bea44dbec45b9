import { expect, test } from 'vitest'
import { explainPlan, explainText } from '../explain.ts'
import { plan } from '../facts.fixture.ts'

const shown = (query: string, ...columns: readonly string[]) => {
  const planned = plan(query, Object.fromEntries(columns.map((column) => [column, 'integer'])))
  expect(planned.unsupported).toBe(null)
  return explainText(explainPlan(planned))
}

test('what compares by = is grouped by its own key: there is no domain', () => {
  const query =
    'SELECT c.id AS a, o.id AS b FROM (shop.customers c CROSS JOIN LATERAL ( SELECT p.id FROM shop.orders p WHERE (p.customer_id = c.id) ORDER BY p.qty DESC LIMIT 2) o)'
  expect(shown(query, 'a', 'b')).toMatchInlineSnapshot(`
    "output  id as a, id_4 as b  [the net change by key, or by row]
      └ inner join  (key_3 = id)  [Δ(R⋈S) = ΔR⋈S + R⋈ΔS − ΔR⋈ΔS]
        └ scan  shop.customers as c (id)  [Δ(R) = ΔR]
        └ project  key_2 as key_3, id_3 as id_4  [Δ(πR) = πΔR]
          └ limit  by key_2  [changed partitions computed again]
            └ project  key as key_2, id_2 as id_3, qty as sort  [Δ(πR) = πΔR]
              └ project  customer_id as key, id_2, qty  [Δ(πR) = πΔR]
                └ scan  shop.orders as p (id, customer_id, qty)  [Δ(R) = ΔR]"
  `)
})

test('what keeps no state is laid over the rows', () => {
  const query =
    'SELECT c.id AS a, v.n AS b FROM (shop.customers c CROSS JOIN LATERAL ( VALUES (c.id), (c.score)) v(n)) WHERE (v.n > 1)'
  expect(shown(query, 'a', 'b')).toMatchInlineSnapshot(`
    "output  id as a, column1_2 as b  [the net change by key, or by row]
      └ filter  (column1_2 > 1)  [Δ(σR) = σΔR]
        └ project  id, column1_2  [Δ(πR) = πΔR]
          └ project  id, column1 as column1_2  [Δ(πR) = πΔR]
            └ union all  id, column1  [Δ(R⊎S) = ΔR ⊎ ΔS]
              └ project  id, column1  [Δ(πR) = πΔR]
                └ project  id, id as column1  [Δ(πR) = πΔR]
                  └ scan  shop.customers as c (id, score)  [Δ(R) = ΔR]
              └ project  id, column1  [Δ(πR) = πΔR]
                └ project  id, score as column1  [Δ(πR) = πΔR]
                  └ scan  shop.customers as c (id, score)  [Δ(R) = ΔR]"
  `)
})

test('an aggregate has a value for rows without a group', () => {
  const query =
    'SELECT c.id AS a, s.n AS b FROM (shop.customers c LEFT JOIN LATERAL ( SELECT (count(*) + 1) AS n FROM shop.orders o WHERE (o.customer_id = c.id)) s ON (true))'
  expect(shown(query, 'a', 'b')).toMatchInlineSnapshot(`
    "output  id as a, n as b  [the net change by key, or by row]
      └ project  id, (((COALESCE(count, 0))) + 1) as n  [Δ(πR) = πΔR]
        └ left join  (key_2 = id)  [Δ(R⟕S) = Δ(R⋈S) + Δ(R▷S) × null]
          └ scan  shop.customers as c (id)  [Δ(R) = ΔR]
          └ aggregate  by key_2: count(*)  [γ(state ⊎ ΔR) − γ(state)]
            └ project  key as key_2  [Δ(πR) = πΔR]
              └ project  customer_id as key  [Δ(πR) = πΔR]
                └ scan  shop.orders as o (customer_id)  [Δ(R) = ΔR]"
  `)
})

test('any other comparison goes over the outer rows, by their key', () => {
  const query =
    'SELECT c.id AS a, ( SELECT p.id FROM shop.orders p WHERE (p.qty < c.score) ORDER BY p.id LIMIT 1) AS b FROM shop.customers c'
  expect(shown(query, 'a', 'b')).toMatchInlineSnapshot(`
    "output  id as a, value as b  [the net change by key, or by row]
      └ left join  (id = id_7)  [Δ(R⟕S) = Δ(R⋈S) + Δ(R▷S) × null]
        └ scan  shop.customers as c (id, score)  [Δ(R) = ΔR]
        └ project  id_7, id_4 as value  [Δ(πR) = πΔR]
          └ project  id_6 as id_7, id_3 as id_4  [Δ(πR) = πΔR]
            └ limit  by id_6  [changed partitions computed again]
              └ project  id_5 as id_6, id_2 as id_3  [Δ(πR) = πΔR]
                └ inner join  (qty < score_2)  [Δ(R⋈S) = ΔR⋈S + R⋈ΔS − ΔR⋈ΔS]
                  └ project  id as id_5, score as score_2  [Δ(πR) = πΔR]
                    └ scan  shop.customers as c (id, score)  [Δ(R) = ΔR]
                  └ scan  shop.orders as p (id, qty)  [Δ(R) = ΔR]"
  `)
})

test('outer rows without a key are told apart by the image of what the subquery names', () => {
  const query =
    'SELECT v.page AS a, ( SELECT count(*) AS count FROM shop.orders p WHERE (p.qty < v.customer_id)) AS b FROM shop.visits v'
  expect(shown(query, 'a', 'b')).toMatchInlineSnapshot(`
    "output  page as a, count_2 as b  [the net change by key, or by row]
      └ project  page, (COALESCE(count, 0)) as count_2  [Δ(πR) = πΔR]
        └ left join  (record_send(ROW(customer_id::text)) = image_2)  [Δ(R⟕S) = Δ(R⋈S) + Δ(R▷S) × null]
          └ scan  shop.visits as v (customer_id, page)  [Δ(R) = ΔR]
          └ aggregate  by image_2: count(*)  [γ(state ⊎ ΔR) − γ(state)]
            └ project  image as image_2  [Δ(πR) = πΔR]
              └ inner join  (qty_2 < customer_id_4)  [Δ(R⋈S) = ΔR⋈S + R⋈ΔS − ΔR⋈ΔS]
                └ distinct  by customer_id_4, image  [γ(state ⊎ ΔR) − γ(state)]
                  └ project  customer_id as customer_id_4, record_send(ROW(customer_id::text)) as image  [Δ(πR) = πΔR]
                    └ scan  shop.visits as v (customer_id, page)  [Δ(R) = ΔR]
                └ scan  shop.orders as p (qty)  [Δ(R) = ΔR]"
  `)
})

test('a value of the domain that a group no longer carries comes from the domain again', () => {
  const query =
    'SELECT c.id AS a, x.m AS b FROM (shop.customers c CROSS JOIN LATERAL ( SELECT (max(o.qty) + c.score) AS m FROM shop.orders o WHERE (o.qty < c.score) GROUP BY o.note) x)'
  expect(shown(query, 'a', 'b')).toMatchInlineSnapshot(`
    "output  id as a, m as b  [the net change by key, or by row]
      └ inner join  (id = id_6)  [Δ(R⋈S) = ΔR⋈S + R⋈ΔS − ΔR⋈ΔS]
        └ scan  shop.customers as c (id, score)  [Δ(R) = ΔR]
        └ project  id_4 as id_6, (max + score_4) as m  [Δ(πR) = πΔR]
          └ inner join  (id_4 = id_5)  [Δ(R⋈S) = ΔR⋈S + R⋈ΔS − ΔR⋈ΔS]
            └ aggregate  by id_4, note: max(qty)  [γ(state ⊎ ΔR) − γ(state)]
              └ project  id_3 as id_4, note, qty  [Δ(πR) = πΔR]
                └ inner join  (qty < score_2)  [Δ(R⋈S) = ΔR⋈S + R⋈ΔS − ΔR⋈ΔS]
                  └ project  id as id_3, score as score_2  [Δ(πR) = πΔR]
                    └ scan  shop.customers as c (id, score)  [Δ(R) = ΔR]
                  └ scan  shop.orders as o (qty, note)  [Δ(R) = ΔR]
            └ project  id as id_5, score as score_4  [Δ(πR) = πΔR]
              └ scan  shop.customers as c (id, score)  [Δ(R) = ΔR]"
  `)
})

test('several rows where one is wanted are an error where the value is used', () => {
  const query =
    'SELECT o.id AS a, ( SELECT c.id FROM shop.customers c WHERE (c.region = o.note)) AS b FROM shop.orders o'
  expect(shown(query, 'a', 'b')).toMatchInlineSnapshot(`
    "output  id as a, (CASE WHEN (CAST((CASE WHEN (rows > 1) THEN 'more than one row returned by a subquery used as an expression'::text ELSE '1'::text END) AS int) = 1) THEN id_4 ELSE NULL END) as b  [the net change by key, or by row]
      └ left join  (key_2 = note)  [Δ(R⟕S) = Δ(R⋈S) + Δ(R▷S) × null]
        └ scan  shop.orders as o (id, note)  [Δ(R) = ΔR]
        └ limit  by key_2  [changed partitions computed again]
          └ window  by key_2: count(*) OVER (PARTITION BY key_2)  [changed partitions computed again]
            └ project  key as key_2, id_3 as id_4  [Δ(πR) = πΔR]
              └ project  region_2 as key, id_3  [Δ(πR) = πΔR]
                └ scan  shop.customers as c (id, region)  [Δ(R) = ΔR]"
  `)
})

test('a condition of an outer join asks on the side that it names, or makes that side a lateral one', () => {
  const joined = (asked: string) =>
    `SELECT c.id AS a, o.id AS b FROM (shop.customers c LEFT JOIN shop.orders o ON (((o.customer_id = c.id) AND (EXISTS ( SELECT FROM shop.visits v WHERE (${asked}))))))`
  expect(shown(joined('v.customer_id = o.customer_id'), 'a', 'b')).toMatchInlineSnapshot(`
    "output  id as a, id_2 as b  [the net change by key, or by row]
      └ left join  (customer_id = id) and mark  [Δ(R⟕S) = Δ(R⋈S) + Δ(R▷S) × null]
        └ scan  shop.customers as c (id)  [Δ(R) = ΔR]
        └ mark join  (customer_id_2 = customer_id)  [ΔR against S, and rows of R whose number of matches crosses zero]
          └ scan  shop.orders as o (id, customer_id)  [Δ(R) = ΔR]
          └ scan  shop.visits as v (customer_id)  [Δ(R) = ΔR]"
  `)
  expect(shown(joined('(v.customer_id = c.id) AND (v.page = o.note)'), 'a', 'b')).toMatchInlineSnapshot(`
    "output  id as a, id_2 as b  [the net change by key, or by row]
      └ left join  (id = id_4)  [Δ(R⟕S) = Δ(R⋈S) + Δ(R▷S) × null]
        └ scan  shop.customers as c (id)  [Δ(R) = ΔR]
        └ semi join  (customer_id_4 = id_4) and (page_3 = note)  [ΔR against S, and rows of R whose number of matches crosses zero]
          └ inner join  (customer_id = id_4)  [Δ(R⋈S) = ΔR⋈S + R⋈ΔS − ΔR⋈ΔS]
            └ project  id as id_4  [Δ(πR) = πΔR]
              └ scan  shop.customers as c (id)  [Δ(R) = ΔR]
            └ scan  shop.orders as o (id, customer_id, note)  [Δ(R) = ΔR]
          └ scan  shop.visits as v (customer_id, page)  [Δ(R) = ΔR]"
  `)
})

test('an array of a subquery is an aggregate in its order, and empty where there are no rows', () => {
  const query =
    'SELECT c.id AS a, ARRAY( SELECT o.id FROM shop.orders o WHERE (o.customer_id = c.id) ORDER BY o.qty) AS b FROM shop.customers c'
  expect(shown(query, 'a', 'b')).toMatchInlineSnapshot(`
    "output  id as a, (COALESCE("array", '{}')) as b  [the net change by key, or by row]
      └ project  id, array_agg as array  [Δ(πR) = πΔR]
        └ left join  (key_3 = id)  [Δ(R⟕S) = Δ(R⋈S) + Δ(R▷S) × null]
          └ scan  shop.customers as c (id)  [Δ(R) = ΔR]
          └ aggregate  by key_3: array_agg(id_5 ORDER BY sort1_2)  [changed groups computed again]
            └ project  key_2 as key_3, id_5, sort1_2  [Δ(πR) = πΔR]
              └ project  key as key_2, id_4 as id_5, qty_2 as sort1_2  [Δ(πR) = πΔR]
                └ project  customer_id_2 as key, id_4, qty_2  [Δ(πR) = πΔR]
                  └ scan  shop.orders as o (id, customer_id, qty)  [Δ(R) = ΔR]"
  `)
})
