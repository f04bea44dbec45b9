__under as not materialized (
  select t.boss as boss, t.id_2 as id_2
  from freshet_changes.stage_256241da3e828956_1 t
),
"Δ employees" as (
  select id, __w
  from "window of employees"
  where (select go from gate)
),
"Δ project" as (
  select id as boss, id as id_2, __w
  from "Δ employees"
),
"Δ e_1" as (
  select id as id_4, boss_id as boss_id_2, __w
  from "window of employees"
  where (select go from gate)
),
"Δ join" as (
  select boss_2, id_3, id_4, boss_id_2, r.__w as __w
  from "Δ e_1" r
  join (
    select boss as boss_2, id_2 as id_3
    from __under
  ) l on (boss_id_2 = id_3)
  where (select go from gate)
),
"Δ project 2" as (
  select boss_2 as boss, id_4 as id_2, __w
  from "Δ join"
),
"Δ seeds" as (
  select boss, id_2, __w
  from "Δ project"
  union all
  select boss, id_2, __w
  from "Δ project 2"
),
"Δ rounds" as materialized (
  with recursive __under (boss, id_2, __w) as (
    select boss, id_2, __w
    from "Δ seeds"
    union all
    select boss, id_2, __w
    from (
      select boss_2 as boss, id_4 as id_2, __w as __w
      from (
        select boss_2, id_3, id_4, boss_id_2, __w
        from (
          select boss as boss_2, id_2 as id_3, __w
          from __under
        ) l
        join (
          select id as id_4, boss_id as boss_id_2
          from public.employees
        ) r on (boss_id_2 = id_3)
      ) p
    ) s
  )
  select boss, id_2, __w
  from __under
  limit (select greatest(reltuples, 0)::bigint + 1000 from pg_catalog.pg_class where oid = 'freshet_changes.stage_256241da3e828956_1'::regclass) + 1
),
again as (
  select
  where (select count(*) from "Δ rounds") > (select greatest(reltuples, 0)::bigint + 1000 from pg_catalog.pg_class where oid = 'freshet_changes.stage_256241da3e828956_1'::regclass)
),
"Δ recursion" as (
  select (boss)::integer as boss, (id_2)::integer as id_2, __w
  from (
    select boss, id_2, __w
    from "Δ rounds"
  ) r
  where not (select exists (select 1 from again))
  union all
  select (boss)::integer as boss, (id_2)::integer as id_2, __w
  from (
    select *, 1 as __w
    from (
      with recursive __under (boss, id_2) as (
        select boss, id_2
        from (
          select id as boss, id as id_2
          from (
            select id
            from public.employees
          ) p
        ) b
        where num_nulls(boss, id_2) between (select 0) and (select 1664)
          and num_nonnulls(boss, id_2) between (select 0) and (select 1664)
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
  ) r
  where (select exists (select 1 from again))
    and num_nulls(boss, id_2) between (select 0) and (select 1664)
    and num_nonnulls(boss, id_2) between (select 0) and (select 1664)
  union all
  select boss, id_2, -1 as __w
  from freshet_changes.stage_256241da3e828956_1
  where (select exists (select 1 from again))
    and num_nulls(boss, id_2) between (select 0) and (select 1664)
    and num_nonnulls(boss, id_2) between (select 0) and (select 1664)
),
"Δ net" as (
  select (array_agg(boss))[1] as boss, (array_agg(id_2))[1] as id_2, __row, sum(__w) as __w
  from (
    select boss, id_2, substr(sha256(record_send(row(boss::integer, id_2::integer))), 1, 16) as __row, __w
    from "Δ recursion"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from freshet_changes.stage_256241da3e828956_1 t where t.__row = n.__row) as __have
  from "Δ net" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, boss as __value_1, id_2 as __value_2
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"Δ stage" as (
  select __value_1 as boss, __value_2 as id_2, -1 as __w
  from changes
  where __existed
    and true
  union all
  select __value_1 as boss, __value_2 as id_2, 1 as __w
  from changes
  where __alive
    and true
),
"deleted from stage_256241da3e828956_1" as (
  delete from freshet_changes.stage_256241da3e828956_1 t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to stage_256241da3e828956_1" as (
  insert into freshet_changes.stage_256241da3e828956_1 as t (boss, id_2, __row, __ord)
  select __value_1, __value_2, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set boss = excluded.boss, id_2 = excluded.id_2
  returning 1
),
"Δ project 3" as (
  select boss as boss_3, id_2 as id_5, __w
  from "Δ stage"
),
"Δ b" as (
  select id as id_6, "name" as name_3, __w
  from "window of employees"
  where (select go from gate)
),
"Δ join 2" as (
  select boss_3, id_5, id_6, name_3, l.__w as __w
  from "Δ project 3" l
  join (
    select id as id_6, "name" as name_3
    from public.employees
  ) r on (id_6 = boss_3)
  where (select exists (select 1 from "Δ project 3"))
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
"Δ join 3" as (
  select boss_3, id_5, id_6, name_3, id_7, salary_4, l.__w as __w
  from "Δ join 2" l
  join (
    select id as id_7, salary as salary_4
    from public.employees
  ) r on (id_7 = id_5)
  where (select exists (select 1 from "Δ join 2"))
  union all
  select boss_3, id_5, id_6, name_3, id_7, salary_4, r.__w as __w
  from "Δ e" r
  join (
    select boss_3, id_5, id_6, name_3
    from (
      select boss as boss_3, id_2 as id_5
      from (
        select t.boss, t.id_2
        from freshet_changes.stage_256241da3e828956_1 t
        where (t.__row, t.__ord) not in (select c.__key_1, c.__key_2 from changes c)
      ) p
    ) l
    join (
      select id as id_6, "name" as name_3
      from public.employees
    ) r on (id_6 = boss_3)
  ) l on (id_7 = id_5)
  where (select exists (select 1 from "Δ e"))
  union all
  select boss_3, id_5, id_6, name_3, id_7, salary_4, r.__w as __w
  from "Δ e" r
  join (
    select boss_3, id_5, id_6, name_3
    from (
      select boss as boss_3, id_2 as id_5
      from (
        select __value_1 as boss, __value_2 as id_2
        from changes
        where __alive
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
  from "Δ join 2" l
  join "Δ e" r on (id_7 = id_5)
  where (select exists (select 1 from "Δ join 2"))
    and (select exists (select 1 from "Δ e"))
),
"Δ project 4" as (
  select id_6 as id_6, name_3 as name_3, salary_4 as salary_4, __w
  from "Δ join 3"
),
"Δ groups" as (
  select id_6, name_3, sum(__w) as "__count(*)", sum(salary_4::bigint * __w) as "__sum salary_4", sum(__w) filter (where salary_4 is not null) as "__count filter (where sala h1bv6z"
  from "Δ project 4"
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
