"Δ e" as (
  select id, "name", salary, __w
  from "window of employees"
  where (select go from gate)
),
"Δ project" as (
  select id as id_4, salary as salary_4, __w
  from "Δ e"
),
"Δ f" as (
  select salary as salary_3, __w
  from "window of employees"
  where (select go from gate)
),
"Δ join" as (
  select id_4, salary_4, salary_3, l.__w as __w
  from "Δ project" l
  join (
    select salary as salary_3
    from public.employees
  ) r on (salary_3 > salary_4)
  where (select exists (select 1 from "Δ project"))
  union all
  select id_4, salary_4, salary_3, r.__w as __w
  from "Δ f" r
  join (
    select id as id_4, salary as salary_4
    from (
      select id, "name", salary
      from public.employees
    ) p
  ) l on (salary_3 > salary_4)
  where (select exists (select 1 from "Δ f"))
  union all
  select id_4, salary_4, salary_3, -(l.__w * r.__w) as __w
  from "Δ project" l
  join "Δ f" r on (salary_3 > salary_4)
  where (select exists (select 1 from "Δ project"))
    and (select exists (select 1 from "Δ f"))
),
"Δ project 2" as (
  select id_4 as id_5, salary_3 as salary_3, __w
  from "Δ join"
),
"Δ groups" as (
  select id_5, sum(__w) as "__count(*)"
  from "Δ project 2"
  group by id_5
),
groups as (
  select d.id_5, d.__key_1, t.id_5 is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, null::bigint as __slot_2, t.id_5 as __old_1, t.count as __old_2, coalesce(true, false) as __again
  from (
    select *, id_5 as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_8f48f2a18ffd9772_1 t on t.id_5 = d.__key_1
),
"groups again" as (
  select id_5 as __wanted_1
  from groups
  where __again
),
"groups computed again" as (
  select *, id_5 as __key_1
  from (
    select id_5, count(*) as __slot_1, count(DISTINCT salary_3) as __slot_2
    from (
      select r.*
      from "groups again" w
      join (
        select id_4 as id_5, salary_3 as salary_3
        from (
          select id_4, salary_4, salary_3
          from (
            select id as id_4, salary as salary_4
            from (
              select id, "name", salary
              from public.employees
            ) p
          ) l
          join (
            select salary as salary_3
            from public.employees
          ) r on (salary_3 > salary_4)
        ) p
      ) r on r.id_5 = w.__wanted_1
      where (select exists (select 1 from "groups again"))
    ) g
    group by id_5
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __old_1, __old_2, (id_5)::integer as __new_1, (count)::bigint as __new_2
  from (
    select *, __slot_2 as count
    from (
      select s.id_5, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__old_1, s.__old_2
      from groups s
      where not s.__again
      union all
      select s.id_5, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, s.__old_1, s.__old_2
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as id_5, __old_2 as count, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as id_5, __new_2 as count, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_8f48f2a18ffd9772_1" as (
  delete from freshet_changes.stage_8f48f2a18ffd9772_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_8f48f2a18ffd9772_1" as (
  insert into freshet_changes.stage_8f48f2a18ffd9772_1 as t (id_5, count, __n)
  select __new_1, __new_2, __slot_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_8f48f2a18ffd9772_1" as (
  update freshet_changes.stage_8f48f2a18ffd9772_1 t
  set count = __new_2, __n = __slot_1
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, "name", salary, 1 as __w
    from (
      select id, "name", salary
      from public.employees
    ) l
    where exists (select 1 from "Δ stage" r where (id = id_5))
    union all
    select id, "name", salary, -l.__w as __w
    from "Δ e" l
    where exists (select 1 from "Δ stage" r where (id = id_5))
  ) l
),
crossings as (
  select id, "name", salary, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l."name", l.salary, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ stage" r on (id = id_5)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select t.id_5, t.count
          from freshet_changes.stage_8f48f2a18ffd9772_1 t
          where (t.id_5) not in (select c.__key_1 from "groups after" c)
        ) r
        where (id = id_5)
        union all
        select 1
        from (
          select __new_1 as id_5, __new_2 as count
          from "groups after"
          where __slot_1 > 0
        ) r
        where (id = id_5)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match" as (
  select id, "name", salary, __w
  from "Δ e" l
  where not exists (
    select 1
    from (
      select t.id_5, t.count
      from freshet_changes.stage_8f48f2a18ffd9772_1 t
      where (t.id_5) not in (select c.__key_1 from "groups after" c)
    ) r
    where (id = id_5)
  )
    and not exists (
    select 1
    from (
      select __new_1 as id_5, __new_2 as count
      from "groups after"
      where __slot_1 > 0
    ) r
    where (id = id_5)
  )
  union all
  select id, "name", salary, case when __is then -__w else __w end as __w
  from crossings
),
"Δ join 2" as (
  select id, "name", salary, id_5, count, l.__w as __w
  from "Δ e" l
  join (
    select id_5, count
    from freshet_changes.stage_8f48f2a18ffd9772_1
  ) r on (id = id_5)
  where (select exists (select 1 from "Δ e"))
  union all
  select id, "name", salary, id_5, count, r.__w as __w
  from "Δ stage" r
  join (
    select id, "name", salary
    from public.employees
  ) l on (id = id_5)
  where (select exists (select 1 from "Δ stage"))
  union all
  select id, "name", salary, id_5, count, l.__w
  from "Δ without a match" l
  left join "Δ stage" r on false
),
"Δ project 3" as (
  select id as id, name as "name", (((COALESCE(count, 0))) + 1) as "column", __w
  from "Δ join 2"
),
"Δ output" as (
  select (id)::integer as id, (name)::text as "name", ("column")::bigint as place, __w
  from "Δ project 3"
),
"Δ net" as (
  select id, "name", place, sum(__w) as __w
  from "Δ output"
  group by id, "name", place
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, id as __key_1
  from "Δ net"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l."name" as __old_2, l.place as __old_3, a.id as __new_1, a."name" as __new_2, a.place as __new_3
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
"deleted from places" as (
  delete from public.places t
  using changes c
  where t.id = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to places" as (
  insert into public.places as t (id, "name", place)
  select __new_1, __new_2, __new_3
  from changes
  where __alive
  on conflict (id) do update set "name" = excluded."name", place = excluded.place
  returning 1
)
