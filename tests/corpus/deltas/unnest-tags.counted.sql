"Δ e" as (
  select tags, __w
  from "window of events"
  where (select go from gate)
),
"Δ expand" as (
  select tags, tag, e.__w
  from "Δ e" e
  cross join LATERAL unnest(tags) AS __call(tag)
),
"Δ project" as (
  select tag as tag, __w
  from "Δ expand"
),
"Δ groups" as (
  select tag, sum(__w) as "__count(*)"
  from "Δ project"
  group by tag
),
groups as (
  select d.tag, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1
  from (
    select *, substr(sha256(record_send(row(tag::text))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join public.counted t on t.__key = d.__key_1
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, (tag)::text as __new_1, (count)::bigint as __new_2
  from (
    select *, __slot_1 as count
    from (
      select * from groups
    ) s
  ) v
),
"deleted from counted" as (
  delete from public.counted t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into counted" as (
  insert into public.counted as t (tag, n, __key)
  select __new_1, __new_2, __key_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in counted" as (
  update public.counted t
  set tag = __new_1, n = __new_2
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
)
