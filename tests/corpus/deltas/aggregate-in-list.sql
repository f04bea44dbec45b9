"Δ employees" as (
  select salary, __w
  from "window of employees"
  where (select go from gate)
),
"Δ project" as (
  select salary as salary, __w
  from "Δ employees"
),
"Δ net" as (
  select salary, sum(__w) as __w
  from "Δ project"
  group by salary
  having sum(__w) <> 0
),
"Δ groups" as (
  select sum(__w) as "__count(*)", max(salary) filter (where __w > 0) as "__arrived max(salary)", max(salary) filter (where __w < 0) as "__left max(salary)"
  from "Δ net"
  having count(*) > 0
),
groups as (
  select d.__key_1, t.__one is not null as __existed, t.ctid as __at, coalesce(t.count, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, greatest(t.max, d."__arrived max(salary)") as __slot_2, t.max as __old_1, t.count as __old_2, coalesce(d."__left max(salary)" >= greatest(t.max, d."__arrived max(salary)"), false) as __again
  from (
    select *, true as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_f601fb79e0d1cae2_1 t on t.__one = d.__key_1
),
"groups again" as (
  select
  from groups
  where __again
),
"groups computed again" as (
  select *, true as __key_1
  from (
    select count(*) as __slot_1, max(salary) as __slot_2
    from (
      select *
      from (
        select salary as salary
        from (
          select salary
          from public.employees
        ) p
      ) r
      where (select exists (select 1 from "groups again"))
    ) g
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __old_1, __old_2, (max)::integer as __new_1, (count)::bigint as __new_2
  from (
    select *, __slot_2 as max, __slot_1 as count
    from (
      select s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__old_1, s.__old_2
      from groups s
      where not s.__again
      union all
      select s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, s.__old_1, s.__old_2
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as max, __old_2 as count, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (true) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as max, __new_2 as count, 1 as __w
  from "groups after"
  where true
    and (not __existed or not (true) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_f601fb79e0d1cae2_1" as (
  delete from freshet_changes.stage_f601fb79e0d1cae2_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (true)
  returning 1
),
"inserted into stage_f601fb79e0d1cae2_1" as (
  insert into freshet_changes.stage_f601fb79e0d1cae2_1 as t (max, count, __one)
  select __new_1, __new_2, __key_1
  from "groups after"
  where true
    and not __existed
  returning 1
),
"updated in stage_f601fb79e0d1cae2_1" as (
  update freshet_changes.stage_f601fb79e0d1cae2_1 t
  set max = __new_1, count = __new_2
  from "groups after" c
  where t.ctid = c.__at and c.__existed and true
  returning 1
),
"Δ orders" as (
  select shipping, __w
  from "window of orders"
  where (select go from gate)
),
touched as (
  select *, row_number() over () as __i
  from (
    select max, count, 1 as __w
    from (
      select max, count
      from freshet_changes.stage_f601fb79e0d1cae2_1
    ) l
    where exists (select 1 from "Δ orders" r where ((max::numeric = shipping) IS TRUE))
  ) l
),
crossings as (
  select max, count, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.max, l.count, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ orders" r on ((max::numeric = shipping) IS TRUE)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select shipping
          from public.orders
        ) r
        where ((max::numeric = shipping) IS TRUE)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ mark join" as (
  select max, count, exists (
    select 1
    from (
      select shipping
      from public.orders
    ) r
    where ((max::numeric = shipping) IS TRUE)
  ) as mark, __w
  from "Δ stage" l
  union all
  select max, count, __is as mark, __w
  from crossings
  union all
  select max, count, __was as mark, -__w as __w
  from crossings
),
"touched 2" as (
  select *, row_number() over () as __i
  from (
    select max, count, mark, 1 as __w
    from (
      select max, count, exists (
        select 1
        from (
          select shipping
          from public.orders
        ) r
        where ((max::numeric = shipping) IS TRUE)
      ) as mark
      from (
        select t.max, t.count
        from freshet_changes.stage_f601fb79e0d1cae2_1 t
        where (t.__one) not in (select c.__key_1 from "groups after" c)
      ) l
    ) l
    where exists (select 1 from "Δ orders" r where ((max::numeric = shipping) IS UNKNOWN))
    union all
    select max, count, mark, 1 as __w
    from (
      select max, count, exists (
        select 1
        from (
          select shipping
          from public.orders
        ) r
        where ((max::numeric = shipping) IS TRUE)
      ) as mark
      from (
        select __new_1 as max, __new_2 as count
        from "groups after"
        where true
      ) l
    ) l
    where exists (select 1 from "Δ orders" r where ((max::numeric = shipping) IS UNKNOWN))
    union all
    select max, count, mark, -l.__w as __w
    from "Δ mark join" l
    where exists (select 1 from "Δ orders" r where ((max::numeric = shipping) IS UNKNOWN))
  ) l
),
"crossings 2" as (
  select max, count, mark, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.max, l.count, l.mark, l.__w, d.__m, n.__n
    from "touched 2" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 2" l
      join "Δ orders" r on ((max::numeric = shipping) IS UNKNOWN)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select shipping
          from public.orders
        ) r
        where ((max::numeric = shipping) IS UNKNOWN)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ mark join 2" as (
  select max, count, mark, exists (
    select 1
    from (
      select shipping
      from public.orders
    ) r
    where ((max::numeric = shipping) IS UNKNOWN)
  ) as mark_2, __w
  from "Δ mark join" l
  union all
  select max, count, mark, __is as mark_2, __w
  from "crossings 2"
  union all
  select max, count, mark, __was as mark_2, -__w as __w
  from "crossings 2"
),
"Δ order_lines" as (
  select line, __w
  from "window of order_lines"
  where (select go from gate)
),
"touched 3" as (
  select *, row_number() over () as __i
  from (
    select max, count, mark, mark_2, 1 as __w
    from (
      select max, count, mark, exists (
        select 1
        from (
          select shipping
          from public.orders
        ) r
        where ((max::numeric = shipping) IS UNKNOWN)
      ) as mark_2
      from (
        select max, count, exists (
          select 1
          from (
            select shipping
            from public.orders
          ) r
          where ((max::numeric = shipping) IS TRUE)
        ) as mark
        from (
          select t.max, t.count
          from freshet_changes.stage_f601fb79e0d1cae2_1 t
          where (t.__one) not in (select c.__key_1 from "groups after" c)
        ) l
      ) l
    ) l
    where exists (select 1 from "Δ order_lines" r where ((count = line) IS TRUE))
    union all
    select max, count, mark, mark_2, 1 as __w
    from (
      select max, count, mark, exists (
        select 1
        from (
          select shipping
          from public.orders
        ) r
        where ((max::numeric = shipping) IS UNKNOWN)
      ) as mark_2
      from (
        select max, count, exists (
          select 1
          from (
            select shipping
            from public.orders
          ) r
          where ((max::numeric = shipping) IS TRUE)
        ) as mark
        from (
          select __new_1 as max, __new_2 as count
          from "groups after"
          where true
        ) l
      ) l
    ) l
    where exists (select 1 from "Δ order_lines" r where ((count = line) IS TRUE))
    union all
    select max, count, mark, mark_2, -l.__w as __w
    from "Δ mark join 2" l
    where exists (select 1 from "Δ order_lines" r where ((count = line) IS TRUE))
  ) l
),
"crossings 3" as (
  select max, count, mark, mark_2, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.max, l.count, l.mark, l.mark_2, l.__w, d.__m, n.__n
    from "touched 3" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 3" l
      join "Δ order_lines" r on ((count = line) IS TRUE)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select line
          from public.order_lines
        ) r
        where ((count = line) IS TRUE)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ mark join 3" as (
  select max, count, mark, mark_2, exists (
    select 1
    from (
      select line
      from public.order_lines
    ) r
    where ((count = line) IS TRUE)
  ) as mark_3, __w
  from "Δ mark join 2" l
  union all
  select max, count, mark, mark_2, __is as mark_3, __w
  from "crossings 3"
  union all
  select max, count, mark, mark_2, __was as mark_3, -__w as __w
  from "crossings 3"
),
"touched 4" as (
  select *, row_number() over () as __i
  from (
    select max, count, mark, mark_2, mark_3, 1 as __w
    from (
      select max, count, mark, mark_2, exists (
        select 1
        from (
          select line
          from public.order_lines
        ) r
        where ((count = line) IS TRUE)
      ) as mark_3
      from (
        select max, count, mark, exists (
          select 1
          from (
            select shipping
            from public.orders
          ) r
          where ((max::numeric = shipping) IS UNKNOWN)
        ) as mark_2
        from (
          select max, count, exists (
            select 1
            from (
              select shipping
              from public.orders
            ) r
            where ((max::numeric = shipping) IS TRUE)
          ) as mark
          from (
            select t.max, t.count
            from freshet_changes.stage_f601fb79e0d1cae2_1 t
            where (t.__one) not in (select c.__key_1 from "groups after" c)
          ) l
        ) l
      ) l
    ) l
    where exists (select 1 from "Δ order_lines" r where ((count = line) IS UNKNOWN))
    union all
    select max, count, mark, mark_2, mark_3, 1 as __w
    from (
      select max, count, mark, mark_2, exists (
        select 1
        from (
          select line
          from public.order_lines
        ) r
        where ((count = line) IS TRUE)
      ) as mark_3
      from (
        select max, count, mark, exists (
          select 1
          from (
            select shipping
            from public.orders
          ) r
          where ((max::numeric = shipping) IS UNKNOWN)
        ) as mark_2
        from (
          select max, count, exists (
            select 1
            from (
              select shipping
              from public.orders
            ) r
            where ((max::numeric = shipping) IS TRUE)
          ) as mark
          from (
            select __new_1 as max, __new_2 as count
            from "groups after"
            where true
          ) l
        ) l
      ) l
    ) l
    where exists (select 1 from "Δ order_lines" r where ((count = line) IS UNKNOWN))
    union all
    select max, count, mark, mark_2, mark_3, -l.__w as __w
    from "Δ mark join 3" l
    where exists (select 1 from "Δ order_lines" r where ((count = line) IS UNKNOWN))
  ) l
),
"crossings 4" as (
  select max, count, mark, mark_2, mark_3, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.max, l.count, l.mark, l.mark_2, l.mark_3, l.__w, d.__m, n.__n
    from "touched 4" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 4" l
      join "Δ order_lines" r on ((count = line) IS UNKNOWN)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select line
          from public.order_lines
        ) r
        where ((count = line) IS UNKNOWN)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ mark join 4" as (
  select max, count, mark, mark_2, mark_3, exists (
    select 1
    from (
      select line
      from public.order_lines
    ) r
    where ((count = line) IS UNKNOWN)
  ) as mark_4, __w
  from "Δ mark join 3" l
  union all
  select max, count, mark, mark_2, mark_3, __is as mark_4, __w
  from "crossings 4"
  union all
  select max, count, mark, mark_2, mark_3, __was as mark_4, -__w as __w
  from "crossings 4"
),
"Δ output" as (
  select ((NOT ((CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END))))::boolean as unmatched, ((CASE WHEN mark_3 THEN true WHEN mark_4 THEN NULL ELSE false END))::boolean as counted, __w
  from "Δ mark join 4"
),
"Δ net 2" as (
  select unmatched, counted, sum(__w) as __w
  from "Δ output"
  group by unmatched, counted
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, true as __key_1
  from "Δ net 2"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.unmatched as __old_1, l.counted as __old_2, a.unmatched as __new_1, a.counted as __new_2
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
"deleted from aggregate_in_list" as (
  delete from public.aggregate_in_list t
  using changes c
  where t.__one = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to aggregate_in_list" as (
  insert into public.aggregate_in_list as t (unmatched, counted, __one)
  select __new_1, __new_2, __key_1
  from changes
  where __alive
  on conflict (__one) do update set unmatched = excluded.unmatched, counted = excluded.counted
  returning 1
)
