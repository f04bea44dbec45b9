"Δ o" as (
  select customer_id, status, shipping, __w
  from "window of orders"
  where (select go from gate)
),
"Δ c" as (
  select id as id_2, region, __w
  from "window of customers"
  where (select go from gate)
),
"Δ join" as (
  select customer_id, status, shipping, id_2, region, l.__w as __w
  from "Δ o" l
  join (
    select id as id_2, region
    from public.customers
  ) r on (id_2 = customer_id)
  where (select exists (select 1 from "Δ o"))
  union all
  select customer_id, status, shipping, id_2, region, r.__w as __w
  from "Δ c" r
  join (
    select customer_id, status, shipping
    from public.orders
  ) l on (id_2 = customer_id)
  where (select exists (select 1 from "Δ c"))
  union all
  select customer_id, status, shipping, id_2, region, -(l.__w * r.__w) as __w
  from "Δ o" l
  join "Δ c" r on (id_2 = customer_id)
  where (select exists (select 1 from "Δ o"))
    and (select exists (select 1 from "Δ c"))
),
"Δ project" as (
  select region as region, shipping as shipping, (status = 'paid'::text) as filter, __w
  from "Δ join"
),
"Δ groups" as (
  select region, sum(__w) as "__count(*)", sum(__w) filter (where shipping is not null) as "__count filter (where ship okexj2", sum(case when __w = 1 then shipping when __w = -1 then -shipping else shipping * __w end) as "__sum shipping", sum(__w) filter (where filter) as "__count filter (where filter)"
  from "Δ project"
  group by region
),
groups as (
  select d.region, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.orders, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, coalesce(t.charged, 0) + coalesce(d."__count filter (where ship okexj2", 0)::bigint as __slot_2, case when coalesce(t.charged, 0) + coalesce(d."__count filter (where ship okexj2", 0)::bigint = 0 then null else (coalesce(t.shipping, 0) + coalesce(d."__sum shipping", 0))::numeric end as __slot_3, coalesce(t.paid, 0) + coalesce(d."__count filter (where filter)", 0)::bigint as __slot_4, coalesce((coalesce(t.shipping, 0) + coalesce(d."__sum shipping", 0)) = any ('{NaN,Infinity,-Infinity}'::numeric[]), false) as __again
  from (
    select *, substr(sha256(record_send(row(region::text))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join public.aggregate_sales_by_region t on t.__key = d.__key_1
),
"groups again" as (
  select region as __wanted_1
  from groups
  where __again
),
"groups computed again" as (
  select *, substr(sha256(record_send(row(region::text))), 1, 16) as __key_1
  from (
    select region, count(*) as __slot_1, count(*) filter (where shipping is not null) as __slot_2, (sum(shipping))::numeric as __slot_3, count(*) filter (where filter) as __slot_4
    from (
      select r.*
      from "groups again" w
      join (
        select region as region, shipping as shipping, (status = 'paid'::text) as filter
        from (
          select customer_id, status, shipping, id_2, region
          from (
            select customer_id, status, shipping
            from public.orders
          ) l
          join (
            select id as id_2, region
            from public.customers
          ) r on (id_2 = customer_id)
        ) p
      ) r on r.region = w.__wanted_1
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select region as region, shipping as shipping, (status = 'paid'::text) as filter
        from (
          select customer_id, status, shipping, id_2, region
          from (
            select customer_id, status, shipping
            from public.orders
          ) l
          join (
            select id as id_2, region
            from public.customers
          ) r on (id_2 = customer_id)
        ) p
      ) r on (r.region = w.__wanted_1 or (r.region is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again" w where w.__wanted_1 is null))
    ) g
    group by region
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, __slot_4, (region)::text as __new_1, (count)::bigint as __new_2, (count_2)::bigint as __new_3, (sum)::numeric as __new_4, (avg)::numeric as __new_5, (count_3)::bigint as __new_6
  from (
    select *, __slot_1 as count, __slot_2 as count_2, __slot_3 as sum, __slot_3 / nullif(__slot_2, 0) as avg, __slot_4 as count_3
    from (
      select s.region, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__slot_3, s.__slot_4
      from groups s
      where not s.__again
      union all
      select s.region, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, coalesce(a.__slot_2, 0) as __slot_2, a.__slot_3, coalesce(a.__slot_4, 0) as __slot_4
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"deleted from aggregate_sales_by_region" as (
  delete from public.aggregate_sales_by_region t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into aggregate_sales_by_region" as (
  insert into public.aggregate_sales_by_region as t (region, orders, charged, shipping, mean, paid, __key)
  select __new_1, __new_2, __new_3, __new_4, __new_5, __new_6, __key_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in aggregate_sales_by_region" as (
  update public.aggregate_sales_by_region t
  set region = __new_1, orders = __new_2, charged = __new_3, shipping = __new_4, mean = __new_5, paid = __new_6
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
)
