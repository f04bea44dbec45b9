"Δ l" as (
  select order_id, product_id, quantity, __w
  from "window of order_lines"
  where (select go from gate)
),
"Δ filter" as (
  select order_id, product_id, quantity, __w
  from "Δ l"
  where (quantity < 6)
),
"Δ project" as (
  select order_id as order_id_2, product_id as product_id_2, generate_series(1, quantity) as unit, __w
  from "Δ filter"
),
"Δ output" as (
  select (order_id_2)::integer as order_id, (product_id_2)::integer as product_id, (unit)::integer as unit, __w
  from "Δ project"
),
"Δ net" as (
  select (array_agg(order_id))[1] as order_id, (array_agg(product_id))[1] as product_id, (array_agg(unit))[1] as unit, __row, sum(__w) as __w
  from (
    select order_id, product_id, unit, substr(sha256(record_send(row(order_id::integer, product_id::integer, unit::integer))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.target_list_sets t where t.__row = n.__row) as __have
  from "Δ net" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, order_id as __value_1, product_id as __value_2, unit as __value_3
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from target_list_sets" as (
  delete from public.target_list_sets t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to target_list_sets" as (
  insert into public.target_list_sets as t (order_id, product_id, unit, __row, __ord)
  select __value_1, __value_2, __value_3, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set order_id = excluded.order_id, product_id = excluded.product_id, unit = excluded.unit
  returning 1
)
