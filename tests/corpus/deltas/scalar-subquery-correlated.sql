"Δ o" as (
  select customer_id, __w
  from "window of orders"
  where (select go from gate)
),
"Δ project" as (
  select customer_id as customer_id, __w
  from "Δ o"
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
  left join freshet_changes.stage_93cc086b813bff4d_1 t on t.__key = d.__key_1
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
"deleted from stage_93cc086b813bff4d_1" as (
  delete from freshet_changes.stage_93cc086b813bff4d_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_93cc086b813bff4d_1" as (
  insert into freshet_changes.stage_93cc086b813bff4d_1 as t (customer_id, count, __key)
  select __new_1, __new_2, __key_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_93cc086b813bff4d_1" as (
  update freshet_changes.stage_93cc086b813bff4d_1 t
  set customer_id = __new_1, count = __new_2
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ p" as (
  select customer_id as customer_id_2, amount, method, __w
  from "window of payments"
  where (select go from gate)
),
"Δ filter" as (
  select customer_id_2, amount, method, __w
  from "Δ p"
  where (method = 'card'::text)
),
"Δ project 2" as (
  select customer_id_2 as customer_id_2, amount as amount, __w
  from "Δ filter"
),
"Δ net" as (
  select customer_id_2, (array_agg(amount))[1] as amount, sum(__w) as __w
  from "Δ project 2"
  group by customer_id_2, record_send(row(amount))
  having sum(__w) <> 0
),
"Δ groups 2" as (
  select customer_id_2, sum(__w) as "__count(*)", max(amount) filter (where __w > 0) as "__arrived max(amount)", max(amount) filter (where __w < 0) as "__left max(amount)"
  from "Δ net"
  group by customer_id_2
),
"groups 2" as (
  select d.customer_id_2, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, greatest(t.max, d."__arrived max(amount)") as __slot_2, t.customer_id_2 as __old_1, t.max as __old_2, coalesce((d."__left max(amount)" >= greatest(t.max, d."__arrived max(amount)") and coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint > 0), false) as __again
  from (
    select *, substr(sha256(record_send(row(customer_id_2::integer))), 1, 16) as __key_1
    from "Δ groups 2"
  ) d
  left join freshet_changes.stage_93cc086b813bff4d_2 t on t.__key = d.__key_1
),
"groups again" as (
  select customer_id_2 as __wanted_1
  from "groups 2"
  where __again
),
"groups computed again" as (
  select *, substr(sha256(record_send(row(customer_id_2::integer))), 1, 16) as __key_1
  from (
    select customer_id_2, count(*) as __slot_1, max(amount) as __slot_2
    from (
      select r.*
      from "groups again" w
      join (
        select customer_id_2 as customer_id_2, amount as amount
        from (
          select customer_id_2, amount, method
          from (
            select customer_id as customer_id_2, amount, method
            from public.payments
          ) f
          where (method = 'card'::text)
        ) p
      ) r on r.customer_id_2 = w.__wanted_1
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select customer_id_2 as customer_id_2, amount as amount
        from (
          select customer_id_2, amount, method
          from (
            select customer_id as customer_id_2, amount, method
            from public.payments
          ) f
          where (method = 'card'::text)
        ) p
      ) r on (r.customer_id_2 = w.__wanted_1 or (r.customer_id_2 is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again" w where w.__wanted_1 is null))
    ) g
    group by customer_id_2
  ) k
),
"groups after 2" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __old_1, __old_2, (customer_id_2)::integer as __new_1, (max)::numeric as __new_2
  from (
    select *, __slot_2 as max
    from (
      select s.customer_id_2, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__old_1, s.__old_2
      from "groups 2" s
      where not s.__again
      union all
      select s.customer_id_2, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, s.__old_1, s.__old_2
      from "groups 2" s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage 2" as (
  select __old_1 as customer_id_2, __old_2 as max, -1 as __w
  from "groups after 2"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as customer_id_2, __new_2 as max, 1 as __w
  from "groups after 2"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_93cc086b813bff4d_2" as (
  delete from freshet_changes.stage_93cc086b813bff4d_2 t
  using "groups after 2" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_93cc086b813bff4d_2" as (
  insert into freshet_changes.stage_93cc086b813bff4d_2 as t (customer_id_2, max, __key, __n)
  select __new_1, __new_2, __key_1, __slot_1
  from "groups after 2"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_93cc086b813bff4d_2" as (
  update freshet_changes.stage_93cc086b813bff4d_2 t
  set customer_id_2 = __new_1, max = __new_2, __n = __slot_1
  from "groups after 2" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ c" as (
  select id, "name", __w
  from "window of customers"
  where (select go from gate)
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, "name", 1 as __w
    from (
      select id, "name"
      from public.customers
    ) l
    where exists (select 1 from "Δ stage" r where (customer_id = id))
    union all
    select id, "name", -l.__w as __w
    from "Δ c" l
    where exists (select 1 from "Δ stage" r where (customer_id = id))
  ) l
),
crossings as (
  select id, "name", __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l."name", l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ stage" r on (customer_id = id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select t.customer_id, t.count
          from freshet_changes.stage_93cc086b813bff4d_1 t
          where (t.__key) not in (select c.__key_1 from "groups after" c)
        ) r
        where (customer_id = id)
        union all
        select 1
        from (
          select __new_1 as customer_id, __new_2 as count
          from "groups after"
          where __slot_1 > 0
        ) r
        where (customer_id = id)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match" as (
  select id, "name", __w
  from "Δ c" l
  where not exists (
    select 1
    from (
      select t.customer_id, t.count
      from freshet_changes.stage_93cc086b813bff4d_1 t
      where (t.__key) not in (select c.__key_1 from "groups after" c)
    ) r
    where (customer_id = id)
  )
    and not exists (
    select 1
    from (
      select __new_1 as customer_id, __new_2 as count
      from "groups after"
      where __slot_1 > 0
    ) r
    where (customer_id = id)
  )
  union all
  select id, "name", case when __is then -__w else __w end as __w
  from crossings
),
"Δ join" as (
  select id, "name", customer_id, count, l.__w as __w
  from "Δ c" l
  join (
    select customer_id, count
    from freshet_changes.stage_93cc086b813bff4d_1
  ) r on (customer_id = id)
  where (select exists (select 1 from "Δ c"))
  union all
  select id, "name", customer_id, count, r.__w as __w
  from "Δ stage" r
  join (
    select id, "name"
    from public.customers
  ) l on (customer_id = id)
  where (select exists (select 1 from "Δ stage"))
  union all
  select id, "name", customer_id, count, l.__w
  from "Δ without a match" l
  left join "Δ stage" r on false
),
"touched 2" as (
  select *, row_number() over () as __i
  from (
    select id, "name", customer_id, count, 1 as __w
    from (
      select id, "name", customer_id, count
      from (
        select id, "name"
        from public.customers
      ) l
      left join (
        select customer_id, count
        from (
          select t.customer_id, t.count, t.__key as __stored_1, true as __stored
          from freshet_changes.stage_93cc086b813bff4d_1 t
          union all
          select __new_1 as customer_id, __new_2 as count, __key_1, false
          from "groups after"
          where __slot_1 > 0
        ) s
        where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
      ) r on (customer_id = id)
    ) l
    where exists (select 1 from "Δ stage 2" r where (customer_id_2 = id))
    union all
    select id, "name", customer_id, count, -l.__w as __w
    from "Δ join" l
    where exists (select 1 from "Δ stage 2" r where (customer_id_2 = id))
  ) l
),
"crossings 2" as (
  select id, "name", customer_id, count, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l."name", l.customer_id, l.count, l.__w, d.__m, n.__n
    from "touched 2" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 2" l
      join "Δ stage 2" r on (customer_id_2 = id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select t.customer_id_2, t.max
          from freshet_changes.stage_93cc086b813bff4d_2 t
          where (t.__key) not in (select c.__key_1 from "groups after 2" c)
        ) r
        where (customer_id_2 = id)
        union all
        select 1
        from (
          select __new_1 as customer_id_2, __new_2 as max
          from "groups after 2"
          where __slot_1 > 0
        ) r
        where (customer_id_2 = id)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match 2" as (
  select id, "name", customer_id, count, __w
  from "Δ join" l
  where not exists (
    select 1
    from (
      select t.customer_id_2, t.max
      from freshet_changes.stage_93cc086b813bff4d_2 t
      where (t.__key) not in (select c.__key_1 from "groups after 2" c)
    ) r
    where (customer_id_2 = id)
  )
    and not exists (
    select 1
    from (
      select __new_1 as customer_id_2, __new_2 as max
      from "groups after 2"
      where __slot_1 > 0
    ) r
    where (customer_id_2 = id)
  )
  union all
  select id, "name", customer_id, count, case when __is then -__w else __w end as __w
  from "crossings 2"
),
"Δ join 2" as (
  select id, "name", customer_id, count, customer_id_2, max, l.__w as __w
  from "Δ join" l
  join (
    select customer_id_2, max
    from freshet_changes.stage_93cc086b813bff4d_2
  ) r on (customer_id_2 = id)
  where (select exists (select 1 from "Δ join"))
  union all
  select id, "name", customer_id, count, customer_id_2, max, r.__w as __w
  from "Δ stage 2" r
  join (
    select id, "name", customer_id, count
    from (
      select id, "name"
      from public.customers
    ) l
    left join (
      select customer_id, count
      from (
        select t.customer_id, t.count, t.__key as __stored_1, true as __stored
        from freshet_changes.stage_93cc086b813bff4d_1 t
        union all
        select __new_1 as customer_id, __new_2 as count, __key_1, false
        from "groups after"
        where __slot_1 > 0
      ) s
      where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
    ) r on (customer_id = id)
  ) l on (customer_id_2 = id)
  where (select exists (select 1 from "Δ stage 2"))
  union all
  select id, "name", customer_id, count, customer_id_2, max, l.__w
  from "Δ without a match 2" l
  left join "Δ stage 2" r on false
),
"Δ e" as (
  select id as id_3, "name" as name_2, __w
  from "window of employees"
  where (select go from gate)
),
"Δ project 3" as (
  select id_3 as id_3, name_2 as "value", __w
  from "Δ e"
),
"touched 3" as (
  select *, row_number() over () as __i
  from (
    select id, "name", customer_id, count, customer_id_2, max, 1 as __w
    from (
      select id, "name", customer_id, count, customer_id_2, max
      from (
        select id, "name", customer_id, count
        from (
          select id, "name"
          from public.customers
        ) l
        left join (
          select customer_id, count
          from (
            select t.customer_id, t.count, t.__key as __stored_1, true as __stored
            from freshet_changes.stage_93cc086b813bff4d_1 t
            union all
            select __new_1 as customer_id, __new_2 as count, __key_1, false
            from "groups after"
            where __slot_1 > 0
          ) s
          where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
        ) r on (customer_id = id)
      ) l
      left join (
        select customer_id_2, max
        from (
          select t.customer_id_2, t.max, t.__key as __stored_1, true as __stored
          from freshet_changes.stage_93cc086b813bff4d_2 t
          union all
          select __new_1 as customer_id_2, __new_2 as max, __key_1, false
          from "groups after 2"
          where __slot_1 > 0
        ) s
        where not (__stored and (__stored_1) in (select c.__key_1 from "groups after 2" c))
      ) r on (customer_id_2 = id)
    ) l
    where exists (select 1 from "Δ project 3" r where (id_3 = id))
    union all
    select id, "name", customer_id, count, customer_id_2, max, -l.__w as __w
    from "Δ join 2" l
    where exists (select 1 from "Δ project 3" r where (id_3 = id))
  ) l
),
"crossings 3" as (
  select id, "name", customer_id, count, customer_id_2, max, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l."name", l.customer_id, l.count, l.customer_id_2, l.max, l.__w, d.__m, n.__n
    from "touched 3" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 3" l
      join "Δ project 3" r on (id_3 = id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select id_3 as id_3, name_2 as "value"
          from (
            select id as id_3, "name" as name_2
            from public.employees
          ) p
        ) r
        where (id_3 = id)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match 3" as (
  select id, "name", customer_id, count, customer_id_2, max, __w
  from "Δ join 2" l
  where not exists (
    select 1
    from (
      select id_3 as id_3, name_2 as "value"
      from (
        select id as id_3, "name" as name_2
        from public.employees
      ) p
    ) r
    where (id_3 = id)
  )
  union all
  select id, "name", customer_id, count, customer_id_2, max, case when __is then -__w else __w end as __w
  from "crossings 3"
),
"Δ join 3" as (
  select id, "name", customer_id, count, customer_id_2, max, id_3, "value", l.__w as __w
  from "Δ join 2" l
  join (
    select id_3 as id_3, name_2 as "value"
    from (
      select id as id_3, "name" as name_2
      from public.employees
    ) p
  ) r on (id_3 = id)
  where (select exists (select 1 from "Δ join 2"))
  union all
  select id, "name", customer_id, count, customer_id_2, max, id_3, "value", r.__w as __w
  from "Δ project 3" r
  join (
    select id, "name", customer_id, count, customer_id_2, max
    from (
      select id, "name", customer_id, count
      from (
        select id, "name"
        from public.customers
      ) l
      left join (
        select customer_id, count
        from (
          select t.customer_id, t.count, t.__key as __stored_1, true as __stored
          from freshet_changes.stage_93cc086b813bff4d_1 t
          union all
          select __new_1 as customer_id, __new_2 as count, __key_1, false
          from "groups after"
          where __slot_1 > 0
        ) s
        where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
      ) r on (customer_id = id)
    ) l
    left join (
      select customer_id_2, max
      from (
        select t.customer_id_2, t.max, t.__key as __stored_1, true as __stored
        from freshet_changes.stage_93cc086b813bff4d_2 t
        union all
        select __new_1 as customer_id_2, __new_2 as max, __key_1, false
        from "groups after 2"
        where __slot_1 > 0
      ) s
      where not (__stored and (__stored_1) in (select c.__key_1 from "groups after 2" c))
    ) r on (customer_id_2 = id)
  ) l on (id_3 = id)
  where (select exists (select 1 from "Δ project 3"))
  union all
  select id, "name", customer_id, count, customer_id_2, max, id_3, "value", -(l.__w * r.__w) as __w
  from "Δ join 2" l
  join "Δ project 3" r on (id_3 = id)
  where (select exists (select 1 from "Δ join 2"))
    and (select exists (select 1 from "Δ project 3"))
  union all
  select id, "name", customer_id, count, customer_id_2, max, id_3, "value", l.__w
  from "Δ without a match 3" l
  left join "Δ project 3" r on false
),
"Δ output" as (
  select (id)::integer as id, (name)::text as "name", ((COALESCE(count, 0)))::bigint as orders, (max)::numeric as largest, (value)::text as keeper, __w
  from "Δ join 3"
),
"Δ net 2" as (
  select id, "name", orders, (array_agg(largest))[1] as largest, keeper, sum(__w) as __w
  from "Δ output"
  group by id, "name", orders, keeper, record_send(row(largest))
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, id as __key_1
  from "Δ net 2"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l."name" as __old_2, l.orders as __old_3, l.largest as __old_4, l.keeper as __old_5, a.id as __new_1, a."name" as __new_2, a.orders as __new_3, a.largest as __new_4, a.keeper as __new_5
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
"deleted from scalar_subquery_correlated" as (
  delete from public.scalar_subquery_correlated t
  using changes c
  where t.id = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to scalar_subquery_correlated" as (
  insert into public.scalar_subquery_correlated as t (id, "name", orders, largest, keeper)
  select __new_1, __new_2, __new_3, __new_4, __new_5
  from changes
  where __alive
  on conflict (id) do update set "name" = excluded."name", orders = excluded.orders, largest = excluded.largest, keeper = excluded.keeper
  returning 1
)
