"Δ payments" as (
  select customer_id, amount, __w
  from "window of payments"
  where (select go from gate)
),
"Δ project" as (
  select customer_id as customer_id_3, amount as amount_2, __w
  from "Δ payments"
),
"Δ orders" as (
  select customer_id as customer_id_2, shipping, __w
  from "window of orders"
  where (select go from gate)
),
"Δ filter" as (
  select customer_id_2, shipping, __w
  from "Δ orders"
  where (shipping IS NOT NULL)
),
"Δ project 2" as (
  select customer_id_2 as customer_id_3, (- shipping) as amount_2, __w
  from "Δ filter"
),
"Δ union all" as (
  select customer_id_3, amount_2, __w
  from "Δ project"
  union all
  select customer_id_3, amount_2, __w
  from "Δ project 2"
),
"Δ output" as (
  select (customer_id_3)::integer as customer_id, (amount_2)::numeric as amount, __w
  from "Δ union all"
),
"Δ net" as (
  select (array_agg(customer_id))[1] as customer_id, (array_agg(amount))[1] as amount, __row, sum(__w) as __w
  from (
    select customer_id, amount, substr(sha256(record_send(row(customer_id::integer, amount::numeric))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.union_all_ledger t where t.__row = n.__row) as __have
  from "Δ net" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, customer_id as __value_1, amount as __value_2
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from union_all_ledger" as (
  delete from public.union_all_ledger t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to union_all_ledger" as (
  insert into public.union_all_ledger as t (customer_id, amount, __row, __ord)
  select __value_1, __value_2, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set customer_id = excluded.customer_id, amount = excluded.amount
  returning 1
)
