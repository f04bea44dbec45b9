"Δ customers" as (
  select region, credit, __w
  from "window of customers"
  where (select go from gate)
),
"Δ project" as (
  select region as region_2, (credit IS NULL) as unlimited, __w
  from "Δ customers"
),
"Δ groups" as (
  select region_2, unlimited, sum(__w) as "__count(*)"
  from "Δ project"
  group by region_2, unlimited
),
groups as (
  select d.region_2, d.unlimited, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1
  from (
    select *, substr(sha256(record_send(row(region_2::text, unlimited::boolean))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join public.distinct_regions t on t.__key = d.__key_1
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, (region_2)::text as __new_1, (unlimited)::boolean as __new_2
  from (
    select *
    from (
      select * from groups
    ) s
  ) v
),
"deleted from distinct_regions" as (
  delete from public.distinct_regions t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into distinct_regions" as (
  insert into public.distinct_regions as t (region, unlimited, __key, __n)
  select __new_1, __new_2, __key_1, __slot_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in distinct_regions" as (
  update public.distinct_regions t
  set region = __new_1, unlimited = __new_2, __n = __slot_1
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
)
