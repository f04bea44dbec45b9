"Δ events" as (
  select user_id, payload, __w
  from "window of events"
  where (select go from gate)
),
"Δ filter" as (
  select user_id, payload, __w
  from "Δ events"
  where ((payload ->> 'page'::text) IS NOT NULL)
),
"Δ output" as (
  select (user_id)::integer as user_id, (payload)::json as payload, ((payload ->> 'page'::text))::text as page, (CAST((payload ->> 'ms'::text) AS int))::integer as ms, __w
  from "Δ filter"
),
"Δ net" as (
  select (array_agg(user_id))[1] as user_id, (array_agg(payload))[1] as payload, (array_agg(page))[1] as page, (array_agg(ms))[1] as ms, __row, sum(__w) as __w
  from (
    select user_id, payload, page, ms, substr(sha256(record_send(row(user_id::integer, payload::json, page::text, ms::integer))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.json_events t where t.__row = n.__row) as __have
  from "Δ net" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, user_id as __value_1, payload as __value_2, page as __value_3, ms as __value_4
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from json_events" as (
  delete from public.json_events t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to json_events" as (
  insert into public.json_events as t (user_id, payload, page, ms, __row, __ord)
  select __value_1, __value_2, __value_3, __value_4, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set user_id = excluded.user_id, payload = excluded.payload, page = excluded.page, ms = excluded.ms
  returning 1
)
