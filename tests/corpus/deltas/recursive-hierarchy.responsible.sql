"Δ employees" as (
  select id, __w
  from "window of employees"
  where (select go from gate)
),
"Δ e_1" as (
  select id as id_4, boss_id as boss_id_2, __w
  from "window of employees"
  where (select go from gate)
),
"Δ below" as (
  select where exists (select 1 from "Δ employees") or exists (select 1 from "Δ e_1")
),
fresh as materialized (
  select * from (
    select boss, id_2, __row, row_number() over (partition by __row) as __ord
    from (
      select *, substr(sha256(record_send(row(boss::integer, id_2::integer))), 1, 16) as __row
      from (
        select __item_1 as boss, __item_2 as id_2
        from (
          select (boss)::integer as __item_1, (id_2)::integer as __item_2
          from (
            select *
            from (
              with recursive __under (boss, id_2) as (
                select id as boss, id as id_2
                from (
                  select id
                  from public.employees
                ) p
                union all
                select boss_2 as boss, id_4 as id_2
                from (
                  select boss_2, id_3, id_4, boss_id_2
                  from (
                    select boss as boss_2, id_2 as id_3
                    from __under
                  ) l
                  join (
                    select id as id_4, boss_id as boss_id_2
                    from public.employees
                  ) r on (boss_id_2 = id_3)
                ) p
              )
              select boss, id_2
              from __under
            ) r
            where (select exists (select 1 from "Δ below"))
          ) p
        ) v
      ) n
    ) k
  ) as f(boss, id_2, __row, __ord)
),
changes as (
  select coalesce(t.__row, f.__row) as __key_1, coalesce(t.__ord, f.__ord) as __key_2, t.__row is not null as __existed, t.__at, f.__row is not null as __alive, f.boss as __new_1, f.id_2 as __new_2, f.__row as __new_3, f.__ord as __new_4, t.boss as __old_1, t.id_2 as __old_2, row(t.boss, t.id_2)::record *<> row(f.boss, f.id_2)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from freshet_changes.stage_256241da3e828956_1 t
    where (select exists (select 1 from "Δ below"))
  ) t on t.__row = f.__row and t.__ord = f.__ord
  where (t.__row is null or f.__row is null or row(t.boss, t.id_2, t.__row, t.__ord)::record *<> row(f.boss, f.id_2, f.__row, f.__ord)::record)
),
"Δ stage" as (
  select __old_1 as boss, __old_2 as id_2, -1 as __w
  from changes
  where __existed
    and (not __existed or not (__alive) or __differs)
  union all
  select __new_1 as boss, __new_2 as id_2, 1 as __w
  from changes
  where __alive
    and (not __existed or not (__alive) or __differs)
),
"deleted from stage_256241da3e828956_1" as (
  delete from freshet_changes.stage_256241da3e828956_1 t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into stage_256241da3e828956_1" as (
  insert into freshet_changes.stage_256241da3e828956_1 as t (boss, id_2, __row, __ord)
  select __new_1, __new_2, __new_3, __new_4
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in stage_256241da3e828956_1" as (
  update freshet_changes.stage_256241da3e828956_1 t
  set boss = __new_1, id_2 = __new_2
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
),
"Δ project" as (
  select boss as boss_3, id_2 as id_5, __w
  from "Δ stage"
),
"Δ b" as (
  select id as id_6, "name" as name_3, __w
  from "window of employees"
  where (select go from gate)
),
"Δ join" as (
  select boss_3, id_5, id_6, name_3, l.__w as __w
  from "Δ project" l
  join (
    select id as id_6, "name" as name_3
    from public.employees
  ) r on (id_6 = boss_3)
  where (select exists (select 1 from "Δ project"))
  union all
  select boss_3, id_5, id_6, name_3, r.__w as __w
  from "Δ b" r
  join (
    select boss as boss_3, id_2 as id_5
    from (
      select boss, id_2
      from freshet_changes.stage_256241da3e828956_1
    ) p
  ) l on (id_6 = boss_3)
  where (select exists (select 1 from "Δ b"))
),
"Δ e" as (
  select id as id_7, salary as salary_4, __w
  from "window of employees"
  where (select go from gate)
),
"Δ join 2" as (
  select boss_3, id_5, id_6, name_3, id_7, salary_4, l.__w as __w
  from "Δ join" l
  join (
    select id as id_7, salary as salary_4
    from public.employees
  ) r on (id_7 = id_5)
  where (select exists (select 1 from "Δ join"))
  union all
  select boss_3, id_5, id_6, name_3, id_7, salary_4, r.__w as __w
  from "Δ e" r
  join (
    select boss_3, id_5, id_6, name_3
    from (
      select boss as boss_3, id_2 as id_5
      from (
        select boss, id_2
        from (
          select t.boss, t.id_2, t.__row as __stored_1, t.__ord as __stored_2, true as __stored
          from freshet_changes.stage_256241da3e828956_1 t
          union all
          select __new_1 as boss, __new_2 as id_2, __key_1, __key_2, false
          from changes
          where __alive
        ) s
        where not (__stored and (__stored_1, __stored_2) in (select c.__key_1, c.__key_2 from changes c))
      ) p
    ) l
    join (
      select id as id_6, "name" as name_3
      from public.employees
    ) r on (id_6 = boss_3)
  ) l on (id_7 = id_5)
  where (select exists (select 1 from "Δ e"))
  union all
  select boss_3, id_5, id_6, name_3, id_7, salary_4, -(l.__w * r.__w) as __w
  from "Δ join" l
  join "Δ e" r on (id_7 = id_5)
  where (select exists (select 1 from "Δ join"))
    and (select exists (select 1 from "Δ e"))
),
"Δ project 2" as (
  select id_6 as id_6, name_3 as name_3, salary_4 as salary_4, __w
  from "Δ join 2"
),
"Δ groups" as (
  select id_6, name_3, sum(__w) as "__count(*)", sum(salary_4::bigint * __w) as "__sum salary_4", sum(__w) filter (where salary_4 is not null) as "__count filter (where sala h1bv6z"
  from "Δ project 2"
  group by id_6, name_3
),
groups as (
  select d.id_6, d.name_3, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.people, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, case when coalesce(t.__s2, 0) + coalesce(d."__count filter (where sala h1bv6z", 0)::bigint = 0 then null else (coalesce(t.salaries, 0) + coalesce(d."__sum salary_4", 0))::bigint end as __slot_2, coalesce(t.__s2, 0) + coalesce(d."__count filter (where sala h1bv6z", 0)::bigint as __slot_3
  from (
    select *, substr(sha256(record_send(row(id_6::integer, name_3::text))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join public.responsible t on t.__key = d.__key_1
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, (name_3)::text as __new_1, (count)::bigint as __new_2, (sum)::bigint as __new_3
  from (
    select *, __slot_1 as count, __slot_2 as sum
    from (
      select * from groups
    ) s
  ) v
),
"deleted from responsible" as (
  delete from public.responsible t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into responsible" as (
  insert into public.responsible as t ("name", people, salaries, __key, __s2)
  select __new_1, __new_2, __new_3, __key_1, __slot_3
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in responsible" as (
  update public.responsible t
  set "name" = __new_1, people = __new_2, salaries = __new_3, __s2 = __slot_3
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
)
