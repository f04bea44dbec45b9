import { expect, test } from 'vitest'
import { explainPlan, explainText } from '../explain.ts'
import { compile, plan, sqlOf } from '../facts.fixture.ts'

const CHAIN =
  'WITH RECURSIVE r(id, depth) AS ( SELECT c.id, 1 FROM shop.customers c WHERE (c.score = 0) UNION ALL SELECT c.id, (r_1.depth + 1) FROM (shop.customers c JOIN r r_1 ON ((c.score = r_1.id)))) SELECT r.id, r.depth FROM r'

test('UNION ALL: changes go through the step with their weights, and where they are too many it runs again', () => {
  const compiled = compile(CHAIN, { id: 'integer', depth: 'integer' }, { depth: 'integer', score: 'integer' })
  expect(sqlOf(compiled, '__r', 'Δ seeds', 'Δ rounds', 'again', 'Δ recursion')).toMatchInlineSnapshot(`
    "-- __r
    select t.id as id_2, t.depth as depth
    from shop.answer t

    -- Δ seeds
    select id_2, depth, __w
    from "Δ project"
    union all
    select id_2, depth, __w
    from "Δ project 2"

    -- Δ rounds
    with recursive __r (id_2, depth, __w) as (
      select id_2, depth, __w
      from "Δ seeds"
      union all
      select id_2, depth, __w
      from (
        select id_3 as id_2, (depth_2 + 1) as depth, __w as __w
        from (
          select id_3, score_2, id_4, depth_2, __w
          from (
            select id as id_3, score as score_2
            from shop.customers
          ) l
          join (
            select id_2 as id_4, depth as depth_2, __w
            from __r
          ) r on (score_2 = id_4)
        ) p
      ) s
    )
    select id_2, depth, __w
    from __r
    limit (select greatest(reltuples, 0)::bigint + 1000 from pg_catalog.pg_class where oid = 'shop.answer'::regclass) + 1

    -- again
    select
    where (select count(*) from "Δ rounds") > (select greatest(reltuples, 0)::bigint + 1000 from pg_catalog.pg_class where oid = 'shop.answer'::regclass)

    -- Δ recursion
    select (id_2)::integer as id, (depth)::integer as depth, __w
    from (
      select id_2, depth, __w
      from "Δ rounds"
    ) r
    where not (select exists (select 1 from again))
    union all
    select (id_2)::integer as id, (depth)::integer as depth, __w
    from (
      select *, 1 as __w
      from (
        with recursive __r (id_2, depth) as (
          select id_2, depth
          from (
            select id as id_2, 1 as depth
            from (
              select id, score
              from (
                select id, score
                from shop.customers
              ) f
              where (score = 0)
            ) p
          ) b
          where num_nulls(id_2, depth) between (select 0) and (select 1664)
            and num_nonnulls(id_2, depth) between (select 0) and (select 1664)
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
    ) r
    where (select exists (select 1 from again))
      and num_nulls(id_2, depth) between (select 0) and (select 1664)
      and num_nonnulls(id_2, depth) between (select 0) and (select 1664)
    union all
    select id, depth, -1 as __w
    from shop.answer
    where (select exists (select 1 from again))
      and num_nulls(id, depth) between (select 0) and (select 1664)
      and num_nonnulls(id, depth) between (select 0) and (select 1664)"
  `)
})

test('UNION: what is lost is deleted, and what has another way is derived again', () => {
  const query =
    'WITH RECURSIVE r(id) AS ( SELECT c.id FROM shop.customers c UNION SELECT o.qty FROM (shop.orders o JOIN r r_1 ON ((o.customer_id = r_1.id)))) SELECT r.id FROM r'
  const compiled = compile(query, { id: 'integer' })
  expect(sqlOf(compiled, 'Δ lost', 'Δ candidates', 'kept __r', 'Δ ways', 'Δ gained', 'again')).toMatchInlineSnapshot(`
    "-- Δ lost
    with recursive __r (id_2) as (
      select id_2
      from (
        select *, substr(sha256(record_send(row(id_2::integer))), 1, 16) as __known
        from (
          select id_2
          from "Δ seeds"
          where __w < 0
        ) s
      ) k
      where (select true from shop.answer t where t.__key = __known)
      union
      select id_2
      from (
        select *, substr(sha256(record_send(row(id_2::integer))), 1, 16) as __known
        from (
          select qty as id_2
          from (
            select customer_id, qty, id_4
            from (
              select customer_id, qty
              from shop.orders
            ) l
            join (
              select id_2 as id_4
              from __r
            ) r on (customer_id = id_4)
          ) p
        ) s
      ) k
      where (select true from shop.answer t where t.__key = __known)
    )
    select id_2, substr(sha256(record_send(row(id_2::integer))), 1, 16) as __known
    from __r
    limit (select greatest(reltuples, 0)::bigint + 1000 from pg_catalog.pg_class where oid = 'shop.answer'::regclass) + 1

    -- Δ candidates
    select id_2
    from "Δ lost"
    union
    select id_2
    from "Δ seeds"
    where __w > 0

    -- kept __r
    select id_2
    from __r
    where not __known in (select l.__known from "Δ lost" l)

    -- Δ ways
    select id_2
    from (
      select id as id_2
      from (
        select id
        from shop.customers
      ) p
    ) w
    where (select exists (select 1 from "Δ lost"))
      and (id_2) in (select id_2 from "Δ candidates")
    union all
    select id_2
    from (
      select qty as id_2
      from (
        select customer_id, qty, id_4
        from (
          select customer_id, qty
          from shop.orders
        ) l
        join (
          select id_2 as id_4
          from "kept __r"
        ) r on (customer_id = id_4)
      ) p
    ) w
    where (select exists (select 1 from "Δ lost"))
      and (id_2) in (select id_2 from "Δ candidates")
    union all
    select id_2
    from "Δ seeds"
    where not (select exists (select 1 from "Δ lost"))
    group by id_2
    having sum(__w) > 0

    -- Δ gained
    with recursive __r (id_2) as (
      select id_2
      from (
        select *, substr(sha256(record_send(row(id_2::integer))), 1, 16) as __known
        from (
          select id_2
          from "Δ ways"
        ) s
      ) k
      where ((select true from shop.answer t where t.__key = __known) is null or __known in (select l.__known from "Δ lost" l))
      union
      select id_2
      from (
        select *, substr(sha256(record_send(row(id_2::integer))), 1, 16) as __known
        from (
          select qty as id_2
          from (
            select customer_id, qty, id_4
            from (
              select customer_id, qty
              from shop.orders
            ) l
            join (
              select id_2 as id_4
              from __r
            ) r on (customer_id = id_4)
          ) p
        ) s
      ) k
      where ((select true from shop.answer t where t.__key = __known) is null or __known in (select l.__known from "Δ lost" l))
    )
    select id_2
    from __r
    limit (select greatest(reltuples, 0)::bigint + 1000 from pg_catalog.pg_class where oid = 'shop.answer'::regclass) + 1

    -- again
    select
    where (select count(*) from "Δ lost") > (select greatest(reltuples, 0)::bigint + 1000 from pg_catalog.pg_class where oid = 'shop.answer'::regclass)
      or (select count(*) from "Δ gained") > (select greatest(reltuples, 0)::bigint + 1000 from pg_catalog.pg_class where oid = 'shop.answer'::regclass)
      or ((select exists (select 1 from "Δ lost")) and exists (select 1 from "Δ candidates" where id_2 is null))"
  `)
  expect(compiled.tables.map((table) => table.indexes)).toEqual([['id']])
})

test('a step that looks at several rows at once runs again, and gives the difference', () => {
  const query =
    'WITH RECURSIVE r(id) AS ( SELECT c.id FROM shop.customers c UNION SELECT DISTINCT o.qty FROM (shop.orders o JOIN r r_1 ON ((o.customer_id = r_1.id)))) SELECT r.id FROM r'
  const compiled = compile(query, { id: 'integer' })
  expect(sqlOf(compiled, 'Δ below')).toMatchInlineSnapshot(`
    "-- Δ below
    select where exists (select 1 from "Δ c") or exists (select 1 from "Δ o")"
  `)
  expect(compiled.tables.map((table) => table.indexes)).toEqual([[]])
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
