import { expect, test } from 'vitest'
import { compile, sqlOf } from '../facts.fixture.ts'

test('both sides read after: the pairs that both terms counted are taken out', () => {
  const compiled = compile(
    'SELECT o.id, c.region FROM (shop.orders o JOIN shop.customers c ON ((c.id = o.customer_id)))',
    { id: 'bigint', region: 'text' },
  )
  expect(sqlOf(compiled, 'Δ join')).toMatchInlineSnapshot(`
    "-- Δ join
    select id, customer_id, id_2, region, l.__w as __w
    from "Δ o" l
    join (
      select id as id_2, region
      from shop.customers
    ) r on (id_2 = customer_id)
    where (select exists (select 1 from "Δ o"))
    union all
    select id, customer_id, id_2, region, r.__w as __w
    from "Δ c" r
    join (
      select id, customer_id
      from shop.orders
    ) l on (id_2 = customer_id)
    where (select exists (select 1 from "Δ c"))
    union all
    select id, customer_id, id_2, region, -(l.__w * r.__w) as __w
    from "Δ o" l
    join "Δ c" r on (id_2 = customer_id)
    where (select exists (select 1 from "Δ o"))
      and (select exists (select 1 from "Δ c"))"
  `)
})

test('a cross join, with a side that never changes', () => {
  const compiled = compile(`SELECT o.id, v.n FROM shop.orders o, (VALUES (1), (2)) v(n)`, {
    id: 'bigint',
    n: 'integer',
  })
  expect(sqlOf(compiled, 'Δ join')).toMatchInlineSnapshot(`
    "-- Δ join
    select id, column1_2, l.__w as __w
    from "Δ o" l
    cross join (
      select column1 as column1_2
      from (
        select * from (VALUES (1), (2)) as "values"(column1)
      ) p
    ) r
    where (select go from gate)"
  `)
})

test('one side a state, read before: no correction', () => {
  const compiled = compile(
    `SELECT c.region, s.n FROM (shop.customers c JOIN (SELECT orders.customer_id, count(*) AS n FROM shop.orders GROUP BY orders.customer_id) s ON ((s.customer_id = c.id)))`,
    { region: 'text', n: 'bigint' },
    { count: 'bigint', n: 'bigint' },
  )
  expect(sqlOf(compiled, 'Δ join')).toMatchInlineSnapshot(`
    "-- Δ join
    select id, region, customer_id_2, n, l.__w as __w
    from "Δ c" l
    join (
      select customer_id as customer_id_2, count as n
      from (
        select customer_id, count
        from freshet_changes.stage_00000000000000aa_1
      ) p
    ) r on (customer_id_2 = id)
    where (select exists (select 1 from "Δ c"))
    union all
    select id, region, customer_id_2, n, r.__w as __w
    from "Δ project 2" r
    join (
      select id, region
      from shop.customers
    ) l on (customer_id_2 = id)
    where (select exists (select 1 from "Δ project 2"))"
  `)
})

test('both sides states, read before: the pairs that neither term counted are added', () => {
  const counted = 'SELECT orders.customer_id, count(*) AS n FROM shop.orders GROUP BY orders.customer_id'
  const compiled = compile(
    `SELECT a.n, b.n AS m FROM ((${counted}) a JOIN (${counted}) b ON ((a.n = b.n)))`,
    { n: 'bigint', m: 'bigint' },
    { count: 'bigint', n: 'bigint' },
  )
  expect(sqlOf(compiled, 'Δ join').match(/.*__w.*/g)).toMatchInlineSnapshot(`
    [
      "select n, n_2, l.__w as __w",
      "select n, n_2, r.__w as __w",
      "select n, n_2, l.__w * r.__w as __w",
    ]
  `)
})

test('three relations: by recursion', () => {
  const compiled = compile(
    'SELECT o.id FROM ((shop.orders o JOIN shop.customers c ON ((c.id = o.customer_id))) JOIN shop.visits v ON ((v.customer_id = c.id)))',
    { id: 'bigint' },
  )
  expect(sqlOf(compiled, 'Δ join', 'Δ join 2')).toMatchInlineSnapshot(`
    "-- Δ join
    select id, customer_id, id_2, l.__w as __w
    from "Δ o" l
    join (
      select id as id_2
      from shop.customers
    ) r on (id_2 = customer_id)
    where (select exists (select 1 from "Δ o"))
    union all
    select id, customer_id, id_2, r.__w as __w
    from "Δ c" r
    join (
      select id, customer_id
      from shop.orders
    ) l on (id_2 = customer_id)
    where (select exists (select 1 from "Δ c"))
    union all
    select id, customer_id, id_2, -(l.__w * r.__w) as __w
    from "Δ o" l
    join "Δ c" r on (id_2 = customer_id)
    where (select exists (select 1 from "Δ o"))
      and (select exists (select 1 from "Δ c"))

    -- Δ join 2
    select id, customer_id, id_2, customer_id_2, l.__w as __w
    from "Δ join" l
    join (
      select customer_id as customer_id_2
      from shop.visits
    ) r on (customer_id_2 = id_2)
    where (select exists (select 1 from "Δ join"))
    union all
    select id, customer_id, id_2, customer_id_2, r.__w as __w
    from "Δ v" r
    join (
      select id, customer_id, id_2
      from (
        select id, customer_id
        from shop.orders
      ) l
      join (
        select id as id_2
        from shop.customers
      ) r on (id_2 = customer_id)
    ) l on (customer_id_2 = id_2)
    where (select exists (select 1 from "Δ v"))
    union all
    select id, customer_id, id_2, customer_id_2, -(l.__w * r.__w) as __w
    from "Δ join" l
    join "Δ v" r on (customer_id_2 = id_2)
    where (select exists (select 1 from "Δ join"))
      and (select exists (select 1 from "Δ v"))"
  `)
})
