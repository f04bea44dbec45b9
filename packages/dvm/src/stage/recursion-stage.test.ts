import { expect, test } from 'vitest'
import { explainPlan, explainText } from '../explain.ts'
import { compile, plan, sqlOf } from '../facts.fixture.ts'

const CHAIN =
  'WITH RECURSIVE r(id, depth) AS ( SELECT c.id, 1 FROM shop.customers c WHERE (c.score = 0) UNION ALL SELECT c.id, (r_1.depth + 1) FROM (shop.customers c JOIN r r_1 ON ((c.score = r_1.id)))) SELECT r.id, r.depth FROM r'

test('runs again when what it reads has changed, and gives the difference', () => {
  const compiled = compile(CHAIN, { id: 'integer', depth: 'integer' }, { depth: 'integer', score: 'integer' })
  expect(sqlOf(compiled, 'Δ below', 'fresh')).toMatchInlineSnapshot(`
    "-- Δ below
    select where exists (select 1 from "Δ c") or exists (select 1 from "Δ c 2")

    -- fresh
    select * from (
      select id, depth, __row, row_number() over (partition by __row) as __ord
      from (
        select *, substr(sha256(record_send(row(id::integer, depth::integer))), 1, 16) as __row
        from (
          select __item_1 as id, __item_2 as depth
          from (
            select (id_2)::integer as __item_1, (depth)::integer as __item_2
            from (
              select *
              from (
                with recursive __r (id_2, depth) as (
                  select id as id_2, 1 as depth
                  from (
                    select id, score
                    from (
                      select id, score
                      from shop.customers
                    ) f
                    where (score = 0)
                  ) p
                  union all
                  select id_3 as id_2, (depth_2 + 1) as depth
                  from (
                    select id_3, score_2, id_4, depth_2
                    from (
                      select id as id_3, score as score_2
                      from shop.customers
                    ) l
                    join (
                      select id_2 as id_4, depth as depth_2
                      from __r
                    ) r on (score_2 = id_4)
                  ) p
                )
                select id_2, depth
                from __r
              ) r
              where (select exists (select 1 from "Δ below"))
            ) p
          ) v
        ) n
      ) k
    ) as f(id, depth, __row, __ord)"
  `)
})

test('what it shows as it is needs no table of its own', () => {
  expect(compile(CHAIN, { id: 'integer', depth: 'integer' }, { depth: 'integer' }).tables).toHaveLength(1)
})

test('what reads the rows of the last round is computed with them; other stages below are read', () => {
  const query =
    'WITH RECURSIVE r(id) AS ( SELECT c.id FROM shop.customers c UNION SELECT DISTINCT o.qty FROM (shop.orders o JOIN r r_1 ON ((o.customer_id = r_1.id))) WHERE (o.qty IN ( SELECT max(v.customer_id) AS max FROM shop.visits v GROUP BY v.page))) SELECT count(*) AS n FROM r'
  expect(explainText(explainPlan(plan(query, { n: 'bigint' })))).toMatchInlineSnapshot(`
    "aggregate  one group: count(*) → count as n  [γ(state ⊎ ΔR) − γ(state)]
      └ project    [Δ(πR) = πΔR]
        └ project    [Δ(πR) = πΔR]
          └ recursive union  id_2  [computed again when what it reads has changed]
            └ project  id as id_2  [Δ(πR) = πΔR]
              └ scan  shop.customers as c (id)  [Δ(R) = ΔR]
            └ project  qty_2 as id_2  [Δ(πR) = πΔR]
              └ distinct  by qty_2  [γ(state ⊎ ΔR) − γ(state)]
                └ project  qty as qty_2  [Δ(πR) = πΔR]
                  └ inner join  (customer_id = id_4)  [Δ(R⋈S) = ΔR⋈S + R⋈ΔS − ΔR⋈ΔS]
                    └ semi join  (qty = max_2)  [ΔR against S, and rows of R whose number of matches crosses zero]
                      └ scan  shop.orders as o (customer_id, qty)  [Δ(R) = ΔR]
                      └ project  max as max_2  [Δ(πR) = πΔR]
                        └ aggregate  by page: max(customer_id_2)  [γ(state ⊎ ΔR) − γ(state)]
                          └ project  page, customer_id_2  [Δ(πR) = πΔR]
                            └ scan  shop.visits as v (customer_id, page)  [Δ(R) = ΔR]
                    └ working table  id_4  [the rows of the last round]"
  `)
  expect(compile(query, { n: 'bigint' }, { max: 'integer', count: 'bigint' }).tables).toHaveLength(3)
})
