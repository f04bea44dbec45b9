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
  select region as region, status as status, shipping as shipping, __w
  from "Δ join"
),
"Δ groups" as (
  select region, status, sum(__w) as "__count(*)", sum(case when __w = 1 then shipping when __w = -1 then -shipping else shipping * __w end) as "__sum shipping", sum(__w) filter (where shipping is not null) as "__count filter (where ship okexj2"
  from "Δ project"
  group by region, status
),
groups as (
  select d.region, d.status, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.count, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, case when coalesce(t.__s2, 0) + coalesce(d."__count filter (where ship okexj2", 0)::bigint = 0 then null else (coalesce(t.sum, 0) + coalesce(d."__sum shipping", 0))::numeric end as __slot_2, coalesce(t.__s2, 0) + coalesce(d."__count filter (where ship okexj2", 0)::bigint as __slot_3, t.region as __old_1, t.status as __old_2, t.count as __old_3, t.sum as __old_4, coalesce((coalesce(t.sum, 0) + coalesce(d."__sum shipping", 0)) = any ('{NaN,Infinity,-Infinity}'::numeric[]), false) as __again
  from (
    select *, substr(sha256(record_send(row(region::text, status::text))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_99905d1cade7e624_1 t on t.__key = d.__key_1
),
"groups again" as (
  select region as __wanted_1, status as __wanted_2
  from groups
  where __again
),
"groups computed again" as (
  select *, substr(sha256(record_send(row(region::text, status::text))), 1, 16) as __key_1
  from (
    select region, status, count(*) as __slot_1, (sum(shipping))::numeric as __slot_2, count(*) filter (where shipping is not null) as __slot_3
    from (
      select r.*
      from "groups again" w
      join (
        select region as region, status as status, shipping as shipping
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
      ) r on r.region = w.__wanted_1 and r.status = w.__wanted_2
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select region as region, status as status, shipping as shipping
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
      ) r on (r.region = w.__wanted_1 or (r.region is null and w.__wanted_1 is null)) and (r.status = w.__wanted_2 or (r.status is null and w.__wanted_2 is null))
      where (w.__wanted_1 is null or w.__wanted_2 is null)
        and (select exists (select 1 from "groups again" w where w.__wanted_1 is null or w.__wanted_2 is null))
    ) g
    group by region, status
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, __old_1, __old_2, __old_3, __old_4, (region)::text as __new_1, (status)::text as __new_2, (count)::bigint as __new_3, (sum)::numeric as __new_4
  from (
    select *, __slot_1 as count, __slot_2 as sum
    from (
      select s.region, s.status, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__slot_3, s.__old_1, s.__old_2, s.__old_3, s.__old_4
      from groups s
      where not s.__again
      union all
      select s.region, s.status, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, coalesce(a.__slot_3, 0) as __slot_3, s.__old_1, s.__old_2, s.__old_3, s.__old_4
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as region, __old_2 as status, __old_3 as count, __old_4 as sum, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3, __new_4)::record *<> row(__old_1, __old_2, __old_3, __old_4)::record)
  union all
  select __new_1 as region, __new_2 as status, __new_3 as count, __new_4 as sum, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3, __new_4)::record *<> row(__old_1, __old_2, __old_3, __old_4)::record)
),
"deleted from stage_99905d1cade7e624_1" as (
  delete from freshet_changes.stage_99905d1cade7e624_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_99905d1cade7e624_1" as (
  insert into freshet_changes.stage_99905d1cade7e624_1 as t (region, status, count, sum, __key, __s2)
  select __new_1, __new_2, __new_3, __new_4, __key_1, __slot_3
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_99905d1cade7e624_1" as (
  update freshet_changes.stage_99905d1cade7e624_1 t
  set region = __new_1, status = __new_2, count = __new_3, sum = __new_4, __s2 = __slot_3
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ project 2" as (
  select region as region, shipping as shipping, __w
  from "Δ join"
),
"Δ groups 2" as (
  select region, sum(__w) as "__count(*)", sum(case when __w = 1 then shipping when __w = -1 then -shipping else shipping * __w end) as "__sum shipping", sum(__w) filter (where shipping is not null) as "__count filter (where ship okexj2"
  from "Δ project 2"
  group by region
),
"groups 2" as (
  select d.region, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.count_2, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, case when coalesce(t.__s2, 0) + coalesce(d."__count filter (where ship okexj2", 0)::bigint = 0 then null else (coalesce(t.sum_2, 0) + coalesce(d."__sum shipping", 0))::numeric end as __slot_2, coalesce(t.__s2, 0) + coalesce(d."__count filter (where ship okexj2", 0)::bigint as __slot_3, t.region as __old_1, t.count_2 as __old_2, t.sum_2 as __old_3, coalesce((coalesce(t.sum_2, 0) + coalesce(d."__sum shipping", 0)) = any ('{NaN,Infinity,-Infinity}'::numeric[]), false) as __again
  from (
    select *, substr(sha256(record_send(row(region::text))), 1, 16) as __key_1
    from "Δ groups 2"
  ) d
  left join freshet_changes.stage_99905d1cade7e624_2 t on t.__key = d.__key_1
),
"groups again 2" as (
  select region as __wanted_1
  from "groups 2"
  where __again
),
"groups computed again 2" as (
  select *, substr(sha256(record_send(row(region::text))), 1, 16) as __key_1
  from (
    select region, count(*) as __slot_1, (sum(shipping))::numeric as __slot_2, count(*) filter (where shipping is not null) as __slot_3
    from (
      select r.*
      from "groups again 2" w
      join (
        select region as region, shipping as shipping
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
      where (select exists (select 1 from "groups again 2"))
      union all
      select r.*
      from "groups again 2" w
      join (
        select region as region, shipping as shipping
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
        and (select exists (select 1 from "groups again 2" w where w.__wanted_1 is null))
    ) g
    group by region
  ) k
),
"groups after 2" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, __old_1, __old_2, __old_3, (region)::text as __new_1, (count_2)::bigint as __new_2, (sum_2)::numeric as __new_3
  from (
    select *, __slot_1 as count_2, __slot_2 as sum_2
    from (
      select s.region, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__slot_3, s.__old_1, s.__old_2, s.__old_3
      from "groups 2" s
      where not s.__again
      union all
      select s.region, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, coalesce(a.__slot_3, 0) as __slot_3, s.__old_1, s.__old_2, s.__old_3
      from "groups 2" s
      left join "groups computed again 2" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage 2" as (
  select __old_1 as region, __old_2 as count_2, __old_3 as sum_2, -1 as __w
  from "groups after 2"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
  union all
  select __new_1 as region, __new_2 as count_2, __new_3 as sum_2, 1 as __w
  from "groups after 2"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
),
"deleted from stage_99905d1cade7e624_2" as (
  delete from freshet_changes.stage_99905d1cade7e624_2 t
  using "groups after 2" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_99905d1cade7e624_2" as (
  insert into freshet_changes.stage_99905d1cade7e624_2 as t (region, count_2, sum_2, __key, __s2)
  select __new_1, __new_2, __new_3, __key_1, __slot_3
  from "groups after 2"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_99905d1cade7e624_2" as (
  update freshet_changes.stage_99905d1cade7e624_2 t
  set region = __new_1, count_2 = __new_2, sum_2 = __new_3, __s2 = __slot_3
  from "groups after 2" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ project 3" as (
  select shipping as shipping, __w
  from "Δ join"
),
"Δ groups 3" as (
  select sum(__w) as "__count(*)", sum(case when __w = 1 then shipping when __w = -1 then -shipping else shipping * __w end) as "__sum shipping", sum(__w) filter (where shipping is not null) as "__count filter (where ship okexj2"
  from "Δ project 3"
  having count(*) > 0
),
"groups 3" as (
  select d.__key_1, t.__one is not null as __existed, t.ctid as __at, coalesce(t.count_3, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, case when coalesce(t.__s2, 0) + coalesce(d."__count filter (where ship okexj2", 0)::bigint = 0 then null else (coalesce(t.sum_3, 0) + coalesce(d."__sum shipping", 0))::numeric end as __slot_2, coalesce(t.__s2, 0) + coalesce(d."__count filter (where ship okexj2", 0)::bigint as __slot_3, t.count_3 as __old_1, t.sum_3 as __old_2, coalesce((coalesce(t.sum_3, 0) + coalesce(d."__sum shipping", 0)) = any ('{NaN,Infinity,-Infinity}'::numeric[]), false) as __again
  from (
    select *, true as __key_1
    from "Δ groups 3"
  ) d
  left join freshet_changes.stage_99905d1cade7e624_3 t on t.__one = d.__key_1
),
"groups again 3" as (
  select
  from "groups 3"
  where __again
),
"groups computed again 3" as (
  select *, true as __key_1
  from (
    select count(*) as __slot_1, (sum(shipping))::numeric as __slot_2, count(*) filter (where shipping is not null) as __slot_3
    from (
      select *
      from (
        select shipping as shipping
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
      ) r
      where (select exists (select 1 from "groups again 3"))
    ) g
  ) k
),
"groups after 3" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, __old_1, __old_2, (count_3)::bigint as __new_1, (sum_3)::numeric as __new_2
  from (
    select *, __slot_1 as count_3, __slot_2 as sum_3
    from (
      select s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__slot_3, s.__old_1, s.__old_2
      from "groups 3" s
      where not s.__again
      union all
      select s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, coalesce(a.__slot_3, 0) as __slot_3, s.__old_1, s.__old_2
      from "groups 3" s
      left join "groups computed again 3" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage 3" as (
  select __old_1 as count_3, __old_2 as sum_3, -1 as __w
  from "groups after 3"
  where __existed
    and (not __existed or not (true) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as count_3, __new_2 as sum_3, 1 as __w
  from "groups after 3"
  where true
    and (not __existed or not (true) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_99905d1cade7e624_3" as (
  delete from freshet_changes.stage_99905d1cade7e624_3 t
  using "groups after 3" c
  where t.ctid = c.__at and c.__existed and not (true)
  returning 1
),
"inserted into stage_99905d1cade7e624_3" as (
  insert into freshet_changes.stage_99905d1cade7e624_3 as t (count_3, sum_3, __one, __s2)
  select __new_1, __new_2, __key_1, __slot_3
  from "groups after 3"
  where true
    and not __existed
  returning 1
),
"updated in stage_99905d1cade7e624_3" as (
  update freshet_changes.stage_99905d1cade7e624_3 t
  set count_3 = __new_1, sum_3 = __new_2, __s2 = __slot_3
  from "groups after 3" c
  where t.ctid = c.__at and c.__existed and true
  returning 1
),
"Δ project 4" as (
  select region as region_2, status as status_2, 0 as level, count as orders, sum as shipping_2, __w
  from "Δ stage"
),
"Δ project 5" as (
  select status as left_out, __w
  from "Δ join"
),
"Δ join 2" as (
  select region, count_2, sum_2, left_out, l.__w
  from "Δ stage 2" l
  left join "Δ project 5" r on false
),
"Δ project 6" as (
  select region as region_2, left_out as status_2, 1 as level, count_2 as orders, sum_2 as shipping_2, __w
  from "Δ join 2"
),
"Δ project 7" as (
  select region as left_out_2, status as left_out_3, __w
  from "Δ join"
),
"Δ join 3" as (
  select count_3, sum_3, left_out_2, left_out_3, l.__w
  from "Δ stage 3" l
  left join "Δ project 7" r on false
),
"Δ project 8" as (
  select left_out_2 as region_2, left_out_3 as status_2, 3 as level, count_3 as orders, sum_3 as shipping_2, __w
  from "Δ join 3"
),
"Δ union all" as (
  select region_2, status_2, level, orders, shipping_2, __w
  from "Δ project 4"
  union all
  select region_2, status_2, level, orders, shipping_2, __w
  from "Δ project 6"
  union all
  select region_2, status_2, level, orders, shipping_2, __w
  from "Δ project 8"
),
"Δ output" as (
  select (region_2)::text as region, (status_2)::text as status, (level)::integer as level, (orders)::bigint as orders, (shipping_2)::numeric as shipping, __w
  from "Δ union all"
),
"Δ net" as (
  select (array_agg(region))[1] as region, (array_agg(status))[1] as status, (array_agg(level))[1] as level, (array_agg(orders))[1] as orders, (array_agg(shipping))[1] as shipping, __row, sum(__w) as __w
  from (
    select region, status, level, orders, shipping, substr(sha256(record_send(row(region::text, status::text, level::integer, orders::bigint, shipping::numeric))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.grouping_sets_report t where t.__row = n.__row) as __have
  from "Δ net" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, region as __value_1, status as __value_2, level as __value_3, orders as __value_4, shipping as __value_5
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from grouping_sets_report" as (
  delete from public.grouping_sets_report t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to grouping_sets_report" as (
  insert into public.grouping_sets_report as t (region, status, level, orders, shipping, __row, __ord)
  select __value_1, __value_2, __value_3, __value_4, __value_5, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set region = excluded.region, status = excluded.status, level = excluded.level, orders = excluded.orders, shipping = excluded.shipping
  returning 1
)
