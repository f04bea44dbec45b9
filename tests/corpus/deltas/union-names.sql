"Δ customers" as (
  select "name", __w
  from "window of customers"
  where (select go from gate)
),
"Δ project" as (
  select name as name_4, __w
  from "Δ customers"
),
"Δ employees" as (
  select "name" as name_2, __w
  from "window of employees"
  where (select go from gate)
),
"Δ project 2" as (
  select name_2 as name_4, __w
  from "Δ employees"
),
"Δ products" as (
  select category, __w
  from "window of products"
  where (select go from gate)
),
"Δ project 3" as (
  select category as name_4, __w
  from "Δ products"
),
"Δ union all" as (
  select name_4, __w
  from "Δ project"
  union all
  select name_4, __w
  from "Δ project 2"
  union all
  select name_4, __w
  from "Δ project 3"
),
"Δ groups" as (
  select name_4, sum(__w) as "__count(*)"
  from "Δ union all"
  group by name_4
),
groups as (
  select d.name_4, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1
  from (
    select *, substr(sha256(record_send(row(name_4::text))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join public.union_names t on t.__key = d.__key_1
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, (name_4)::text as __new_1
  from (
    select *
    from (
      select * from groups
    ) s
  ) v
),
"deleted from union_names" as (
  delete from public.union_names t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into union_names" as (
  insert into public.union_names as t ("name", __key, __n)
  select __new_1, __key_1, __slot_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in union_names" as (
  update public.union_names t
  set "name" = __new_1, __n = __slot_1
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
)
