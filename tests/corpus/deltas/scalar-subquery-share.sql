"Δ employees_1" as (
  select salary as salary_2, __w
  from "window of employees"
  where (select go from gate)
),
"Δ project" as (
  select salary_2 as salary_2, __w
  from "Δ employees_1"
),
"Δ groups" as (
  select sum(__w) as "__count(*)", sum(salary_2::bigint * __w) as "__sum salary_2", sum(__w) filter (where salary_2 is not null) as "__count filter (where sala ctpnjj"
  from "Δ project"
  having count(*) > 0
),
groups as (
  select d.__key_1, t.__one is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, case when coalesce(t.__s2, 0) + coalesce(d."__count filter (where sala ctpnjj", 0)::bigint = 0 then null else (coalesce(t.__s1, 0) + coalesce(d."__sum salary_2", 0))::numeric end as __slot_2, coalesce(t.__s2, 0) + coalesce(d."__count filter (where sala ctpnjj", 0)::bigint as __slot_3, t.avg as __old_1
  from (
    select *, true as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_d84e4b7721f2bcf1_1 t on t.__one = d.__key_1
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, __old_1, (avg)::numeric as __new_1
  from (
    select *, __slot_2 / nullif(__slot_3, 0) as avg
    from (
      select * from groups
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as avg, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (true) or row(__new_1)::record *<> row(__old_1)::record)
  union all
  select __new_1 as avg, 1 as __w
  from "groups after"
  where true
    and (not __existed or not (true) or row(__new_1)::record *<> row(__old_1)::record)
),
"deleted from stage_d84e4b7721f2bcf1_1" as (
  delete from freshet_changes.stage_d84e4b7721f2bcf1_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (true)
  returning 1
),
"inserted into stage_d84e4b7721f2bcf1_1" as (
  insert into freshet_changes.stage_d84e4b7721f2bcf1_1 as t (avg, __one, __n, __s1, __s2)
  select __new_1, __key_1, __slot_1, __slot_2, __slot_3
  from "groups after"
  where true
    and not __existed
  returning 1
),
"updated in stage_d84e4b7721f2bcf1_1" as (
  update freshet_changes.stage_d84e4b7721f2bcf1_1 t
  set avg = __new_1, __n = __slot_1, __s1 = __slot_2, __s2 = __slot_3
  from "groups after" c
  where t.ctid = c.__at and c.__existed and true
  returning 1
),
"Δ employees_1 2" as (
  select salary as salary_3, __w
  from "window of employees"
  where (select go from gate)
),
"Δ project 2" as (
  select salary_3 as salary_3, __w
  from "Δ employees_1 2"
),
"Δ groups 2" as (
  select sum(__w) as "__count(*)", sum(salary_3::bigint * __w) as "__sum salary_3", sum(__w) filter (where salary_3 is not null) as "__count filter (where sala exird9"
  from "Δ project 2"
  having count(*) > 0
),
"groups 2" as (
  select d.__key_1, t.__one is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, case when coalesce(t.__s2, 0) + coalesce(d."__count filter (where sala exird9", 0)::bigint = 0 then null else (coalesce(t.sum, 0) + coalesce(d."__sum salary_3", 0))::bigint end as __slot_2, coalesce(t.__s2, 0) + coalesce(d."__count filter (where sala exird9", 0)::bigint as __slot_3, t.sum as __old_1
  from (
    select *, true as __key_1
    from "Δ groups 2"
  ) d
  left join freshet_changes.stage_d84e4b7721f2bcf1_2 t on t.__one = d.__key_1
),
"groups after 2" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, __old_1, (sum)::bigint as __new_1
  from (
    select *, __slot_2 as sum
    from (
      select * from "groups 2"
    ) s
  ) v
),
"Δ stage 2" as (
  select __old_1 as sum, -1 as __w
  from "groups after 2"
  where __existed
    and (not __existed or not (true) or row(__new_1)::record *<> row(__old_1)::record)
  union all
  select __new_1 as sum, 1 as __w
  from "groups after 2"
  where true
    and (not __existed or not (true) or row(__new_1)::record *<> row(__old_1)::record)
),
"deleted from stage_d84e4b7721f2bcf1_2" as (
  delete from freshet_changes.stage_d84e4b7721f2bcf1_2 t
  using "groups after 2" c
  where t.ctid = c.__at and c.__existed and not (true)
  returning 1
),
"inserted into stage_d84e4b7721f2bcf1_2" as (
  insert into freshet_changes.stage_d84e4b7721f2bcf1_2 as t (sum, __one, __n, __s2)
  select __new_1, __key_1, __slot_1, __slot_3
  from "groups after 2"
  where true
    and not __existed
  returning 1
),
"updated in stage_d84e4b7721f2bcf1_2" as (
  update freshet_changes.stage_d84e4b7721f2bcf1_2 t
  set sum = __new_1, __n = __slot_1, __s2 = __slot_3
  from "groups after 2" c
  where t.ctid = c.__at and c.__existed and true
  returning 1
),
"Δ employees" as (
  select id, "name", salary, __w
  from "window of employees"
  where (select go from gate)
),
"Δ join" as (
  select id, "name", salary, avg, l.__w as __w
  from "Δ employees" l
  join (
    select avg
    from freshet_changes.stage_d84e4b7721f2bcf1_1
  ) r on (salary::numeric > ((avg / 2::numeric)))
  where (select exists (select 1 from "Δ employees"))
  union all
  select id, "name", salary, avg, r.__w as __w
  from "Δ stage" r
  join (
    select id, "name", salary
    from public.employees
  ) l on (salary::numeric > ((avg / 2::numeric)))
  where (select exists (select 1 from "Δ stage"))
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, "name", salary, avg, 1 as __w
    from (
      select id, "name", salary, avg
      from (
        select id, "name", salary
        from public.employees
      ) l
      join (
        select t.avg
        from freshet_changes.stage_d84e4b7721f2bcf1_1 t
        where (t.__one) not in (select c.__key_1 from "groups after" c)
      ) r on (salary::numeric > ((avg / 2::numeric)))
    ) l
    where exists (select 1 from "Δ stage 2" r)
    union all
    select id, "name", salary, avg, 1 as __w
    from (
      select id, "name", salary, avg
      from (
        select id, "name", salary
        from public.employees
      ) l
      join (
        select __new_1 as avg
        from "groups after"
        where true
      ) r on (salary::numeric > ((avg / 2::numeric)))
    ) l
    where exists (select 1 from "Δ stage 2" r)
    union all
    select id, "name", salary, avg, -l.__w as __w
    from "Δ join" l
    where exists (select 1 from "Δ stage 2" r)
  ) l
),
crossings as (
  select id, "name", salary, avg, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l."name", l.salary, l.avg, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      cross join "Δ stage 2" r
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select t.sum
          from freshet_changes.stage_d84e4b7721f2bcf1_2 t
          where (t.__one) not in (select c.__key_1 from "groups after 2" c)
        ) r
        union all
        select 1
        from (
          select __new_1 as sum
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
  select id, "name", salary, avg, __w
  from "Δ join" l
  where not exists (
    select 1
    from (
      select t.sum
      from freshet_changes.stage_d84e4b7721f2bcf1_2 t
      where (t.__one) not in (select c.__key_1 from "groups after 2" c)
    ) r
  )
    and not exists (
    select 1
    from (
      select __new_1 as sum
      from "groups after 2"
      where true
    ) r
  )
  union all
  select id, "name", salary, avg, case when __is then -__w else __w end as __w
  from crossings
),
"Δ join 2" as (
  select id, "name", salary, avg, sum, l.__w as __w
  from "Δ join" l
  cross join (
    select sum
    from freshet_changes.stage_d84e4b7721f2bcf1_2
  ) r
  where (select exists (select 1 from "Δ join"))
  union all
  select id, "name", salary, avg, sum, r.__w as __w
  from "Δ stage 2" r
  cross join (
    select id, "name", salary, avg
    from (
      select id, "name", salary
      from public.employees
    ) l
    join (
      select t.avg
      from freshet_changes.stage_d84e4b7721f2bcf1_1 t
      where (t.__one) not in (select c.__key_1 from "groups after" c)
    ) r on (salary::numeric > ((avg / 2::numeric)))
  ) l
  where (select exists (select 1 from "Δ stage 2"))
  union all
  select id, "name", salary, avg, sum, r.__w as __w
  from "Δ stage 2" r
  cross join (
    select id, "name", salary, avg
    from (
      select id, "name", salary
      from public.employees
    ) l
    join (
      select __new_1 as avg
      from "groups after"
      where true
    ) r on (salary::numeric > ((avg / 2::numeric)))
  ) l
  where (select exists (select 1 from "Δ stage 2"))
  union all
  select id, "name", salary, avg, sum, l.__w
  from "Δ without a match" l
  left join "Δ stage 2" r on false
),
"Δ output" as (
  select (id)::integer as id, (name)::text as "name", (salary)::integer as salary, (round((((100.0 * salary::numeric)) / sum::numeric), 1))::numeric as share, __w
  from "Δ join 2"
),
"Δ net" as (
  select id, "name", salary, (array_agg(share))[1] as share, sum(__w) as __w
  from "Δ output"
  group by id, "name", salary, record_send(row(share))
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, id as __key_1
  from "Δ net"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l."name" as __old_2, l.salary as __old_3, l.share as __old_4, a.id as __new_1, a."name" as __new_2, a.salary as __new_3, a.share as __new_4
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
"deleted from scalar_subquery_share" as (
  delete from public.scalar_subquery_share t
  using changes c
  where t.id = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to scalar_subquery_share" as (
  insert into public.scalar_subquery_share as t (id, "name", salary, share)
  select __new_1, __new_2, __new_3, __new_4
  from changes
  where __alive
  on conflict (id) do update set "name" = excluded."name", salary = excluded.salary, share = excluded.share
  returning 1
)
