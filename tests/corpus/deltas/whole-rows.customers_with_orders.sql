"Δ x" as (
  select id as id_2, customer_id, placed_on, status, shipping, __w
  from "window of orders"
  where (select go from gate)
),
"Δ project" as (
  select id_2 as id_2, customer_id as customer_id, CAST(ROW(id_2, customer_id, placed_on, status, shipping) AS public.orders) as orders, __w
  from "Δ x"
),
"Δ project 2" as (
  select customer_id as key, id_2 as id_2, orders as orders, __w
  from "Δ project"
),
"Δ project 3" as (
  select key as key_2, orders as orders, id_2 as id_2, __w
  from "Δ project 2"
),
"Δ groups" as (
  select key_2, sum(__w) as "__count(*)"
  from "Δ project 3"
  group by key_2
),
groups as (
  select d.key_2, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.count, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, null::jsonb as __slot_2, t.key_2 as __old_1, t.count as __old_2, t.jsonb_agg as __old_3, coalesce(true, false) as __again
  from (
    select *, substr(sha256(record_send(row(key_2::integer))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_1d1f6ae5c6211980_1 t on t.__key = d.__key_1
),
"groups again" as (
  select key_2 as __wanted_1
  from groups
  where __again
),
"groups computed again" as (
  select *, substr(sha256(record_send(row(key_2::integer))), 1, 16) as __key_1
  from (
    select key_2, count(*) as __slot_1, jsonb_agg(orders ORDER BY id_2) as __slot_2
    from (
      select r.*
      from "groups again" w
      join (
        select key as key_2, orders as orders, id_2 as id_2
        from (
          select customer_id as key, id_2 as id_2, orders as orders
          from (
            select id_2 as id_2, customer_id as customer_id, CAST(ROW(id_2, customer_id, placed_on, status, shipping) AS public.orders) as orders
            from (
              select id as id_2, customer_id, placed_on, status, shipping
              from public.orders
            ) p
          ) p
        ) p
      ) r on r.key_2 = w.__wanted_1
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select key as key_2, orders as orders, id_2 as id_2
        from (
          select customer_id as key, id_2 as id_2, orders as orders
          from (
            select id_2 as id_2, customer_id as customer_id, CAST(ROW(id_2, customer_id, placed_on, status, shipping) AS public.orders) as orders
            from (
              select id as id_2, customer_id, placed_on, status, shipping
              from public.orders
            ) p
          ) p
        ) p
      ) r on (r.key_2 = w.__wanted_1 or (r.key_2 is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again" w where w.__wanted_1 is null))
    ) g
    group by key_2
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __old_1, __old_2, __old_3, (key_2)::integer as __new_1, (count)::bigint as __new_2, (jsonb_agg)::jsonb as __new_3
  from (
    select *, __slot_1 as count, __slot_2 as jsonb_agg
    from (
      select s.key_2, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__old_1, s.__old_2, s.__old_3
      from groups s
      where not s.__again
      union all
      select s.key_2, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, s.__old_1, s.__old_2, s.__old_3
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as key_2, __old_2 as count, __old_3 as jsonb_agg, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
  union all
  select __new_1 as key_2, __new_2 as count, __new_3 as jsonb_agg, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
),
"deleted from stage_1d1f6ae5c6211980_1" as (
  delete from freshet_changes.stage_1d1f6ae5c6211980_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_1d1f6ae5c6211980_1" as (
  insert into freshet_changes.stage_1d1f6ae5c6211980_1 as t (key_2, count, jsonb_agg, __key)
  select __new_1, __new_2, __new_3, __key_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_1d1f6ae5c6211980_1" as (
  update freshet_changes.stage_1d1f6ae5c6211980_1 t
  set key_2 = __new_1, count = __new_2, jsonb_agg = __new_3
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ c" as (
  select id, "name", region, credit, __w
  from "window of customers"
  where (select go from gate)
),
"Δ project 4" as (
  select id as id, CAST(ROW(id, name, region, credit) AS public.customers) as customers, __w
  from "Δ c"
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, customers, 1 as __w
    from (
      select id as id, CAST(ROW(id, name, region, credit) AS public.customers) as customers
      from (
        select id, "name", region, credit
        from public.customers
      ) p
    ) l
    where exists (select 1 from "Δ stage" r where (key_2 = id))
    union all
    select id, customers, -l.__w as __w
    from "Δ project 4" l
    where exists (select 1 from "Δ stage" r where (key_2 = id))
  ) l
),
crossings as (
  select id, customers, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l.customers, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ stage" r on (key_2 = id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select t.key_2, t.count, t.jsonb_agg
          from freshet_changes.stage_1d1f6ae5c6211980_1 t
          where (t.__key) not in (select c.__key_1 from "groups after" c)
        ) r
        where (key_2 = id)
        union all
        select 1
        from (
          select __new_1 as key_2, __new_2 as count, __new_3 as jsonb_agg
          from "groups after"
          where __slot_1 > 0
        ) r
        where (key_2 = id)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match" as (
  select id, customers, __w
  from "Δ project 4" l
  where not exists (
    select 1
    from (
      select t.key_2, t.count, t.jsonb_agg
      from freshet_changes.stage_1d1f6ae5c6211980_1 t
      where (t.__key) not in (select c.__key_1 from "groups after" c)
    ) r
    where (key_2 = id)
  )
    and not exists (
    select 1
    from (
      select __new_1 as key_2, __new_2 as count, __new_3 as jsonb_agg
      from "groups after"
      where __slot_1 > 0
    ) r
    where (key_2 = id)
  )
  union all
  select id, customers, case when __is then -__w else __w end as __w
  from crossings
),
"Δ join" as (
  select id, customers, key_2, count, jsonb_agg, l.__w as __w
  from "Δ project 4" l
  join (
    select key_2, count, jsonb_agg
    from freshet_changes.stage_1d1f6ae5c6211980_1
  ) r on (key_2 = id)
  where (select exists (select 1 from "Δ project 4"))
  union all
  select id, customers, key_2, count, jsonb_agg, r.__w as __w
  from "Δ stage" r
  join (
    select id as id, CAST(ROW(id, name, region, credit) AS public.customers) as customers
    from (
      select id, "name", region, credit
      from public.customers
    ) p
  ) l on (key_2 = id)
  where (select exists (select 1 from "Δ stage"))
  union all
  select id, customers, key_2, count, jsonb_agg, l.__w
  from "Δ without a match" l
  left join "Δ stage" r on false
),
"Δ project 5" as (
  select id as id, customers as customers, (COALESCE(count, 0)) as n, jsonb_agg as listed, __w
  from "Δ join"
),
"Δ output" as (
  select (id)::integer as id, ((to_jsonb(customers) - 'credit'::text))::jsonb as customer, (n)::bigint as n, (listed)::jsonb as listed, __w
  from "Δ project 5"
),
"Δ net" as (
  select id, (array_agg(customer))[1] as customer, n, (array_agg(listed))[1] as listed, sum(__w) as __w
  from "Δ output"
  group by id, n, record_send(row(customer, listed))
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, id as __key_1
  from "Δ net"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l.customer as __old_2, l.n as __old_3, l.listed as __old_4, a.id as __new_1, a.customer as __new_2, a.n as __new_3, a.listed as __new_4
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
"deleted from customers_with_orders" as (
  delete from public.customers_with_orders t
  using changes c
  where t.id = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to customers_with_orders" as (
  insert into public.customers_with_orders as t (id, customer, n, listed)
  select __new_1, __new_2, __new_3, __new_4
  from changes
  where __alive
  on conflict (id) do update set customer = excluded.customer, n = excluded.n, listed = excluded.listed
  returning 1
)
