"Δ e" as (
  select user_id, kind, tags, __w
  from "window of events"
  where (select go from gate)
),
"Δ expand" as (
  select user_id, kind, tags, tag, e.__w
  from "Δ e" e
  left join LATERAL unnest(tags) AS __call(tag) on true
),
"Δ output" as (
  select (user_id)::integer as user_id, (kind)::text as kind, (tag)::text as tag, __w
  from "Δ expand"
),
"Δ net" as (
  select (array_agg(user_id))[1] as user_id, (array_agg(kind))[1] as kind, (array_agg(tag))[1] as tag, __row, sum(__w) as __w
  from (
    select user_id, kind, tag, substr(sha256(record_send(row(user_id::integer, kind::text, tag::text))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.kept t where t.__row = n.__row) as __have
  from "Δ net" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, user_id as __value_1, kind as __value_2, tag as __value_3
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from kept" as (
  delete from public.kept t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to kept" as (
  insert into public.kept as t (user_id, kind, tag, __row, __ord)
  select __value_1, __value_2, __value_3, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set user_id = excluded.user_id, kind = excluded.kind, tag = excluded.tag
  returning 1
)
