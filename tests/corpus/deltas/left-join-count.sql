"Δ c" as (
  select id, region, __w
  from "window of customers"
  where (select go from gate)
),
"Δ o" as (
  select id as id_2, customer_id, shipping, __w
  from "window of orders"
  where (select go from gate)
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, region, 1 as __w
    from (
      select id, region
      from public.customers
    ) l
    where exists (select 1 from "Δ o" r where (customer_id = id))
    union all
    select id, region, -l.__w as __w
    from "Δ c" l
    where exists (select 1 from "Δ o" r where (customer_id = id))
  ) l
),
crossings as (
  select id, region, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l.region, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ o" r on (customer_id = id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select id as id_2, customer_id, shipping
          from public.orders
        ) r
        where (customer_id = id)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match" as (
  select id, region, __w
  from "Δ c" l
  where not exists (
    select 1
    from (
      select id as id_2, customer_id, shipping
      from public.orders
    ) r
    where (customer_id = id)
  )
  union all
  select id, region, case when __is then -__w else __w end as __w
  from crossings
),
"Δ join" as (
  select id, region, id_2, customer_id, shipping, l.__w as __w
  from "Δ c" l
  join (
    select id as id_2, customer_id, shipping
    from public.orders
  ) r on (customer_id = id)
  where (select exists (select 1 from "Δ c"))
  union all
  select id, region, id_2, customer_id, shipping, r.__w as __w
  from "Δ o" r
  join (
    select id, region
    from public.customers
  ) l on (customer_id = id)
  where (select exists (select 1 from "Δ o"))
  union all
  select id, region, id_2, customer_id, shipping, -(l.__w * r.__w) as __w
  from "Δ c" l
  join "Δ o" r on (customer_id = id)
  where (select exists (select 1 from "Δ c"))
    and (select exists (select 1 from "Δ o"))
  union all
  select id, region, id_2, customer_id, shipping, l.__w
  from "Δ without a match" l
  left join "Δ o" r on false
),
"Δ project" as (
  select region as region, id as id, id_2 as id_2, shipping as shipping, __w
  from "Δ join"
),
"Δ groups" as (
  select region, sum(__w) as "__count(*)", sum(__w) filter (where id_2 is not null) as "__count filter (where id_2 is not null)", sum(case when __w = 1 then shipping when __w = -1 then -shipping else shipping * __w end) as "__sum shipping", sum(__w) filter (where shipping is not null) as "__count filter (where ship okexj2"
  from "Δ project"
  group by region
),
groups as (
  select d.region, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, null::bigint as __slot_2, coalesce(t.orders, 0) + coalesce(d."__count filter (where id_2 is not null)", 0)::bigint as __slot_3, case when coalesce(t.__s4, 0) + coalesce(d."__count filter (where ship okexj2", 0)::bigint = 0 then null else (coalesce(t.__s3, 0) + coalesce(d."__sum shipping", 0))::numeric end as __slot_4, coalesce(t.__s4, 0) + coalesce(d."__count filter (where ship okexj2", 0)::bigint as __slot_5, coalesce(true or (coalesce(t.__s3, 0) + coalesce(d."__sum shipping", 0)) = any ('{NaN,Infinity,-Infinity}'::numeric[]), false) as __again
  from (
    select *, substr(sha256(record_send(row(region::text))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join public.left_join_count t on t.__key = d.__key_1
),
"groups again" as (
  select region as __wanted_1
  from groups
  where __again
),
"groups computed again" as (
  select *, substr(sha256(record_send(row(region::text))), 1, 16) as __key_1
  from (
    select region, count(*) as __slot_1, count(DISTINCT id) as __slot_2, count(*) filter (where id_2 is not null) as __slot_3, (sum(shipping))::numeric as __slot_4, count(*) filter (where shipping is not null) as __slot_5
    from (
      select r.*
      from "groups again" w
      join (
        select region as region, id as id, id_2 as id_2, shipping as shipping
        from (
          select id, region, id_2, customer_id, shipping
          from (
            select id, region
            from public.customers
          ) l
          left join (
            select id as id_2, customer_id, shipping
            from public.orders
          ) r on (customer_id = id)
        ) p
      ) r on r.region = w.__wanted_1
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select region as region, id as id, id_2 as id_2, shipping as shipping
        from (
          select id, region, id_2, customer_id, shipping
          from (
            select id, region
            from public.customers
          ) l
          left join (
            select id as id_2, customer_id, shipping
            from public.orders
          ) r on (customer_id = id)
        ) p
      ) r on (r.region = w.__wanted_1 or (r.region is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again" w where w.__wanted_1 is null))
    ) g
    group by region
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, __slot_4, __slot_5, (region)::text as __new_1, (count)::bigint as __new_2, (count_2)::bigint as __new_3, ((COALESCE(sum, 0::numeric)))::numeric as __new_4
  from (
    select *, __slot_2 as count, __slot_3 as count_2, __slot_4 as sum
    from (
      select s.region, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__slot_3, s.__slot_4, s.__slot_5
      from groups s
      where not s.__again
      union all
      select s.region, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, coalesce(a.__slot_3, 0) as __slot_3, a.__slot_4, coalesce(a.__slot_5, 0) as __slot_5
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"deleted from left_join_count" as (
  delete from public.left_join_count t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into left_join_count" as (
  insert into public.left_join_count as t (region, customers, orders, shipping, __key, __n, __s3, __s4)
  select __new_1, __new_2, __new_3, __new_4, __key_1, __slot_1, __slot_4, __slot_5
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in left_join_count" as (
  update public.left_join_count t
  set region = __new_1, customers = __new_2, orders = __new_3, shipping = __new_4, __n = __slot_1, __s3 = __slot_4, __s4 = __slot_5
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
)
