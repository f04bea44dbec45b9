"Δ c" as (
  select id, "name", region, __w
  from "window of customers"
  where (select go from gate)
),
"Δ project" as (
  select id as id, 'name'::text as column1, name as column2, __w
  from "Δ c"
),
"Δ project 2" as (
  select id as id, column1 as column1, column2 as column2, __w
  from "Δ project"
),
"Δ project 3" as (
  select id as id, 'region'::text as column1, region as column2, __w
  from "Δ c"
),
"Δ project 4" as (
  select id as id, column1 as column1, column2 as column2, __w
  from "Δ project 3"
),
"Δ union all" as (
  select id, column1, column2, __w
  from "Δ project 2"
  union all
  select id, column1, column2, __w
  from "Δ project 4"
),
"Δ project 5" as (
  select id as id, column1 as column1_2, column2 as column2_2, __w
  from "Δ union all"
),
"Δ project 6" as (
  select id as id, column1_2 as column1_2, column2_2 as column2_2, __w
  from "Δ project 5"
),
"Δ filter" as (
  select id, column1_2, column2_2, __w
  from "Δ project 6"
  where (column2_2 IS NOT NULL)
),
"Δ output" as (
  select (id)::integer as id, (column1_2)::text as trait, (column2_2)::text as "value", __w
  from "Δ filter"
),
"Δ net" as (
  select (array_agg(id))[1] as id, (array_agg(trait))[1] as trait, (array_agg("value"))[1] as "value", __row, sum(__w) as __w
  from (
    select id, trait, "value", substr(sha256(record_send(row(id::integer, trait::text, "value"::text))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.traits t where t.__row = n.__row) as __have
  from "Δ net" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, id as __value_1, trait as __value_2, "value" as __value_3
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from traits" as (
  delete from public.traits t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to traits" as (
  insert into public.traits as t (id, trait, "value", __row, __ord)
  select __value_1, __value_2, __value_3, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set id = excluded.id, trait = excluded.trait, "value" = excluded."value"
  returning 1
)
