"Δ p" as (
  select id, "name", __w
  from "window of products"
  where (select go from gate)
),
"Δ l" as (
  select order_id, line, product_id, quantity, __w
  from "window of order_lines"
  where (select go from gate)
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, "name", 1 as __w
    from (
      select id, "name"
      from public.products
    ) l
    where exists (select 1 from "Δ l" r where (id = product_id))
      and exists (select 1 from "Δ l" r where (id = product_id)   and (quantity > 1))
    union all
    select id, "name", -l.__w as __w
    from "Δ p" l
    where exists (select 1 from "Δ l" r where (id = product_id))
      and exists (select 1 from "Δ l" r where (id = product_id)   and (quantity > 1))
  ) l
),
crossings as (
  select id, "name", __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l."name", l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ l" r on (id = product_id) and (quantity > 1)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select order_id, line, product_id, quantity
          from public.order_lines
        ) r
        where (id = product_id)
          and (quantity > 1)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match" as (
  select id, "name", __w
  from "Δ p" l
  where not exists (
    select 1
    from (
      select order_id, line, product_id, quantity
      from public.order_lines
    ) r
    where (id = product_id)
      and (quantity > 1)
  )
  union all
  select id, "name", case when __is then -__w else __w end as __w
  from crossings
),
"Δ join" as (
  select id, "name", order_id, line, product_id, quantity, l.__w as __w
  from "Δ p" l
  join (
    select order_id, line, product_id, quantity
    from public.order_lines
  ) r on (id = product_id) and (quantity > 1)
  where (select exists (select 1 from "Δ p"))
  union all
  select id, "name", order_id, line, product_id, quantity, r.__w as __w
  from "Δ l" r
  join (
    select id, "name"
    from public.products
  ) l on (id = product_id) and (quantity > 1)
  where (select exists (select 1 from "Δ l"))
  union all
  select id, "name", order_id, line, product_id, quantity, -(l.__w * r.__w) as __w
  from "Δ p" l
  join "Δ l" r on (id = product_id) and (quantity > 1)
  where (select exists (select 1 from "Δ p"))
    and (select exists (select 1 from "Δ l"))
  union all
  select id, "name", order_id, line, product_id, quantity, l.__w
  from "Δ without a match" l
  left join "Δ l" r on false
),
"Δ output" as (
  select (order_id)::integer as order_id, (line)::integer as line, (id)::integer as product_id, (name)::text as "name", __w
  from "Δ join"
),
"Δ net" as (
  select order_id, line, product_id, "name", sum(__w) as __w
  from "Δ output"
  group by order_id, line, product_id, "name"
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, substr(sha256(record_send(row(product_id::integer, order_id::integer, line::integer))), 1, 16) as __key_1
  from "Δ net"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.order_id as __old_1, l.line as __old_2, l.product_id as __old_3, l."name" as __old_4, a.order_id as __new_1, a.line as __new_2, a.product_id as __new_3, a."name" as __new_4
  from (
    select *
    from "Δ keyed"
    where __w > 0
  ) a
  full join (
    select *
    from "Δ keyed"
    where __w < 0
  ) l on a.__key_1 = l.__key_1
),
"deleted from right_join_products_unsold" as (
  delete from public.right_join_products_unsold t
  using changes c
  where t.__key = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to right_join_products_unsold" as (
  insert into public.right_join_products_unsold as t (order_id, line, product_id, "name", __key)
  select __new_1, __new_2, __new_3, __new_4, __key_1
  from changes
  where __alive
  on conflict (__key) do update set order_id = excluded.order_id, line = excluded.line, product_id = excluded.product_id, "name" = excluded."name"
  returning 1
)
