"Δ orders" as (
  select customer_id, __w
  from "window of orders"
  where (select go from gate)
),
"Δ project" as (
  select customer_id as customer_id, __w
  from "Δ orders"
),
"Δ groups" as (
  select customer_id, sum(__w) as "__count(*)"
  from "Δ project"
  group by customer_id
),
groups as (
  select d.customer_id, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.count, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, t.customer_id as __old_1, t.count as __old_2
  from (
    select *, substr(sha256(record_send(row(customer_id::integer))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_15100939e35cc30e_1 t on t.__key = d.__key_1
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __old_1, __old_2, (customer_id)::integer as __new_1, (count)::bigint as __new_2
  from (
    select *, __slot_1 as count
    from (
      select * from groups
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as customer_id, __old_2 as count, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as customer_id, __new_2 as count, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_15100939e35cc30e_1" as (
  delete from freshet_changes.stage_15100939e35cc30e_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_15100939e35cc30e_1" as (
  insert into freshet_changes.stage_15100939e35cc30e_1 as t (customer_id, count, __key)
  select __new_1, __new_2, __key_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_15100939e35cc30e_1" as (
  update freshet_changes.stage_15100939e35cc30e_1 t
  set customer_id = __new_1, count = __new_2
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ payments" as (
  select customer_id as customer_id_3, amount, __w
  from "window of payments"
  where (select go from gate)
),
"Δ project 2" as (
  select customer_id_3 as customer_id_3, amount as amount, __w
  from "Δ payments"
),
"Δ groups 2" as (
  select customer_id_3, sum(__w) as "__count(*)", sum(case when __w = 1 then amount when __w = -1 then -amount else amount * __w end) as "__sum amount", sum(__w) filter (where amount is not null) as "__count filter (where amount is not null)"
  from "Δ project 2"
  group by customer_id_3
),
"groups 2" as (
  select d.customer_id_3, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, case when coalesce(t.__s2, 0) + coalesce(d."__count filter (where amount is not null)", 0)::bigint = 0 then null else (coalesce(t.sum, 0) + coalesce(d."__sum amount", 0))::numeric end as __slot_2, coalesce(t.__s2, 0) + coalesce(d."__count filter (where amount is not null)", 0)::bigint as __slot_3, t.customer_id_3 as __old_1, t.sum as __old_2, coalesce((coalesce(t.sum, 0) + coalesce(d."__sum amount", 0)) = any ('{NaN,Infinity,-Infinity}'::numeric[]), false) as __again
  from (
    select *, substr(sha256(record_send(row(customer_id_3::integer))), 1, 16) as __key_1
    from "Δ groups 2"
  ) d
  left join freshet_changes.stage_15100939e35cc30e_2 t on t.__key = d.__key_1
),
"groups again" as (
  select customer_id_3 as __wanted_1
  from "groups 2"
  where __again
),
"groups computed again" as (
  select *, substr(sha256(record_send(row(customer_id_3::integer))), 1, 16) as __key_1
  from (
    select customer_id_3, count(*) as __slot_1, (sum(amount))::numeric as __slot_2, count(*) filter (where amount is not null) as __slot_3
    from (
      select r.*
      from "groups again" w
      join (
        select customer_id_3 as customer_id_3, amount as amount
        from (
          select customer_id as customer_id_3, amount
          from public.payments
        ) p
      ) r on r.customer_id_3 = w.__wanted_1
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select customer_id_3 as customer_id_3, amount as amount
        from (
          select customer_id as customer_id_3, amount
          from public.payments
        ) p
      ) r on (r.customer_id_3 = w.__wanted_1 or (r.customer_id_3 is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again" w where w.__wanted_1 is null))
    ) g
    group by customer_id_3
  ) k
),
"groups after 2" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, __old_1, __old_2, (customer_id_3)::integer as __new_1, (sum)::numeric as __new_2
  from (
    select *, __slot_2 as sum
    from (
      select s.customer_id_3, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__slot_3, s.__old_1, s.__old_2
      from "groups 2" s
      where not s.__again
      union all
      select s.customer_id_3, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, coalesce(a.__slot_3, 0) as __slot_3, s.__old_1, s.__old_2
      from "groups 2" s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage 2" as (
  select __old_1 as customer_id_3, __old_2 as sum, -1 as __w
  from "groups after 2"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as customer_id_3, __new_2 as sum, 1 as __w
  from "groups after 2"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_15100939e35cc30e_2" as (
  delete from freshet_changes.stage_15100939e35cc30e_2 t
  using "groups after 2" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_15100939e35cc30e_2" as (
  insert into freshet_changes.stage_15100939e35cc30e_2 as t (customer_id_3, sum, __key, __n, __s2)
  select __new_1, __new_2, __key_1, __slot_1, __slot_3
  from "groups after 2"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_15100939e35cc30e_2" as (
  update freshet_changes.stage_15100939e35cc30e_2 t
  set customer_id_3 = __new_1, sum = __new_2, __n = __slot_1, __s2 = __slot_3
  from "groups after 2" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ project 3" as (
  select customer_id as customer_id_2, count as orders, __w
  from "Δ stage"
),
"Δ project 4" as (
  select customer_id_3 as customer_id_4, sum as paid, __w
  from "Δ stage 2"
),
touched as (
  select *, row_number() over () as __i
  from (
    select customer_id_2, orders, 1 as __w
    from (
      select customer_id as customer_id_2, count as orders
      from (
        select customer_id, count
        from freshet_changes.stage_15100939e35cc30e_1
      ) p
    ) l
    where exists (select 1 from "Δ project 4" r where (customer_id_2 = customer_id_4))
  ) l
),
crossings as (
  select customer_id_2, orders, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.customer_id_2, l.orders, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ project 4" r on (customer_id_2 = customer_id_4)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select customer_id_3 as customer_id_4, sum as paid
          from (
            select t.customer_id_3, t.sum
            from freshet_changes.stage_15100939e35cc30e_2 t
            where (t.__key) not in (select c.__key_1 from "groups after 2" c)
          ) p
        ) r
        where (customer_id_2 = customer_id_4)
        union all
        select 1
        from (
          select customer_id_3 as customer_id_4, sum as paid
          from (
            select __new_1 as customer_id_3, __new_2 as sum
            from "groups after 2"
            where __slot_1 > 0
          ) p
        ) r
        where (customer_id_2 = customer_id_4)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match" as (
  select customer_id_2, orders, __w
  from "Δ project 3" l
  where not exists (
    select 1
    from (
      select customer_id_3 as customer_id_4, sum as paid
      from (
        select t.customer_id_3, t.sum
        from freshet_changes.stage_15100939e35cc30e_2 t
        where (t.__key) not in (select c.__key_1 from "groups after 2" c)
      ) p
    ) r
    where (customer_id_2 = customer_id_4)
  )
    and not exists (
    select 1
    from (
      select customer_id_3 as customer_id_4, sum as paid
      from (
        select __new_1 as customer_id_3, __new_2 as sum
        from "groups after 2"
        where __slot_1 > 0
      ) p
    ) r
    where (customer_id_2 = customer_id_4)
  )
  union all
  select customer_id_2, orders, case when __is then -__w else __w end as __w
  from crossings
),
"touched 2" as (
  select *, row_number() over () as __i
  from (
    select customer_id_4, paid, 1 as __w
    from (
      select customer_id_3 as customer_id_4, sum as paid
      from (
        select customer_id_3, sum
        from freshet_changes.stage_15100939e35cc30e_2
      ) p
    ) l
    where exists (select 1 from "Δ project 3" r where (customer_id_2 = customer_id_4))
  ) l
),
"crossings 2" as (
  select customer_id_4, paid, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.customer_id_4, l.paid, l.__w, d.__m, n.__n
    from "touched 2" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 2" l
      join "Δ project 3" r on (customer_id_2 = customer_id_4)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select customer_id as customer_id_2, count as orders
          from (
            select t.customer_id, t.count
            from freshet_changes.stage_15100939e35cc30e_1 t
            where (t.__key) not in (select c.__key_1 from "groups after" c)
          ) p
        ) r
        where (customer_id_2 = customer_id_4)
        union all
        select 1
        from (
          select customer_id as customer_id_2, count as orders
          from (
            select __new_1 as customer_id, __new_2 as count
            from "groups after"
            where __slot_1 > 0
          ) p
        ) r
        where (customer_id_2 = customer_id_4)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match 2" as (
  select customer_id_4, paid, __w
  from "Δ project 4" l
  where not exists (
    select 1
    from (
      select customer_id as customer_id_2, count as orders
      from (
        select t.customer_id, t.count
        from freshet_changes.stage_15100939e35cc30e_1 t
        where (t.__key) not in (select c.__key_1 from "groups after" c)
      ) p
    ) r
    where (customer_id_2 = customer_id_4)
  )
    and not exists (
    select 1
    from (
      select customer_id as customer_id_2, count as orders
      from (
        select __new_1 as customer_id, __new_2 as count
        from "groups after"
        where __slot_1 > 0
      ) p
    ) r
    where (customer_id_2 = customer_id_4)
  )
  union all
  select customer_id_4, paid, case when __is then -__w else __w end as __w
  from "crossings 2"
),
"Δ join" as (
  select customer_id_2, orders, customer_id_4, paid, l.__w as __w
  from "Δ project 3" l
  join (
    select customer_id_3 as customer_id_4, sum as paid
    from (
      select customer_id_3, sum
      from freshet_changes.stage_15100939e35cc30e_2
    ) p
  ) r on (customer_id_2 = customer_id_4)
  where (select exists (select 1 from "Δ project 3"))
  union all
  select customer_id_2, orders, customer_id_4, paid, r.__w as __w
  from "Δ project 4" r
  join (
    select customer_id as customer_id_2, count as orders
    from (
      select customer_id, count
      from freshet_changes.stage_15100939e35cc30e_1
    ) p
  ) l on (customer_id_2 = customer_id_4)
  where (select exists (select 1 from "Δ project 4"))
  union all
  select customer_id_2, orders, customer_id_4, paid, l.__w * r.__w as __w
  from "Δ project 3" l
  join "Δ project 4" r on (customer_id_2 = customer_id_4)
  where (select exists (select 1 from "Δ project 3"))
    and (select exists (select 1 from "Δ project 4"))
  union all
  select customer_id_2, orders, customer_id_4, paid, l.__w
  from "Δ without a match" l
  left join "Δ project 4" r on false
  union all
  select customer_id_2, orders, customer_id_4, paid, l.__w
  from "Δ without a match 2" l
  left join "Δ project 3" r on false
),
"Δ output" as (
  select ((COALESCE(customer_id_2, customer_id_4)))::integer as customer_id, (orders)::bigint as orders, (paid)::numeric as paid, __w
  from "Δ join"
),
"Δ net" as (
  select (array_agg(customer_id))[1] as customer_id, (array_agg(orders))[1] as orders, (array_agg(paid))[1] as paid, __row, sum(__w) as __w
  from (
    select customer_id, orders, paid, substr(sha256(record_send(row(customer_id::integer, orders::bigint, paid::numeric))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.full_join_orders_payments t where t.__row = n.__row) as __have
  from "Δ net" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, customer_id as __value_1, orders as __value_2, paid as __value_3
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from full_join_orders_payments" as (
  delete from public.full_join_orders_payments t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to full_join_orders_payments" as (
  insert into public.full_join_orders_payments as t (customer_id, orders, paid, __row, __ord)
  select __value_1, __value_2, __value_3, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set customer_id = excluded.customer_id, orders = excluded.orders, paid = excluded.paid
  returning 1
)
