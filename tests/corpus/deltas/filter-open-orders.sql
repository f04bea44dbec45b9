"Δ orders" as (
  select id, placed_on, status, shipping, __w
  from "window of orders"
  where (select go from gate)
),
"Δ filter" as (
  select id, placed_on, status, shipping, __w
  from "Δ orders"
  where (status <> 'cancelled'::text)
    and (placed_on >= '2024-01-10'::date)
),
"Δ output" as (
  select (id)::integer as id, (placed_on)::date as placed_on, ((((COALESCE(shipping, 0::numeric))) + 1::numeric))::numeric as fee, __w
  from "Δ filter"
),
"Δ net" as (
  select id, placed_on, (array_agg(fee))[1] as fee, sum(__w) as __w
  from "Δ output"
  group by id, placed_on, record_send(row(fee))
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, id as __key_1
  from "Δ net"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l.placed_on as __old_2, l.fee as __old_3, a.id as __new_1, a.placed_on as __new_2, a.fee as __new_3
  from (
    select *
    from "Δ keyed"
    where __w > 0
  ) a
  full join (
    select *
    from "Δ keyed"
    where __w < 0
  ) l on a.__key_1 = l.__key_1
),
"deleted from filter_open_orders" as (
  delete from public.filter_open_orders t
  using changes c
  where t.id = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to filter_open_orders" as (
  insert into public.filter_open_orders as t (id, placed_on, fee)
  select __new_1, __new_2, __new_3
  from changes
  where __alive
  on conflict (id) do update set placed_on = excluded.placed_on, fee = excluded.fee
  returning 1
)
