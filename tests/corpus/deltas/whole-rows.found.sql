"Δ c" as (
  select id, __w
  from "window of customers"
  where (select go from gate)
),
"Δ project" as (
  select id as id, __w
  from "Δ c"
),
"Δ o" as (
  select id as id_2, customer_id, placed_on, status, shipping, __w
  from "window of orders"
  where (select go from gate)
),
"Δ project 2" as (
  select customer_id as customer_id, CAST(ROW(id_2, customer_id, placed_on, status, shipping) AS public.orders) as orders, __w
  from "Δ o"
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, 1 as __w
    from (
      select id as id
      from (
        select id
        from public.customers
      ) p
    ) l
    where exists (select 1 from "Δ project 2" r where (customer_id = id))
    union all
    select id, -l.__w as __w
    from "Δ project" l
    where exists (select 1 from "Δ project 2" r where (customer_id = id))
  ) l
),
crossings as (
  select id, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ project 2" r on (customer_id = id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select customer_id as customer_id, CAST(ROW(id_2, customer_id, placed_on, status, shipping) AS public.orders) as orders
          from (
            select id as id_2, customer_id, placed_on, status, shipping
            from public.orders
          ) p
        ) r
        where (customer_id = id)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match" as (
  select id, __w
  from "Δ project" l
  where not exists (
    select 1
    from (
      select customer_id as customer_id, CAST(ROW(id_2, customer_id, placed_on, status, shipping) AS public.orders) as orders
      from (
        select id as id_2, customer_id, placed_on, status, shipping
        from public.orders
      ) p
    ) r
    where (customer_id = id)
  )
  union all
  select id, case when __is then -__w else __w end as __w
  from crossings
),
"Δ join" as (
  select id, customer_id, orders, l.__w as __w
  from "Δ project" l
  join (
    select customer_id as customer_id, CAST(ROW(id_2, customer_id, placed_on, status, shipping) AS public.orders) as orders
    from (
      select id as id_2, customer_id, placed_on, status, shipping
      from public.orders
    ) p
  ) r on (customer_id = id)
  where (select exists (select 1 from "Δ project"))
  union all
  select id, customer_id, orders, r.__w as __w
  from "Δ project 2" r
  join (
    select id as id
    from (
      select id
      from public.customers
    ) p
  ) l on (customer_id = id)
  where (select exists (select 1 from "Δ project 2"))
  union all
  select id, customer_id, orders, -(l.__w * r.__w) as __w
  from "Δ project" l
  join "Δ project 2" r on (customer_id = id)
  where (select exists (select 1 from "Δ project"))
    and (select exists (select 1 from "Δ project 2"))
  union all
  select id, customer_id, orders, l.__w
  from "Δ without a match" l
  left join "Δ project 2" r on false
),
"Δ project 3" as (
  select id as id, orders as orders, __w
  from "Δ join"
),
"Δ partitions" as (
  select id as __wanted_1
  from "Δ project 3"
  group by id
),
fresh as materialized (
  select * from (
    select id, "none", n, shown, __row, row_number() over (partition by __row) as __ord, __part
    from (
      select *, substr(sha256(record_send(row(id::integer, "none"::boolean, n::bigint, shown::text, __part))), 1, 16) as __row
      from (
        select __item_1 as id, __item_2 as "none", __item_3 as n, __item_4 as shown, __part
        from (
          select (id)::integer as __item_1, ((orders IS NULL))::boolean as __item_2, (count)::bigint as __item_3, (orders::text)::text as __item_4, substr(sha256(record_send(row(id::integer))), 1, 16) as __part
          from (
            select id, orders, count(orders) OVER (PARTITION BY id) as count
            from (
              select r.*
              from "Δ partitions" w
              join (
                select id as id, orders as orders
                from (
                  select id, customer_id, orders
                  from (
                    select id as id
                    from (
                      select id
                      from public.customers
                    ) p
                  ) l
                  left join (
                    select customer_id as customer_id, CAST(ROW(id_2, customer_id, placed_on, status, shipping) AS public.orders) as orders
                    from (
                      select id as id_2, customer_id, placed_on, status, shipping
                      from public.orders
                    ) p
                  ) r on (customer_id = id)
                ) p
              ) r on r.id = w.__wanted_1
              where (select exists (select 1 from "Δ partitions"))
            ) w
          ) p
        ) v
      ) n
    ) k
  ) as f(id, "none", n, shown, __row, __ord, __part)
),
changes as (
  select coalesce(t.__row, f.__row) as __key_1, coalesce(t.__ord, f.__ord) as __key_2, t.__row is not null as __existed, t.__at, f.__row is not null as __alive, f.id as __new_1, f."none" as __new_2, f.n as __new_3, f.shown as __new_4, f.__row as __new_5, f.__ord as __new_6, f.__part as __new_7, t.id as __old_1, t."none" as __old_2, t.n as __old_3, t.shown as __old_4, row(t.id, t."none", t.n, t.shown)::record *<> row(f.id, f."none", f.n, f.shown)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from public.found t
    join (
      select substr(sha256(record_send(row(id::integer))), 1, 16) as __part
      from (
        select __wanted_1 as id
        from "Δ partitions"
      ) k
    ) p using (__part)
  ) t on t.__row = f.__row and t.__ord = f.__ord
  where (t.__row is null or f.__row is null or row(t.id, t."none", t.n, t.shown, t.__row, t.__ord, t.__part)::record *<> row(f.id, f."none", f.n, f.shown, f.__row, f.__ord, f.__part)::record)
),
"deleted from found" as (
  delete from public.found t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into found" as (
  insert into public.found as t (id, "none", n, shown, __row, __ord, __part)
  select __new_1, __new_2, __new_3, __new_4, __new_5, __new_6, __new_7
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in found" as (
  update public.found t
  set id = __new_1, "none" = __new_2, n = __new_3, shown = __new_4, __part = __new_7
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
)
