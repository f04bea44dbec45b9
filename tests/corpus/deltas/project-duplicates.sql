"Δ payments" as (
  select amount, method, __w
  from "window of payments"
  where (select go from gate)
),
"Δ output" as (
  select (method)::text as method, ((amount * 2::numeric))::numeric as twice, __w
  from "Δ payments"
),
"Δ net" as (
  select (array_agg(method))[1] as method, (array_agg(twice))[1] as twice, __row, sum(__w) as __w
  from (
    select method, twice, substr(sha256(record_send(row(method::text, twice::numeric))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.project_duplicates t where t.__row = n.__row) as __have
  from "Δ net" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, method as __value_1, twice as __value_2
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from project_duplicates" as (
  delete from public.project_duplicates t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to project_duplicates" as (
  insert into public.project_duplicates as t (method, twice, __row, __ord)
  select __value_1, __value_2, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set method = excluded.method, twice = excluded.twice
  returning 1
)
