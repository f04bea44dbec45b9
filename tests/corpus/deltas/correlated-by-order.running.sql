"Δ o" as (
  select id, customer_id, __w
  from "window of orders"
  where (select go from gate)
),
"Δ project" as (
  select id as id_5, customer_id as customer_id_4, __w
  from "Δ o"
),
"Δ p" as (
  select id as id_3, customer_id as customer_id_3, shipping as shipping_3, __w
  from "window of orders"
  where (select go from gate)
),
"Δ join" as (
  select id_5, customer_id_4, id_3, customer_id_3, shipping_3, l.__w as __w
  from "Δ project" l
  join (
    select id as id_3, customer_id as customer_id_3, shipping as shipping_3
    from public.orders
  ) r on (customer_id_3 = customer_id_4) and (id_3 <= id_5)
  where (select exists (select 1 from "Δ project"))
  union all
  select id_5, customer_id_4, id_3, customer_id_3, shipping_3, r.__w as __w
  from "Δ p" r
  join (
    select id as id_5, customer_id as customer_id_4
    from (
      select id, customer_id
      from public.orders
    ) p
  ) l on (customer_id_3 = customer_id_4) and (id_3 <= id_5)
  where (select exists (select 1 from "Δ p"))
  union all
  select id_5, customer_id_4, id_3, customer_id_3, shipping_3, -(l.__w * r.__w) as __w
  from "Δ project" l
  join "Δ p" r on (customer_id_3 = customer_id_4) and (id_3 <= id_5)
  where (select exists (select 1 from "Δ project"))
    and (select exists (select 1 from "Δ p"))
),
"Δ project 2" as (
  select id_5 as id_6, shipping_3 as shipping_3, __w
  from "Δ join"
),
"Δ groups" as (
  select id_6, sum(__w) as "__count(*)", sum(case when __w = 1 then shipping_3 when __w = -1 then -shipping_3 else shipping_3 * __w end) as "__sum shipping_3", sum(__w) filter (where shipping_3 is not null) as "__count filter (where ship uh943n"
  from "Δ project 2"
  group by id_6
),
groups as (
  select d.id_6, d.__key_1, t.id_6 is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, case when coalesce(t.__s2, 0) + coalesce(d."__count filter (where ship uh943n", 0)::bigint = 0 then null else (coalesce(t.sum, 0) + coalesce(d."__sum shipping_3", 0))::numeric end as __slot_2, coalesce(t.__s2, 0) + coalesce(d."__count filter (where ship uh943n", 0)::bigint as __slot_3, t.id_6 as __old_1, t.sum as __old_2, coalesce((coalesce(t.sum, 0) + coalesce(d."__sum shipping_3", 0)) = any ('{NaN,Infinity,-Infinity}'::numeric[]), false) as __again
  from (
    select *, id_6 as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_3de16d4c68d8e259_1 t on t.id_6 = d.__key_1
),
"groups again" as (
  select id_6 as __wanted_1
  from groups
  where __again
),
"groups computed again" as (
  select *, id_6 as __key_1
  from (
    select id_6, count(*) as __slot_1, (sum(shipping_3))::numeric as __slot_2, count(*) filter (where shipping_3 is not null) as __slot_3
    from (
      select r.*
      from "groups again" w
      join (
        select id_5 as id_6, shipping_3 as shipping_3
        from (
          select id_5, customer_id_4, id_3, customer_id_3, shipping_3
          from (
            select id as id_5, customer_id as customer_id_4
            from (
              select id, customer_id
              from public.orders
            ) p
          ) l
          join (
            select id as id_3, customer_id as customer_id_3, shipping as shipping_3
            from public.orders
          ) r on (customer_id_3 = customer_id_4) and (id_3 <= id_5)
        ) p
      ) r on r.id_6 = w.__wanted_1
      where (select exists (select 1 from "groups again"))
    ) g
    group by id_6
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, __old_1, __old_2, (id_6)::integer as __new_1, (sum)::numeric as __new_2
  from (
    select *, __slot_2 as sum
    from (
      select s.id_6, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__slot_3, s.__old_1, s.__old_2
      from groups s
      where not s.__again
      union all
      select s.id_6, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, coalesce(a.__slot_3, 0) as __slot_3, s.__old_1, s.__old_2
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as id_6, __old_2 as sum, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as id_6, __new_2 as sum, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_3de16d4c68d8e259_1" as (
  delete from freshet_changes.stage_3de16d4c68d8e259_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_3de16d4c68d8e259_1" as (
  insert into freshet_changes.stage_3de16d4c68d8e259_1 as t (id_6, sum, __n, __s2)
  select __new_1, __new_2, __slot_1, __slot_3
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_3de16d4c68d8e259_1" as (
  update freshet_changes.stage_3de16d4c68d8e259_1 t
  set sum = __new_2, __n = __slot_1, __s2 = __slot_3
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, customer_id, 1 as __w
    from (
      select id, customer_id
      from public.orders
    ) l
    where exists (select 1 from "Δ stage" r where (id = id_6))
    union all
    select id, customer_id, -l.__w as __w
    from "Δ o" l
    where exists (select 1 from "Δ stage" r where (id = id_6))
  ) l
),
crossings as (
  select id, customer_id, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l.customer_id, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ stage" r on (id = id_6)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select t.id_6, t.sum
          from freshet_changes.stage_3de16d4c68d8e259_1 t
          where (t.id_6) not in (select c.__key_1 from "groups after" c)
        ) r
        where (id = id_6)
        union all
        select 1
        from (
          select __new_1 as id_6, __new_2 as sum
          from "groups after"
          where __slot_1 > 0
        ) r
        where (id = id_6)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match" as (
  select id, customer_id, __w
  from "Δ o" l
  where not exists (
    select 1
    from (
      select t.id_6, t.sum
      from freshet_changes.stage_3de16d4c68d8e259_1 t
      where (t.id_6) not in (select c.__key_1 from "groups after" c)
    ) r
    where (id = id_6)
  )
    and not exists (
    select 1
    from (
      select __new_1 as id_6, __new_2 as sum
      from "groups after"
      where __slot_1 > 0
    ) r
    where (id = id_6)
  )
  union all
  select id, customer_id, case when __is then -__w else __w end as __w
  from crossings
),
"Δ join 2" as (
  select id, customer_id, id_6, sum, l.__w as __w
  from "Δ o" l
  join (
    select id_6, sum
    from freshet_changes.stage_3de16d4c68d8e259_1
  ) r on (id = id_6)
  where (select exists (select 1 from "Δ o"))
  union all
  select id, customer_id, id_6, sum, r.__w as __w
  from "Δ stage" r
  join (
    select id, customer_id
    from public.orders
  ) l on (id = id_6)
  where (select exists (select 1 from "Δ stage"))
  union all
  select id, customer_id, id_6, sum, l.__w
  from "Δ without a match" l
  left join "Δ stage" r on false
),
"Δ project 3" as (
  select id as id, customer_id as customer_id, sum as sum_2, __w
  from "Δ join 2"
),
"Δ output" as (
  select (id)::integer as id, (customer_id)::integer as customer_id, (sum_2)::numeric as so_far, __w
  from "Δ project 3"
),
"Δ net" as (
  select id, customer_id, (array_agg(so_far))[1] as so_far, sum(__w) as __w
  from "Δ output"
  group by id, customer_id, record_send(row(so_far))
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, id as __key_1
  from "Δ net"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l.customer_id as __old_2, l.so_far as __old_3, a.id as __new_1, a.customer_id as __new_2, a.so_far as __new_3
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
"deleted from running" as (
  delete from public.running t
  using changes c
  where t.id = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to running" as (
  insert into public.running as t (id, customer_id, so_far)
  select __new_1, __new_2, __new_3
  from changes
  where __alive
  on conflict (id) do update set customer_id = excluded.customer_id, so_far = excluded.so_far
  returning 1
)
