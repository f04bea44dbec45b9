"Δ c" as (
  select id, "name", __w
  from "window of customers"
  where (select go from gate)
),
"Δ o" as (
  select id as id_2, customer_id, status, __w
  from "window of orders"
  where (select go from gate)
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, "name", 1 as __w
    from (
      select id, "name"
      from public.customers
    ) l
    where exists (select 1 from "Δ o" r where (customer_id = id))
      and exists (select 1 from "Δ o" r where (customer_id = id)   and (status IS DISTINCT FROM 'cancelled'::text))
    union all
    select id, "name", -l.__w as __w
    from "Δ c" l
    where exists (select 1 from "Δ o" r where (customer_id = id))
      and exists (select 1 from "Δ o" r where (customer_id = id)   and (status IS DISTINCT FROM 'cancelled'::text))
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
      join "Δ o" r on (customer_id = id) and (status IS DISTINCT FROM 'cancelled'::text)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select id as id_2, customer_id, status
          from public.orders
        ) r
        where (customer_id = id)
          and (status IS DISTINCT FROM 'cancelled'::text)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match" as (
  select id, "name", __w
  from "Δ c" l
  where not exists (
    select 1
    from (
      select id as id_2, customer_id, status
      from public.orders
    ) r
    where (customer_id = id)
      and (status IS DISTINCT FROM 'cancelled'::text)
  )
  union all
  select id, "name", case when __is then -__w else __w end as __w
  from crossings
),
"Δ join" as (
  select id, "name", id_2, customer_id, status, l.__w as __w
  from "Δ c" l
  join (
    select id as id_2, customer_id, status
    from public.orders
  ) r on (customer_id = id) and (status IS DISTINCT FROM 'cancelled'::text)
  where (select exists (select 1 from "Δ c"))
  union all
  select id, "name", id_2, customer_id, status, r.__w as __w
  from "Δ o" r
  join (
    select id, "name"
    from public.customers
  ) l on (customer_id = id) and (status IS DISTINCT FROM 'cancelled'::text)
  where (select exists (select 1 from "Δ o"))
  union all
  select id, "name", id_2, customer_id, status, -(l.__w * r.__w) as __w
  from "Δ c" l
  join "Δ o" r on (customer_id = id) and (status IS DISTINCT FROM 'cancelled'::text)
  where (select exists (select 1 from "Δ c"))
    and (select exists (select 1 from "Δ o"))
  union all
  select id, "name", id_2, customer_id, status, l.__w
  from "Δ without a match" l
  left join "Δ o" r on false
),
"Δ output" as (
  select (id)::integer as id, (name)::text as "name", (id_2)::integer as order_id, (status)::text as status, __w
  from "Δ join"
),
"Δ net" as (
  select id, "name", order_id, status, sum(__w) as __w
  from "Δ output"
  group by id, "name", order_id, status
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, substr(sha256(record_send(row(id::integer, order_id::integer))), 1, 16) as __key_1
  from "Δ net"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l."name" as __old_2, l.order_id as __old_3, l.status as __old_4, a.id as __new_1, a."name" as __new_2, a.order_id as __new_3, a.status as __new_4
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
"deleted from left_join_customers_without_orders" as (
  delete from public.left_join_customers_without_orders t
  using changes c
  where t.__key = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to left_join_customers_without_orders" as (
  insert into public.left_join_customers_without_orders as t (id, "name", order_id, status, __key)
  select __new_1, __new_2, __new_3, __new_4, __key_1
  from changes
  where __alive
  on conflict (__key) do update set id = excluded.id, "name" = excluded."name", order_id = excluded.order_id, status = excluded.status
  returning 1
)
