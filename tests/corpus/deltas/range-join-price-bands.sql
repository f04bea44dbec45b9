"Δ p" as (
  select "name", price, __w
  from "window of products"
  where (select go from gate)
),
"Δ join" as (
  select "name", price, column1_2, column2_2, column3_2, l.__w as __w
  from "Δ p" l
  join (
    select column1 as column1_2, column2 as column2_2, column3 as column3_2
    from (
      select * from (VALUES (0, 10, 'cheap'::text), (10, 100, 'fair'::text), (100, 1000, 'dear'::text)) as "values"(column1, column2, column3)
    ) p
  ) r on (price >= column1_2::numeric) and (price < column2_2::numeric)
  where (select go from gate)
),
"Δ output" as (
  select (name)::text as "name", (column3_2)::text as band, __w
  from "Δ join"
),
"Δ net" as (
  select (array_agg("name"))[1] as "name", (array_agg(band))[1] as band, __row, sum(__w) as __w
  from (
    select "name", band, substr(sha256(record_send(row("name"::text, band::text))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.range_join_price_bands t where t.__row = n.__row) as __have
  from "Δ net" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, "name" as __value_1, band as __value_2
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from range_join_price_bands" as (
  delete from public.range_join_price_bands t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to range_join_price_bands" as (
  insert into public.range_join_price_bands as t ("name", band, __row, __ord)
  select __value_1, __value_2, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set "name" = excluded."name", band = excluded.band
  returning 1
)
