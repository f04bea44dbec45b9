"Δ p" as (
  select id as id_4, customer_id as customer_id_3, __w
  from "window of orders"
  where (select go from gate)
),
"Δ project" as (
  select customer_id_3 as customer_id_3, id_4 as id_4, __w
  from "Δ p"
),
"Δ net" as (
  select customer_id_3, id_4, sum(__w) as __w
  from "Δ project"
  group by customer_id_3, id_4
  having sum(__w) <> 0
),
"Δ groups" as (
  select customer_id_3, sum(__w) as "__count(*)", max(id_4) filter (where __w > 0) as "__arrived max(id_4)", max(id_4) filter (where __w < 0) as "__left max(id_4)"
  from "Δ net"
  group by customer_id_3
),
groups as (
  select d.customer_id_3, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, greatest(t.max_2, d."__arrived max(id_4)") as __slot_2, t.customer_id_3 as __old_1, t.max_2 as __old_2, coalesce((d."__left max(id_4)" >= greatest(t.max_2, d."__arrived max(id_4)") and coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint > 0), false) as __again
  from (
    select *, substr(sha256(record_send(row(customer_id_3::integer))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_e4bb076bfb6bd565_1 t on t.__key = d.__key_1
),
"groups again" as (
  select customer_id_3 as __wanted_1
  from groups
  where __again
),
"groups computed again" as (
  select *, substr(sha256(record_send(row(customer_id_3::integer))), 1, 16) as __key_1
  from (
    select customer_id_3, count(*) as __slot_1, max(id_4) as __slot_2
    from (
      select r.*
      from "groups again" w
      join (
        select customer_id_3 as customer_id_3, id_4 as id_4
        from (
          select id as id_4, customer_id as customer_id_3
          from public.orders
        ) p
      ) r on r.customer_id_3 = w.__wanted_1
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select customer_id_3 as customer_id_3, id_4 as id_4
        from (
          select id as id_4, customer_id as customer_id_3
          from public.orders
        ) p
      ) r on (r.customer_id_3 = w.__wanted_1 or (r.customer_id_3 is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again" w where w.__wanted_1 is null))
    ) g
    group by customer_id_3
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __old_1, __old_2, (customer_id_3)::integer as __new_1, (max_2)::integer as __new_2
  from (
    select *, __slot_2 as max_2
    from (
      select s.customer_id_3, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__old_1, s.__old_2
      from groups s
      where not s.__again
      union all
      select s.customer_id_3, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, s.__old_1, s.__old_2
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as customer_id_3, __old_2 as max_2, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as customer_id_3, __new_2 as max_2, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_e4bb076bfb6bd565_1" as (
  delete from freshet_changes.stage_e4bb076bfb6bd565_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_e4bb076bfb6bd565_1" as (
  insert into freshet_changes.stage_e4bb076bfb6bd565_1 as t (customer_id_3, max_2, __key, __n)
  select __new_1, __new_2, __key_1, __slot_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_e4bb076bfb6bd565_1" as (
  update freshet_changes.stage_e4bb076bfb6bd565_1 t
  set customer_id_3 = __new_1, max_2 = __new_2, __n = __slot_1
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ c" as (
  select id, __w
  from "window of customers"
  where (select go from gate)
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, 1 as __w
    from (
      select id
      from public.customers
    ) l
    where exists (select 1 from "Δ stage" r where (customer_id_3 = id))
    union all
    select id, -l.__w as __w
    from "Δ c" l
    where exists (select 1 from "Δ stage" r where (customer_id_3 = id))
  ) l
),
crossings as (
  select id, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ stage" r on (customer_id_3 = id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select t.customer_id_3, t.max_2
          from freshet_changes.stage_e4bb076bfb6bd565_1 t
          where (t.__key) not in (select c.__key_1 from "groups after" c)
        ) r
        where (customer_id_3 = id)
        union all
        select 1
        from (
          select __new_1 as customer_id_3, __new_2 as max_2
          from "groups after"
          where __slot_1 > 0
        ) r
        where (customer_id_3 = id)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match" as (
  select id, __w
  from "Δ c" l
  where not exists (
    select 1
    from (
      select t.customer_id_3, t.max_2
      from freshet_changes.stage_e4bb076bfb6bd565_1 t
      where (t.__key) not in (select c.__key_1 from "groups after" c)
    ) r
    where (customer_id_3 = id)
  )
    and not exists (
    select 1
    from (
      select __new_1 as customer_id_3, __new_2 as max_2
      from "groups after"
      where __slot_1 > 0
    ) r
    where (customer_id_3 = id)
  )
  union all
  select id, case when __is then -__w else __w end as __w
  from crossings
),
"Δ join" as (
  select id, customer_id_3, max_2, l.__w as __w
  from "Δ c" l
  join (
    select customer_id_3, max_2
    from freshet_changes.stage_e4bb076bfb6bd565_1
  ) r on (customer_id_3 = id)
  where (select exists (select 1 from "Δ c"))
  union all
  select id, customer_id_3, max_2, r.__w as __w
  from "Δ stage" r
  join (
    select id
    from public.customers
  ) l on (customer_id_3 = id)
  where (select exists (select 1 from "Δ stage"))
  union all
  select id, customer_id_3, max_2, l.__w
  from "Δ without a match" l
  left join "Δ stage" r on false
),
"Δ o" as (
  select id as id_2, __w
  from "window of orders"
  where (select go from gate)
),
"touched 2" as (
  select *, row_number() over () as __i
  from (
    select id, customer_id_3, max_2, 1 as __w
    from (
      select id, customer_id_3, max_2
      from (
        select id
        from public.customers
      ) l
      left join (
        select customer_id_3, max_2
        from (
          select t.customer_id_3, t.max_2, t.__key as __stored_1, true as __stored
          from freshet_changes.stage_e4bb076bfb6bd565_1 t
          union all
          select __new_1 as customer_id_3, __new_2 as max_2, __key_1, false
          from "groups after"
          where __slot_1 > 0
        ) s
        where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
      ) r on (customer_id_3 = id)
    ) l
    where exists (select 1 from "Δ o" r where (id_2 = max_2))
    union all
    select id, customer_id_3, max_2, -l.__w as __w
    from "Δ join" l
    where exists (select 1 from "Δ o" r where (id_2 = max_2))
  ) l
),
"crossings 2" as (
  select id, customer_id_3, max_2, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l.customer_id_3, l.max_2, l.__w, d.__m, n.__n
    from "touched 2" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 2" l
      join "Δ o" r on (id_2 = max_2)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select id as id_2
          from public.orders
        ) r
        where (id_2 = max_2)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match 2" as (
  select id, customer_id_3, max_2, __w
  from "Δ join" l
  where not exists (
    select 1
    from (
      select id as id_2
      from public.orders
    ) r
    where (id_2 = max_2)
  )
  union all
  select id, customer_id_3, max_2, case when __is then -__w else __w end as __w
  from "crossings 2"
),
"Δ join 2" as (
  select id, customer_id_3, max_2, id_2, l.__w as __w
  from "Δ join" l
  join (
    select id as id_2
    from public.orders
  ) r on (id_2 = max_2)
  where (select exists (select 1 from "Δ join"))
  union all
  select id, customer_id_3, max_2, id_2, r.__w as __w
  from "Δ o" r
  join (
    select id, customer_id_3, max_2
    from (
      select id
      from public.customers
    ) l
    left join (
      select customer_id_3, max_2
      from (
        select t.customer_id_3, t.max_2, t.__key as __stored_1, true as __stored
        from freshet_changes.stage_e4bb076bfb6bd565_1 t
        union all
        select __new_1 as customer_id_3, __new_2 as max_2, __key_1, false
        from "groups after"
        where __slot_1 > 0
      ) s
      where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
    ) r on (customer_id_3 = id)
  ) l on (id_2 = max_2)
  where (select exists (select 1 from "Δ o"))
  union all
  select id, customer_id_3, max_2, id_2, -(l.__w * r.__w) as __w
  from "Δ join" l
  join "Δ o" r on (id_2 = max_2)
  where (select exists (select 1 from "Δ join"))
    and (select exists (select 1 from "Δ o"))
  union all
  select id, customer_id_3, max_2, id_2, l.__w
  from "Δ without a match 2" l
  left join "Δ o" r on false
),
"Δ output" as (
  select (id)::integer as id, (id_2)::integer as order_id, __w
  from "Δ join 2"
),
"Δ net 2" as (
  select id, order_id, sum(__w) as __w
  from "Δ output"
  group by id, order_id
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, id as __key_1
  from "Δ net 2"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l.order_id as __old_2, a.id as __new_1, a.order_id as __new_2
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
"deleted from last_order" as (
  delete from public.last_order t
  using changes c
  where t.id = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to last_order" as (
  insert into public.last_order as t (id, order_id)
  select __new_1, __new_2
  from changes
  where __alive
  on conflict (id) do update set order_id = excluded.order_id
  returning 1
)
