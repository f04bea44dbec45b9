"Δ o" as (
  select status, __w
  from "window of orders"
  where (select go from gate)
),
"Δ join" as (
  select status, status_3, weight_2, l.__w as __w
  from "Δ o" l
  join (
    select status_2 as status_3, weight as weight_2
    from (
      select status_2, weight
      from freshet_changes.stage_3b8c91a0441d0aaa_1
    ) p
  ) r on (status_3 = status)
  where (select go from gate)
),
"Δ output" as (
  select (status)::text as status, (weight_2)::integer as weight, __w
  from "Δ join"
),
"Δ net" as (
  select (array_agg(status))[1] as status, (array_agg(weight))[1] as weight, __row, sum(__w) as __w
  from (
    select status, weight, substr(sha256(record_send(row(status::text, weight::integer))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.limit_of_values t where t.__row = n.__row) as __have
  from "Δ net" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, status as __value_1, weight as __value_2
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from limit_of_values" as (
  delete from public.limit_of_values t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to limit_of_values" as (
  insert into public.limit_of_values as t (status, weight, __row, __ord)
  select __value_1, __value_2, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set status = excluded.status, weight = excluded.weight
  returning 1
)
