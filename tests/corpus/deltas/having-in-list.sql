"Δ employees" as (
  select department, salary, __w
  from "window of employees"
  where (select go from gate)
),
"Δ project" as (
  select department as department, salary as salary, __w
  from "Δ employees"
),
"Δ net" as (
  select department, salary, sum(__w) as __w
  from "Δ project"
  group by department, salary
  having sum(__w) <> 0
),
"Δ groups" as (
  select department, sum(__w) as "__count(*)", max(salary) filter (where __w > 0) as "__arrived max(salary)", max(salary) filter (where __w < 0) as "__left max(salary)"
  from "Δ net"
  group by department
),
groups as (
  select d.department, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.count, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, greatest(t.max, d."__arrived max(salary)") as __slot_2, t.department as __old_1, t.max as __old_2, t.count as __old_3, coalesce((d."__left max(salary)" >= greatest(t.max, d."__arrived max(salary)") and coalesce(t.count, 0) + coalesce(d."__count(*)", 0)::bigint > 0), false) as __again
  from (
    select *, substr(sha256(record_send(row(department::text))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_87004569882abd60_1 t on t.__key = d.__key_1
),
"groups again" as (
  select department as __wanted_1
  from groups
  where __again
),
"groups computed again" as (
  select *, substr(sha256(record_send(row(department::text))), 1, 16) as __key_1
  from (
    select department, count(*) as __slot_1, max(salary) as __slot_2
    from (
      select r.*
      from "groups again" w
      join (
        select department as department, salary as salary
        from (
          select department, salary
          from public.employees
        ) p
      ) r on r.department = w.__wanted_1
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select department as department, salary as salary
        from (
          select department, salary
          from public.employees
        ) p
      ) r on (r.department = w.__wanted_1 or (r.department is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again" w where w.__wanted_1 is null))
    ) g
    group by department
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __old_1, __old_2, __old_3, (department)::text as __new_1, (max)::integer as __new_2, (count)::bigint as __new_3
  from (
    select *, __slot_2 as max, __slot_1 as count
    from (
      select s.department, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__old_1, s.__old_2, s.__old_3
      from groups s
      where not s.__again
      union all
      select s.department, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, s.__old_1, s.__old_2, s.__old_3
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as department, __old_2 as max, __old_3 as count, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
  union all
  select __new_1 as department, __new_2 as max, __new_3 as count, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
),
"deleted from stage_87004569882abd60_1" as (
  delete from freshet_changes.stage_87004569882abd60_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_87004569882abd60_1" as (
  insert into freshet_changes.stage_87004569882abd60_1 as t (department, max, count, __key)
  select __new_1, __new_2, __new_3, __key_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_87004569882abd60_1" as (
  update freshet_changes.stage_87004569882abd60_1 t
  set department = __new_1, max = __new_2, count = __new_3
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ orders" as (
  select __w
  from "window of orders"
  where (select go from gate)
),
"Δ project 2" as (
  select __w
  from "Δ orders"
),
"Δ groups 2" as (
  select sum(__w) as "__count(*)"
  from "Δ project 2"
  having count(*) > 0
),
"groups 2" as (
  select d.__key_1, t.__one is not null as __existed, t.ctid as __at, coalesce(t.count_2, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, t.count_2 as __old_1
  from (
    select *, true as __key_1
    from "Δ groups 2"
  ) d
  left join freshet_changes.stage_87004569882abd60_2 t on t.__one = d.__key_1
),
"groups after 2" as (
  select __key_1, __existed, __at, __slot_1, __old_1, (count_2)::bigint as __new_1
  from (
    select *, __slot_1 as count_2
    from (
      select * from "groups 2"
    ) s
  ) v
),
"Δ stage 2" as (
  select __old_1 as count_2, -1 as __w
  from "groups after 2"
  where __existed
    and (not __existed or not (true) or row(__new_1)::record *<> row(__old_1)::record)
  union all
  select __new_1 as count_2, 1 as __w
  from "groups after 2"
  where true
    and (not __existed or not (true) or row(__new_1)::record *<> row(__old_1)::record)
),
"deleted from stage_87004569882abd60_2" as (
  delete from freshet_changes.stage_87004569882abd60_2 t
  using "groups after 2" c
  where t.ctid = c.__at and c.__existed and not (true)
  returning 1
),
"inserted into stage_87004569882abd60_2" as (
  insert into freshet_changes.stage_87004569882abd60_2 as t (count_2, __one)
  select __new_1, __key_1
  from "groups after 2"
  where true
    and not __existed
  returning 1
),
"updated in stage_87004569882abd60_2" as (
  update freshet_changes.stage_87004569882abd60_2 t
  set count_2 = __new_1
  from "groups after 2" c
  where t.ctid = c.__at and c.__existed and true
  returning 1
),
"Δ products" as (
  select price, __w
  from "window of products"
  where (select go from gate)
),
touched as (
  select *, row_number() over () as __i
  from (
    select department, max, count, 1 as __w
    from (
      select department, max, count
      from freshet_changes.stage_87004569882abd60_1
    ) l
    where exists (select 1 from "Δ products" r where ((max::numeric = price) IS TRUE))
  ) l
),
crossings as (
  select department, max, count, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.department, l.max, l.count, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ products" r on ((max::numeric = price) IS TRUE)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select price
          from public.products
        ) r
        where ((max::numeric = price) IS TRUE)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ mark join" as (
  select department, max, count, exists (
    select 1
    from (
      select price
      from public.products
    ) r
    where ((max::numeric = price) IS TRUE)
  ) as mark, __w
  from "Δ stage" l
  union all
  select department, max, count, __is as mark, __w
  from crossings
  union all
  select department, max, count, __was as mark, -__w as __w
  from crossings
),
"touched 2" as (
  select *, row_number() over () as __i
  from (
    select department, max, count, mark, 1 as __w
    from (
      select department, max, count, exists (
        select 1
        from (
          select price
          from public.products
        ) r
        where ((max::numeric = price) IS TRUE)
      ) as mark
      from (
        select t.department, t.max, t.count
        from freshet_changes.stage_87004569882abd60_1 t
        where (t.__key) not in (select c.__key_1 from "groups after" c)
      ) l
    ) l
    where exists (select 1 from "Δ products" r where ((max::numeric = price) IS UNKNOWN))
    union all
    select department, max, count, mark, 1 as __w
    from (
      select department, max, count, exists (
        select 1
        from (
          select price
          from public.products
        ) r
        where ((max::numeric = price) IS TRUE)
      ) as mark
      from (
        select __new_1 as department, __new_2 as max, __new_3 as count
        from "groups after"
        where __slot_1 > 0
      ) l
    ) l
    where exists (select 1 from "Δ products" r where ((max::numeric = price) IS UNKNOWN))
    union all
    select department, max, count, mark, -l.__w as __w
    from "Δ mark join" l
    where exists (select 1 from "Δ products" r where ((max::numeric = price) IS UNKNOWN))
  ) l
),
"crossings 2" as (
  select department, max, count, mark, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.department, l.max, l.count, l.mark, l.__w, d.__m, n.__n
    from "touched 2" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 2" l
      join "Δ products" r on ((max::numeric = price) IS UNKNOWN)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select price
          from public.products
        ) r
        where ((max::numeric = price) IS UNKNOWN)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ mark join 2" as (
  select department, max, count, mark, exists (
    select 1
    from (
      select price
      from public.products
    ) r
    where ((max::numeric = price) IS UNKNOWN)
  ) as mark_2, __w
  from "Δ mark join" l
  union all
  select department, max, count, mark, __is as mark_2, __w
  from "crossings 2"
  union all
  select department, max, count, mark, __was as mark_2, -__w as __w
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
    select department, max, count, mark, mark_2, 1 as __w
    from (
      select department, max, count, mark, exists (
        select 1
        from (
          select price
          from public.products
        ) r
        where ((max::numeric = price) IS UNKNOWN)
      ) as mark_2
      from (
        select department, max, count, exists (
          select 1
          from (
            select price
            from public.products
          ) r
          where ((max::numeric = price) IS TRUE)
        ) as mark
        from (
          select t.department, t.max, t.count
          from freshet_changes.stage_87004569882abd60_1 t
          where (t.__key) not in (select c.__key_1 from "groups after" c)
        ) l
      ) l
    ) l
    where exists (select 1 from "Δ order_lines" r where ((count = line) IS TRUE))
    union all
    select department, max, count, mark, mark_2, 1 as __w
    from (
      select department, max, count, mark, exists (
        select 1
        from (
          select price
          from public.products
        ) r
        where ((max::numeric = price) IS UNKNOWN)
      ) as mark_2
      from (
        select department, max, count, exists (
          select 1
          from (
            select price
            from public.products
          ) r
          where ((max::numeric = price) IS TRUE)
        ) as mark
        from (
          select __new_1 as department, __new_2 as max, __new_3 as count
          from "groups after"
          where __slot_1 > 0
        ) l
      ) l
    ) l
    where exists (select 1 from "Δ order_lines" r where ((count = line) IS TRUE))
    union all
    select department, max, count, mark, mark_2, -l.__w as __w
    from "Δ mark join 2" l
    where exists (select 1 from "Δ order_lines" r where ((count = line) IS TRUE))
  ) l
),
"crossings 3" as (
  select department, max, count, mark, mark_2, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.department, l.max, l.count, l.mark, l.mark_2, l.__w, d.__m, n.__n
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
  select department, max, count, mark, mark_2, exists (
    select 1
    from (
      select line
      from public.order_lines
    ) r
    where ((count = line) IS TRUE)
  ) as mark_3, __w
  from "Δ mark join 2" l
  union all
  select department, max, count, mark, mark_2, __is as mark_3, __w
  from "crossings 3"
  union all
  select department, max, count, mark, mark_2, __was as mark_3, -__w as __w
  from "crossings 3"
),
"touched 4" as (
  select *, row_number() over () as __i
  from (
    select department, max, count, mark, mark_2, mark_3, 1 as __w
    from (
      select department, max, count, mark, mark_2, exists (
        select 1
        from (
          select line
          from public.order_lines
        ) r
        where ((count = line) IS TRUE)
      ) as mark_3
      from (
        select department, max, count, mark, exists (
          select 1
          from (
            select price
            from public.products
          ) r
          where ((max::numeric = price) IS UNKNOWN)
        ) as mark_2
        from (
          select department, max, count, exists (
            select 1
            from (
              select price
              from public.products
            ) r
            where ((max::numeric = price) IS TRUE)
          ) as mark
          from (
            select t.department, t.max, t.count
            from freshet_changes.stage_87004569882abd60_1 t
            where (t.__key) not in (select c.__key_1 from "groups after" c)
          ) l
        ) l
      ) l
    ) l
    where exists (select 1 from "Δ order_lines" r where ((count = line) IS UNKNOWN))
    union all
    select department, max, count, mark, mark_2, mark_3, 1 as __w
    from (
      select department, max, count, mark, mark_2, exists (
        select 1
        from (
          select line
          from public.order_lines
        ) r
        where ((count = line) IS TRUE)
      ) as mark_3
      from (
        select department, max, count, mark, exists (
          select 1
          from (
            select price
            from public.products
          ) r
          where ((max::numeric = price) IS UNKNOWN)
        ) as mark_2
        from (
          select department, max, count, exists (
            select 1
            from (
              select price
              from public.products
            ) r
            where ((max::numeric = price) IS TRUE)
          ) as mark
          from (
            select __new_1 as department, __new_2 as max, __new_3 as count
            from "groups after"
            where __slot_1 > 0
          ) l
        ) l
      ) l
    ) l
    where exists (select 1 from "Δ order_lines" r where ((count = line) IS UNKNOWN))
    union all
    select department, max, count, mark, mark_2, mark_3, -l.__w as __w
    from "Δ mark join 3" l
    where exists (select 1 from "Δ order_lines" r where ((count = line) IS UNKNOWN))
  ) l
),
"crossings 4" as (
  select department, max, count, mark, mark_2, mark_3, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.department, l.max, l.count, l.mark, l.mark_2, l.mark_3, l.__w, d.__m, n.__n
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
  select department, max, count, mark, mark_2, mark_3, exists (
    select 1
    from (
      select line
      from public.order_lines
    ) r
    where ((count = line) IS UNKNOWN)
  ) as mark_4, __w
  from "Δ mark join 3" l
  union all
  select department, max, count, mark, mark_2, mark_3, __is as mark_4, __w
  from "crossings 4"
  union all
  select department, max, count, mark, mark_2, mark_3, __was as mark_4, -__w as __w
  from "crossings 4"
),
"Δ filter" as (
  select department, max, count, mark, mark_2, mark_3, mark_4, __w
  from "Δ mark join 4"
  where ((CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END) OR (NOT ((CASE WHEN mark_3 THEN true WHEN mark_4 THEN NULL ELSE false END))))
),
"touched 5" as (
  select *, row_number() over () as __i
  from (
    select department, max, count, mark, mark_2, mark_3, mark_4, 1 as __w
    from (
      select department, max, count, mark, mark_2, mark_3, mark_4
      from (
        select department, max, count, mark, mark_2, mark_3, exists (
          select 1
          from (
            select line
            from public.order_lines
          ) r
          where ((count = line) IS UNKNOWN)
        ) as mark_4
        from (
          select department, max, count, mark, mark_2, exists (
            select 1
            from (
              select line
              from public.order_lines
            ) r
            where ((count = line) IS TRUE)
          ) as mark_3
          from (
            select department, max, count, mark, exists (
              select 1
              from (
                select price
                from public.products
              ) r
              where ((max::numeric = price) IS UNKNOWN)
            ) as mark_2
            from (
              select department, max, count, exists (
                select 1
                from (
                  select price
                  from public.products
                ) r
                where ((max::numeric = price) IS TRUE)
              ) as mark
              from (
                select t.department, t.max, t.count
                from freshet_changes.stage_87004569882abd60_1 t
                where (t.__key) not in (select c.__key_1 from "groups after" c)
              ) l
            ) l
          ) l
        ) l
      ) f
      where ((CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END) OR (NOT ((CASE WHEN mark_3 THEN true WHEN mark_4 THEN NULL ELSE false END))))
    ) l
    where exists (select 1 from "Δ stage 2" r)
    union all
    select department, max, count, mark, mark_2, mark_3, mark_4, 1 as __w
    from (
      select department, max, count, mark, mark_2, mark_3, mark_4
      from (
        select department, max, count, mark, mark_2, mark_3, exists (
          select 1
          from (
            select line
            from public.order_lines
          ) r
          where ((count = line) IS UNKNOWN)
        ) as mark_4
        from (
          select department, max, count, mark, mark_2, exists (
            select 1
            from (
              select line
              from public.order_lines
            ) r
            where ((count = line) IS TRUE)
          ) as mark_3
          from (
            select department, max, count, mark, exists (
              select 1
              from (
                select price
                from public.products
              ) r
              where ((max::numeric = price) IS UNKNOWN)
            ) as mark_2
            from (
              select department, max, count, exists (
                select 1
                from (
                  select price
                  from public.products
                ) r
                where ((max::numeric = price) IS TRUE)
              ) as mark
              from (
                select __new_1 as department, __new_2 as max, __new_3 as count
                from "groups after"
                where __slot_1 > 0
              ) l
            ) l
          ) l
        ) l
      ) f
      where ((CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END) OR (NOT ((CASE WHEN mark_3 THEN true WHEN mark_4 THEN NULL ELSE false END))))
    ) l
    where exists (select 1 from "Δ stage 2" r)
    union all
    select department, max, count, mark, mark_2, mark_3, mark_4, -l.__w as __w
    from "Δ filter" l
    where exists (select 1 from "Δ stage 2" r)
  ) l
),
"crossings 5" as (
  select department, max, count, mark, mark_2, mark_3, mark_4, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.department, l.max, l.count, l.mark, l.mark_2, l.mark_3, l.mark_4, l.__w, d.__m, n.__n
    from "touched 5" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 5" l
      cross join "Δ stage 2" r
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select t.count_2
          from freshet_changes.stage_87004569882abd60_2 t
          where (t.__one) not in (select c.__key_1 from "groups after 2" c)
        ) r
        union all
        select 1
        from (
          select __new_1 as count_2
          from "groups after 2"
          where true
        ) r
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match" as (
  select department, max, count, mark, mark_2, mark_3, mark_4, __w
  from "Δ filter" l
  where not exists (
    select 1
    from (
      select t.count_2
      from freshet_changes.stage_87004569882abd60_2 t
      where (t.__one) not in (select c.__key_1 from "groups after 2" c)
    ) r
  )
    and not exists (
    select 1
    from (
      select __new_1 as count_2
      from "groups after 2"
      where true
    ) r
  )
  union all
  select department, max, count, mark, mark_2, mark_3, mark_4, case when __is then -__w else __w end as __w
  from "crossings 5"
),
"Δ join" as (
  select department, max, count, mark, mark_2, mark_3, mark_4, count_2, l.__w as __w
  from "Δ filter" l
  cross join (
    select count_2
    from freshet_changes.stage_87004569882abd60_2
  ) r
  where (select exists (select 1 from "Δ filter"))
  union all
  select department, max, count, mark, mark_2, mark_3, mark_4, count_2, r.__w as __w
  from "Δ stage 2" r
  cross join (
    select department, max, count, mark, mark_2, mark_3, mark_4
    from (
      select department, max, count, mark, mark_2, mark_3, exists (
        select 1
        from (
          select line
          from public.order_lines
        ) r
        where ((count = line) IS UNKNOWN)
      ) as mark_4
      from (
        select department, max, count, mark, mark_2, exists (
          select 1
          from (
            select line
            from public.order_lines
          ) r
          where ((count = line) IS TRUE)
        ) as mark_3
        from (
          select department, max, count, mark, exists (
            select 1
            from (
              select price
              from public.products
            ) r
            where ((max::numeric = price) IS UNKNOWN)
          ) as mark_2
          from (
            select department, max, count, exists (
              select 1
              from (
                select price
                from public.products
              ) r
              where ((max::numeric = price) IS TRUE)
            ) as mark
            from (
              select t.department, t.max, t.count
              from freshet_changes.stage_87004569882abd60_1 t
              where (t.__key) not in (select c.__key_1 from "groups after" c)
            ) l
          ) l
        ) l
      ) l
    ) f
    where ((CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END) OR (NOT ((CASE WHEN mark_3 THEN true WHEN mark_4 THEN NULL ELSE false END))))
  ) l
  where (select exists (select 1 from "Δ stage 2"))
  union all
  select department, max, count, mark, mark_2, mark_3, mark_4, count_2, r.__w as __w
  from "Δ stage 2" r
  cross join (
    select department, max, count, mark, mark_2, mark_3, mark_4
    from (
      select department, max, count, mark, mark_2, mark_3, exists (
        select 1
        from (
          select line
          from public.order_lines
        ) r
        where ((count = line) IS UNKNOWN)
      ) as mark_4
      from (
        select department, max, count, mark, mark_2, exists (
          select 1
          from (
            select line
            from public.order_lines
          ) r
          where ((count = line) IS TRUE)
        ) as mark_3
        from (
          select department, max, count, mark, exists (
            select 1
            from (
              select price
              from public.products
            ) r
            where ((max::numeric = price) IS UNKNOWN)
          ) as mark_2
          from (
            select department, max, count, exists (
              select 1
              from (
                select price
                from public.products
              ) r
              where ((max::numeric = price) IS TRUE)
            ) as mark
            from (
              select __new_1 as department, __new_2 as max, __new_3 as count
              from "groups after"
              where __slot_1 > 0
            ) l
          ) l
        ) l
      ) l
    ) f
    where ((CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END) OR (NOT ((CASE WHEN mark_3 THEN true WHEN mark_4 THEN NULL ELSE false END))))
  ) l
  where (select exists (select 1 from "Δ stage 2"))
  union all
  select department, max, count, mark, mark_2, mark_3, mark_4, count_2, l.__w
  from "Δ without a match" l
  left join "Δ stage 2" r on false
),
"Δ c" as (
  select id as id_4, "name" as name_3, __w
  from "window of customers"
  where (select go from gate)
),
"Δ filter 2" as (
  select id_4, name_3, __w
  from "Δ c"
  where (id_4 = 3)
),
"Δ project 3" as (
  select name_3 as name_4, __w
  from "Δ filter 2"
),
"touched 6" as (
  select *, row_number() over () as __i
  from (
    select department, max, count, mark, mark_2, mark_3, mark_4, count_2, 1 as __w
    from (
      select department, max, count, mark, mark_2, mark_3, mark_4, count_2
      from (
        select department, max, count, mark, mark_2, mark_3, mark_4
        from (
          select department, max, count, mark, mark_2, mark_3, exists (
            select 1
            from (
              select line
              from public.order_lines
            ) r
            where ((count = line) IS UNKNOWN)
          ) as mark_4
          from (
            select department, max, count, mark, mark_2, exists (
              select 1
              from (
                select line
                from public.order_lines
              ) r
              where ((count = line) IS TRUE)
            ) as mark_3
            from (
              select department, max, count, mark, exists (
                select 1
                from (
                  select price
                  from public.products
                ) r
                where ((max::numeric = price) IS UNKNOWN)
              ) as mark_2
              from (
                select department, max, count, exists (
                  select 1
                  from (
                    select price
                    from public.products
                  ) r
                  where ((max::numeric = price) IS TRUE)
                ) as mark
                from (
                  select t.department, t.max, t.count
                  from freshet_changes.stage_87004569882abd60_1 t
                  where (t.__key) not in (select c.__key_1 from "groups after" c)
                ) l
              ) l
            ) l
          ) l
        ) f
        where ((CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END) OR (NOT ((CASE WHEN mark_3 THEN true WHEN mark_4 THEN NULL ELSE false END))))
      ) l
      left join (
        select count_2
        from (
          select t.count_2, t.__one as __stored_1, true as __stored
          from freshet_changes.stage_87004569882abd60_2 t
          union all
          select __new_1 as count_2, __key_1, false
          from "groups after 2"
          where true
        ) s
        where not (__stored and (__stored_1) in (select c.__key_1 from "groups after 2" c))
      ) r on true
    ) l
    where exists (select 1 from "Δ project 3" r)
    union all
    select department, max, count, mark, mark_2, mark_3, mark_4, count_2, 1 as __w
    from (
      select department, max, count, mark, mark_2, mark_3, mark_4, count_2
      from (
        select department, max, count, mark, mark_2, mark_3, mark_4
        from (
          select department, max, count, mark, mark_2, mark_3, exists (
            select 1
            from (
              select line
              from public.order_lines
            ) r
            where ((count = line) IS UNKNOWN)
          ) as mark_4
          from (
            select department, max, count, mark, mark_2, exists (
              select 1
              from (
                select line
                from public.order_lines
              ) r
              where ((count = line) IS TRUE)
            ) as mark_3
            from (
              select department, max, count, mark, exists (
                select 1
                from (
                  select price
                  from public.products
                ) r
                where ((max::numeric = price) IS UNKNOWN)
              ) as mark_2
              from (
                select department, max, count, exists (
                  select 1
                  from (
                    select price
                    from public.products
                  ) r
                  where ((max::numeric = price) IS TRUE)
                ) as mark
                from (
                  select __new_1 as department, __new_2 as max, __new_3 as count
                  from "groups after"
                  where __slot_1 > 0
                ) l
              ) l
            ) l
          ) l
        ) f
        where ((CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END) OR (NOT ((CASE WHEN mark_3 THEN true WHEN mark_4 THEN NULL ELSE false END))))
      ) l
      left join (
        select count_2
        from (
          select t.count_2, t.__one as __stored_1, true as __stored
          from freshet_changes.stage_87004569882abd60_2 t
          union all
          select __new_1 as count_2, __key_1, false
          from "groups after 2"
          where true
        ) s
        where not (__stored and (__stored_1) in (select c.__key_1 from "groups after 2" c))
      ) r on true
    ) l
    where exists (select 1 from "Δ project 3" r)
    union all
    select department, max, count, mark, mark_2, mark_3, mark_4, count_2, -l.__w as __w
    from "Δ join" l
    where exists (select 1 from "Δ project 3" r)
  ) l
),
"crossings 6" as (
  select department, max, count, mark, mark_2, mark_3, mark_4, count_2, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.department, l.max, l.count, l.mark, l.mark_2, l.mark_3, l.mark_4, l.count_2, l.__w, d.__m, n.__n
    from "touched 6" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 6" l
      cross join "Δ project 3" r
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select name_3 as name_4
          from (
            select id_4, name_3
            from (
              select id as id_4, "name" as name_3
              from public.customers
            ) f
            where (id_4 = 3)
          ) p
        ) r
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match 2" as (
  select department, max, count, mark, mark_2, mark_3, mark_4, count_2, __w
  from "Δ join" l
  where not exists (
    select 1
    from (
      select name_3 as name_4
      from (
        select id_4, name_3
        from (
          select id as id_4, "name" as name_3
          from public.customers
        ) f
        where (id_4 = 3)
      ) p
    ) r
  )
  union all
  select department, max, count, mark, mark_2, mark_3, mark_4, count_2, case when __is then -__w else __w end as __w
  from "crossings 6"
),
"Δ join 2" as (
  select department, max, count, mark, mark_2, mark_3, mark_4, count_2, name_4, l.__w as __w
  from "Δ join" l
  cross join (
    select name_3 as name_4
    from (
      select id_4, name_3
      from (
        select id as id_4, "name" as name_3
        from public.customers
      ) f
      where (id_4 = 3)
    ) p
  ) r
  where (select exists (select 1 from "Δ join"))
  union all
  select department, max, count, mark, mark_2, mark_3, mark_4, count_2, name_4, r.__w as __w
  from "Δ project 3" r
  cross join (
    select department, max, count, mark, mark_2, mark_3, mark_4, count_2
    from (
      select department, max, count, mark, mark_2, mark_3, mark_4
      from (
        select department, max, count, mark, mark_2, mark_3, exists (
          select 1
          from (
            select line
            from public.order_lines
          ) r
          where ((count = line) IS UNKNOWN)
        ) as mark_4
        from (
          select department, max, count, mark, mark_2, exists (
            select 1
            from (
              select line
              from public.order_lines
            ) r
            where ((count = line) IS TRUE)
          ) as mark_3
          from (
            select department, max, count, mark, exists (
              select 1
              from (
                select price
                from public.products
              ) r
              where ((max::numeric = price) IS UNKNOWN)
            ) as mark_2
            from (
              select department, max, count, exists (
                select 1
                from (
                  select price
                  from public.products
                ) r
                where ((max::numeric = price) IS TRUE)
              ) as mark
              from (
                select t.department, t.max, t.count
                from freshet_changes.stage_87004569882abd60_1 t
                where (t.__key) not in (select c.__key_1 from "groups after" c)
              ) l
            ) l
          ) l
        ) l
      ) f
      where ((CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END) OR (NOT ((CASE WHEN mark_3 THEN true WHEN mark_4 THEN NULL ELSE false END))))
    ) l
    left join (
      select count_2
      from (
        select t.count_2, t.__one as __stored_1, true as __stored
        from freshet_changes.stage_87004569882abd60_2 t
        union all
        select __new_1 as count_2, __key_1, false
        from "groups after 2"
        where true
      ) s
      where not (__stored and (__stored_1) in (select c.__key_1 from "groups after 2" c))
    ) r on true
  ) l
  where (select exists (select 1 from "Δ project 3"))
  union all
  select department, max, count, mark, mark_2, mark_3, mark_4, count_2, name_4, r.__w as __w
  from "Δ project 3" r
  cross join (
    select department, max, count, mark, mark_2, mark_3, mark_4, count_2
    from (
      select department, max, count, mark, mark_2, mark_3, mark_4
      from (
        select department, max, count, mark, mark_2, mark_3, exists (
          select 1
          from (
            select line
            from public.order_lines
          ) r
          where ((count = line) IS UNKNOWN)
        ) as mark_4
        from (
          select department, max, count, mark, mark_2, exists (
            select 1
            from (
              select line
              from public.order_lines
            ) r
            where ((count = line) IS TRUE)
          ) as mark_3
          from (
            select department, max, count, mark, exists (
              select 1
              from (
                select price
                from public.products
              ) r
              where ((max::numeric = price) IS UNKNOWN)
            ) as mark_2
            from (
              select department, max, count, exists (
                select 1
                from (
                  select price
                  from public.products
                ) r
                where ((max::numeric = price) IS TRUE)
              ) as mark
              from (
                select __new_1 as department, __new_2 as max, __new_3 as count
                from "groups after"
                where __slot_1 > 0
              ) l
            ) l
          ) l
        ) l
      ) f
      where ((CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END) OR (NOT ((CASE WHEN mark_3 THEN true WHEN mark_4 THEN NULL ELSE false END))))
    ) l
    left join (
      select count_2
      from (
        select t.count_2, t.__one as __stored_1, true as __stored
        from freshet_changes.stage_87004569882abd60_2 t
        union all
        select __new_1 as count_2, __key_1, false
        from "groups after 2"
        where true
      ) s
      where not (__stored and (__stored_1) in (select c.__key_1 from "groups after 2" c))
    ) r on true
  ) l
  where (select exists (select 1 from "Δ project 3"))
  union all
  select department, max, count, mark, mark_2, mark_3, mark_4, count_2, name_4, -(l.__w * r.__w) as __w
  from "Δ join" l
  cross join "Δ project 3" r
  where (select exists (select 1 from "Δ join"))
    and (select exists (select 1 from "Δ project 3"))
  union all
  select department, max, count, mark, mark_2, mark_3, mark_4, count_2, name_4, l.__w
  from "Δ without a match 2" l
  left join "Δ project 3" r on false
),
"Δ output" as (
  select (department)::text as department, (max)::integer as best, ((COALESCE(count_2, 0)))::bigint as orders, (name_4)::text as third, __w
  from "Δ join 2"
),
"Δ net 2" as (
  select department, best, orders, third, sum(__w) as __w
  from "Δ output"
  group by department, best, orders, third
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, substr(sha256(record_send(row(department::text))), 1, 16) as __key_1
  from "Δ net 2"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.department as __old_1, l.best as __old_2, l.orders as __old_3, l.third as __old_4, a.department as __new_1, a.best as __new_2, a.orders as __new_3, a.third as __new_4
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
"deleted from having_in_list" as (
  delete from public.having_in_list t
  using changes c
  where t.__key = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to having_in_list" as (
  insert into public.having_in_list as t (department, best, orders, third, __key)
  select __new_1, __new_2, __new_3, __new_4, __key_1
  from changes
  where __alive
  on conflict (__key) do update set department = excluded.department, best = excluded.best, orders = excluded.orders, third = excluded.third
  returning 1
)
