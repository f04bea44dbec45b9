"Δ o" as (
  select customer_id, placed_on, __w
  from "window of orders"
  where (select go from gate)
),
"Δ c" as (
  select id as id_2, __w
  from "window of customers"
  where (select go from gate)
),
"Δ join" as (
  select customer_id, placed_on, id_2, l.__w as __w
  from "Δ o" l
  join (
    select id as id_2
    from public.customers
  ) r on (id_2 = customer_id)
  where (select exists (select 1 from "Δ o"))
  union all
  select customer_id, placed_on, id_2, r.__w as __w
  from "Δ c" r
  join (
    select customer_id, placed_on
    from public.orders
  ) l on (id_2 = customer_id)
  where (select exists (select 1 from "Δ c"))
  union all
  select customer_id, placed_on, id_2, -(l.__w * r.__w) as __w
  from "Δ o" l
  join "Δ c" r on (id_2 = customer_id)
  where (select exists (select 1 from "Δ o"))
    and (select exists (select 1 from "Δ c"))
),
"Δ project" as (
  select customer_id as customer_id, placed_on as placed_on, __w
  from "Δ join"
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
  left join freshet_changes.stage_a751c2f338529664_1 t on t.__key = d.__key_1
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
          select customer_id, placed_on, id_2
          from (
            select customer_id, placed_on
            from public.orders
          ) l
          join (
            select id as id_2
            from public.customers
          ) r on (id_2 = customer_id)
        ) p
      ) r on r.customer_id = w.__wanted_1
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select customer_id as customer_id, placed_on as placed_on
        from (
          select customer_id, placed_on, id_2
          from (
            select customer_id, placed_on
            from public.orders
          ) l
          join (
            select id as id_2
            from public.customers
          ) r on (id_2 = customer_id)
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
"deleted from stage_a751c2f338529664_1" as (
  delete from freshet_changes.stage_a751c2f338529664_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_a751c2f338529664_1" as (
  insert into freshet_changes.stage_a751c2f338529664_1 as t (customer_id, count, max, __key)
  select __new_1, __new_2, __new_3, __key_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_a751c2f338529664_1" as (
  update freshet_changes.stage_a751c2f338529664_1 t
  set customer_id = __new_1, count = __new_2, max = __new_3
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ project 2" as (
  select customer_id as customer_id, count as count, max as max, __w
  from "Δ stage"
),
"Δ partitions" as (
  select
  from "Δ project 2"
  limit 1
),
fresh as materialized (
  select * from (
    select customer_id, orders, nth, so_far, __key
    from (
      select *, substr(sha256(record_send(row(customer_id::integer))), 1, 16) as __key
      from (
        select __item_1 as customer_id, __item_2 as orders, __item_3 as nth, __item_4 as so_far
        from (
          select (customer_id)::integer as __item_1, (count)::bigint as __item_2, (row_number)::bigint as __item_3, (sum)::numeric as __item_4
          from (
            select customer_id, count, max, row_number() OVER (ORDER BY max DESC, customer_id) as row_number, sum(count) OVER (ORDER BY max DESC, customer_id ROWS UNBOUNDED PRECEDING) as sum
            from (
              select *
              from (
                select customer_id as customer_id, count as count, max as max
                from (
                  select t.customer_id, t.count, t.max
                  from freshet_changes.stage_a751c2f338529664_1 t
                  where (t.__key) not in (select c.__key_1 from "groups after" c)
                ) p
              ) r
              where (select exists (select 1 from "Δ partitions"))
              union all
              select *
              from (
                select customer_id as customer_id, count as count, max as max
                from (
                  select __new_1 as customer_id, __new_2 as count, __new_3 as max
                  from "groups after"
                  where __slot_1 > 0
                ) p
              ) r
              where (select exists (select 1 from "Δ partitions"))
            ) w
          ) p
        ) v
      ) n
    ) k
  ) as f(customer_id, orders, nth, so_far, __key)
),
changes as (
  select coalesce(t.__key, f.__key) as __key_1, t.__key is not null as __existed, t.__at, f.__key is not null as __alive, f.customer_id as __new_1, f.orders as __new_2, f.nth as __new_3, f.so_far as __new_4, f.__key as __new_5, t.customer_id as __old_1, t.orders as __old_2, t.nth as __old_3, t.so_far as __old_4, row(t.customer_id, t.orders, t.nth, t.so_far)::record *<> row(f.customer_id, f.orders, f.nth, f.so_far)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from public.window_named_over_groups t
    where (select exists (select 1 from "Δ partitions"))
  ) t on t.__key = f.__key
  where (t.__key is null or f.__key is null or row(t.customer_id, t.orders, t.nth, t.so_far, t.__key)::record *<> row(f.customer_id, f.orders, f.nth, f.so_far, f.__key)::record)
),
"deleted from window_named_over_groups" as (
  delete from public.window_named_over_groups t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into window_named_over_groups" as (
  insert into public.window_named_over_groups as t (customer_id, orders, nth, so_far, __key)
  select __new_1, __new_2, __new_3, __new_4, __new_5
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in window_named_over_groups" as (
  update public.window_named_over_groups t
  set customer_id = __new_1, orders = __new_2, nth = __new_3, so_far = __new_4
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
)
