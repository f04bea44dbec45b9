"Δ readings" as (
  select tags, __w
  from "window of readings"
  where (select go from gate)
),
"Δ project" as (
  select tags as tags, __w
  from "Δ readings"
),
"Δ groups" as (
  select tags, sum(__w) as "__count(*)"
  from "Δ project"
  group by tags
),
groups as (
  select d.tags, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1
  from (
    select *, substr(sha256(record_send(row(pg_catalog.regexp_replace((tags::jsonb)::text, '("(?:[^"\\]|\\.)*")|(\d+)(?:\.0+|(\.\d*[1-9])0+)(?!\d)', '\1\2\3', 'g')))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join public.groups t on t.__key = d.__key_1
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, (tags)::jsonb as __new_1, (count)::bigint as __new_2
  from (
    select *, __slot_1 as count
    from (
      select * from groups
    ) s
  ) v
),
"deleted from groups" as (
  delete from public.groups t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into groups" as (
  insert into public.groups as t (tags, n, __key)
  select __new_1, __new_2, __key_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in groups" as (
  update public.groups t
  set tags = __new_1, n = __new_2
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
)
