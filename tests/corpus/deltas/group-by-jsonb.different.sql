"Δ readings" as (
  select tags, __w
  from "window of readings"
  where (select go from gate)
),
"Δ project" as (
  select (tags -> 'v'::text) as v, __w
  from "Δ readings"
),
"Δ groups" as (
  select v, sum(__w) as "__count(*)"
  from "Δ project"
  group by v
),
groups as (
  select d.v, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1
  from (
    select *, substr(sha256(record_send(row(pg_catalog.regexp_replace((v::jsonb)::text, '("(?:[^"\\]|\\.)*")|(\d+)(?:\.0+|(\.\d*[1-9])0+)(?!\d)', '\1\2\3', 'g')))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join public.different t on t.__key = d.__key_1
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, (v)::jsonb as __new_1
  from (
    select *
    from (
      select * from groups
    ) s
  ) v
),
"deleted from different" as (
  delete from public.different t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into different" as (
  insert into public.different as t (v, __key, __n)
  select __new_1, __key_1, __slot_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in different" as (
  update public.different t
  set v = __new_1, __n = __slot_1
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
)
