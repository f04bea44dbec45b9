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
  left join freshet_changes.stage_ab6500f24739793c_1 t on t.__key = d.__key_1
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
"deleted from stage_ab6500f24739793c_1" as (
  delete from freshet_changes.stage_ab6500f24739793c_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_ab6500f24739793c_1" as (
  insert into freshet_changes.stage_ab6500f24739793c_1 as t (customer_id_3, left_count, right_count, __key, __n)
  select __new_1, __new_2, __new_3, __key_1, __slot_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_ab6500f24739793c_1" as (
  update freshet_changes.stage_ab6500f24739793c_1 t
  set customer_id_3 = __new_1, left_count = __new_2, right_count = __new_3, __n = __slot_1
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ filter" as (
  select customer_id_3, left_count, right_count, __w
  from "Δ stage"
  where (left_count > 0)
    and (right_count = 0)
),
"Δ output" as (
  select (customer_id_3)::integer as customer_id, __w
  from "Δ filter"
),
"Δ net" as (
  select customer_id, sum(__w) as __w
  from "Δ output"
  group by customer_id
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, substr(sha256(record_send(row(customer_id::integer))), 1, 16) as __key_1
  from "Δ net"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.customer_id as __old_1, a.customer_id as __new_1
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
"deleted from never" as (
  delete from public.never t
  using changes c
  where t.__key = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to never" as (
  insert into public.never as t (customer_id, __key)
  select __new_1, __key_1
  from changes
  where __alive
  on conflict (__key) do update set customer_id = excluded.customer_id
  returning 1
)
