"Δ customers" as (
  select id, "name", region, credit, __w
  from "window of customers"
  where (select go from gate)
),
"Δ project" as (
  select region as region, name as "name", id as id, credit as credit, __w
  from "Δ customers"
),
"Δ groups" as (
  select region, sum(__w) as "__count(*)"
  from "Δ project"
  group by region
),
groups as (
  select d.region, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, null::text as __slot_2, null::text[] as __slot_3, null::bigint as __slot_4, null::numeric as __slot_5, coalesce(true or true or true or true, false) as __again
  from (
    select *, substr(sha256(record_send(row(region::text))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join public.aggregate_lists t on t.__key = d.__key_1
),
"groups again" as (
  select region as __wanted_1
  from groups
  where __again
),
"groups computed again" as (
  select *, substr(sha256(record_send(row(region::text))), 1, 16) as __key_1
  from (
    select region, count(*) as __slot_1, string_agg(name, ', '::text ORDER BY name, id) as __slot_2, array_agg(DISTINCT name) as __slot_3, count(DISTINCT credit) as __slot_4, percentile_disc(CAST(0.5 AS double precision)) WITHIN GROUP (ORDER BY credit) as __slot_5
    from (
      select r.*
      from "groups again" w
      join (
        select region as region, name as "name", id as id, credit as credit
        from (
          select id, "name", region, credit
          from public.customers
        ) p
      ) r on r.region = w.__wanted_1
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select region as region, name as "name", id as id, credit as credit
        from (
          select id, "name", region, credit
          from public.customers
        ) p
      ) r on (r.region = w.__wanted_1 or (r.region is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again" w where w.__wanted_1 is null))
    ) g
    group by region
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, __slot_4, __slot_5, (region)::text as __new_1, (string_agg)::text as __new_2, (array_agg)::text[] as __new_3, (count)::bigint as __new_4, (percentile_disc)::numeric as __new_5
  from (
    select *, __slot_2 as string_agg, __slot_3 as array_agg, __slot_4 as count, __slot_5 as percentile_disc
    from (
      select s.region, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__slot_3, s.__slot_4, s.__slot_5
      from groups s
      where not s.__again
      union all
      select s.region, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, a.__slot_3, a.__slot_4, a.__slot_5
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"deleted from aggregate_lists" as (
  delete from public.aggregate_lists t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into aggregate_lists" as (
  insert into public.aggregate_lists as t (region, names, different, credits, median, __key, __n)
  select __new_1, __new_2, __new_3, __new_4, __new_5, __key_1, __slot_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in aggregate_lists" as (
  update public.aggregate_lists t
  set region = __new_1, names = __new_2, different = __new_3, credits = __new_4, median = __new_5, __n = __slot_1
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
)
