"Δ orders" as (
  select customer_id, __w
  from "window of orders"
  where (select go from gate)
),
"Δ project" as (
  select customer_id as customer_id_3, true as on_left, false as on_right, __w
  from "Δ orders"
),
"Δ payments" as (
  select customer_id as customer_id_2, __w
  from "window of payments"
  where (select go from gate)
),
"Δ project 2" as (
  select customer_id_2 as customer_id_3, false as on_left, true as on_right, __w
  from "Δ payments"
),
"Δ union all" as (
  select customer_id_3, on_left, on_right, __w
  from "Δ project"
  union all
  select customer_id_3, on_left, on_right, __w
  from "Δ project 2"
),
"Δ groups" as (
  select customer_id_3, sum(__w) as "__count(*)", sum(__w) filter (where on_left) as "__count filter (where on_left)", sum(__w) filter (where on_right) as "__count filter (where on_right)"
  from "Δ union all"
  group by customer_id_3
),
groups as (
  select d.customer_id_3, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, coalesce(t.left_count, 0) + coalesce(d."__count filter (where on_left)", 0)::bigint as __slot_2, coalesce(t.right_count, 0) + coalesce(d."__count filter (where on_right)", 0)::bigint as __slot_3, t.customer_id_3 as __old_1, t.left_count as __old_2, t.right_count as __old_3
  from (
    select *, substr(sha256(record_send(row(customer_id_3::integer))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_22662a2bc050806d_1 t on t.__key = d.__key_1
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, __old_1, __old_2, __old_3, (customer_id_3)::integer as __new_1, (left_count)::bigint as __new_2, (right_count)::bigint as __new_3
  from (
    select *, __slot_2 as left_count, __slot_3 as right_count
    from (
      select * from groups
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as customer_id_3, __old_2 as left_count, __old_3 as right_count, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
  union all
  select __new_1 as customer_id_3, __new_2 as left_count, __new_3 as right_count, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
),
"deleted from stage_22662a2bc050806d_1" as (
  delete from freshet_changes.stage_22662a2bc050806d_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_22662a2bc050806d_1" as (
  insert into freshet_changes.stage_22662a2bc050806d_1 as t (customer_id_3, left_count, right_count, __key, __n)
  select __new_1, __new_2, __new_3, __key_1, __slot_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_22662a2bc050806d_1" as (
  update freshet_changes.stage_22662a2bc050806d_1 t
  set customer_id_3 = __new_1, left_count = __new_2, right_count = __new_3, __n = __slot_1
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ filter" as (
  select customer_id_3, left_count, right_count, __w
  from "Δ stage"
  where ((LEAST(left_count, right_count)) > 0)
),
"Δ expand" as (
  select customer_id_3, left_count, right_count, copy, e.__w
  from "Δ filter" e
  cross join LATERAL generate_series(CAST(1 AS bigint), CAST((LEAST(left_count, right_count)) AS bigint)) AS copies(copy)
),
"Δ output" as (
  select (customer_id_3)::integer as customer_id, __w
  from "Δ expand"
),
"Δ net" as (
  select (array_agg(customer_id))[1] as customer_id, __row, sum(__w) as __w
  from (
    select customer_id, substr(sha256(record_send(row(customer_id::integer))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.as_often t where t.__row = n.__row) as __have
  from "Δ net" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, customer_id as __value_1
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from as_often" as (
  delete from public.as_often t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to as_often" as (
  insert into public.as_often as t (customer_id, __row, __ord)
  select __value_1, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set customer_id = excluded.customer_id
  returning 1
)
