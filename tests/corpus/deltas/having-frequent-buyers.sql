"Δ orders" as (
  select customer_id, placed_on, __w
  from "window of orders"
  where (select go from gate)
),
"Δ project" as (
  select customer_id as customer_id, placed_on as placed_on, __w
  from "Δ orders"
),
"Δ net" as (
  select customer_id, placed_on, sum(__w) as __w
  from "Δ project"
  group by customer_id, placed_on
  having sum(__w) <> 0
),
"Δ groups" as (
  select customer_id, sum(__w) as "__count(*)", max(placed_on) filter (where __w > 0) as "__arrived max(placed_on)", max(placed_on) filter (where __w < 0) as "__left max(placed_on)"
  from "Δ net"
  group by customer_id
),
groups as (
  select d.customer_id, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.count, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, greatest(t.max, d."__arrived max(placed_on)") as __slot_2, t.customer_id as __old_1, t.count as __old_2, t.max as __old_3, coalesce((d."__left max(placed_on)" >= greatest(t.max, d."__arrived max(placed_on)") and coalesce(t.count, 0) + coalesce(d."__count(*)", 0)::bigint > 0), false) as __again
  from (
    select *, substr(sha256(record_send(row(customer_id::integer))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_af4e179170e14497_1 t on t.__key = d.__key_1
),
"groups again" as (
  select customer_id as __wanted_1
  from groups
  where __again
),
"groups computed again" as (
  select *, substr(sha256(record_send(row(customer_id::integer))), 1, 16) as __key_1
  from (
    select customer_id, count(*) as __slot_1, max(placed_on) as __slot_2
    from (
      select r.*
      from "groups again" w
      join (
        select customer_id as customer_id, placed_on as placed_on
        from (
          select customer_id, placed_on
          from public.orders
        ) p
      ) r on r.customer_id = w.__wanted_1
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select customer_id as customer_id, placed_on as placed_on
        from (
          select customer_id, placed_on
          from public.orders
        ) p
      ) r on (r.customer_id = w.__wanted_1 or (r.customer_id is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again" w where w.__wanted_1 is null))
    ) g
    group by customer_id
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __old_1, __old_2, __old_3, (customer_id)::integer as __new_1, (count)::bigint as __new_2, (max)::date as __new_3
  from (
    select *, __slot_1 as count, __slot_2 as max
    from (
      select s.customer_id, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__old_1, s.__old_2, s.__old_3
      from groups s
      where not s.__again
      union all
      select s.customer_id, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, s.__old_1, s.__old_2, s.__old_3
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as customer_id, __old_2 as count, __old_3 as max, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
  union all
  select __new_1 as customer_id, __new_2 as count, __new_3 as max, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
),
"deleted from stage_af4e179170e14497_1" as (
  delete from freshet_changes.stage_af4e179170e14497_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_af4e179170e14497_1" as (
  insert into freshet_changes.stage_af4e179170e14497_1 as t (customer_id, count, max, __key)
  select __new_1, __new_2, __new_3, __key_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_af4e179170e14497_1" as (
  update freshet_changes.stage_af4e179170e14497_1 t
  set customer_id = __new_1, count = __new_2, max = __new_3
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ filter" as (
  select customer_id, count, max, __w
  from "Δ stage"
  where (count >= 2)
    and (max > '2024-01-01'::date)
),
"Δ output" as (
  select (customer_id)::integer as customer_id, (count)::bigint as orders, __w
  from "Δ filter"
),
"Δ net 2" as (
  select customer_id, orders, sum(__w) as __w
  from "Δ output"
  group by customer_id, orders
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, substr(sha256(record_send(row(customer_id::integer))), 1, 16) as __key_1
  from "Δ net 2"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.customer_id as __old_1, l.orders as __old_2, a.customer_id as __new_1, a.orders as __new_2
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
"deleted from having_frequent_buyers" as (
  delete from public.having_frequent_buyers t
  using changes c
  where t.__key = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to having_frequent_buyers" as (
  insert into public.having_frequent_buyers as t (customer_id, orders, __key)
  select __new_1, __new_2, __key_1
  from changes
  where __alive
  on conflict (__key) do update set customer_id = excluded.customer_id, orders = excluded.orders
  returning 1
)
