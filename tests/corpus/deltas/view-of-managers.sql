"Δ employees" as (
  select id, "name", boss_id, department, __w
  from "window of employees"
  where (select go from gate)
),
"Δ filter" as (
  select id, "name", boss_id, department, __w
  from "Δ employees"
  where (department IS NOT NULL)
),
"Δ project" as (
  select boss_id as boss_id_3, __w
  from "Δ filter"
),
"Δ project 2" as (
  select id as id_4, name as name_4, __w
  from "Δ filter"
),
"Δ join" as (
  select boss_id_3, id_4, name_4, l.__w as __w
  from "Δ project" l
  join (
    select id as id_4, name as name_4
    from (
      select id, "name", boss_id, department
      from (
        select id, "name", boss_id, department
        from public.employees
      ) f
      where (department IS NOT NULL)
    ) p
  ) r on (id_4 = boss_id_3)
  where (select exists (select 1 from "Δ project"))
  union all
  select boss_id_3, id_4, name_4, r.__w as __w
  from "Δ project 2" r
  join (
    select boss_id as boss_id_3
    from (
      select id, "name", boss_id, department
      from (
        select id, "name", boss_id, department
        from public.employees
      ) f
      where (department IS NOT NULL)
    ) p
  ) l on (id_4 = boss_id_3)
  where (select exists (select 1 from "Δ project 2"))
  union all
  select boss_id_3, id_4, name_4, -(l.__w * r.__w) as __w
  from "Δ project" l
  join "Δ project 2" r on (id_4 = boss_id_3)
  where (select exists (select 1 from "Δ project"))
    and (select exists (select 1 from "Δ project 2"))
),
"Δ project 3" as (
  select id_4 as id_4, name_4 as name_4, __w
  from "Δ join"
),
"Δ groups" as (
  select id_4, name_4, sum(__w) as "__count(*)"
  from "Δ project 3"
  group by id_4, name_4
),
groups as (
  select d.id_4, d.name_4, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.count, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, t.id_4 as __old_1, t.name_4 as __old_2, t.count as __old_3
  from (
    select *, substr(sha256(record_send(row(id_4::integer, name_4::text))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_bf354ec1338c4e0a_1 t on t.__key = d.__key_1
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __old_1, __old_2, __old_3, (id_4)::integer as __new_1, (name_4)::text as __new_2, (count)::bigint as __new_3
  from (
    select *, __slot_1 as count
    from (
      select * from groups
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as id_4, __old_2 as name_4, __old_3 as count, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
  union all
  select __new_1 as id_4, __new_2 as name_4, __new_3 as count, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
),
"deleted from stage_bf354ec1338c4e0a_1" as (
  delete from freshet_changes.stage_bf354ec1338c4e0a_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_bf354ec1338c4e0a_1" as (
  insert into freshet_changes.stage_bf354ec1338c4e0a_1 as t (id_4, name_4, count, __key)
  select __new_1, __new_2, __new_3, __key_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_bf354ec1338c4e0a_1" as (
  update freshet_changes.stage_bf354ec1338c4e0a_1 t
  set id_4 = __new_1, name_4 = __new_2, count = __new_3
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ project 4" as (
  select id as id_2, name as name_2, boss_id as boss_id_2, __w
  from "Δ filter"
),
"Δ project 5" as (
  select id_4 as id_5, name_4 as name_5, count as reports, __w
  from "Δ stage"
),
touched as (
  select *, row_number() over () as __i
  from (
    select id_2, name_2, boss_id_2, 1 as __w
    from (
      select id as id_2, name as name_2, boss_id as boss_id_2
      from (
        select id, "name", boss_id, department
        from (
          select id, "name", boss_id, department
          from public.employees
        ) f
        where (department IS NOT NULL)
      ) p
    ) l
    where exists (select 1 from "Δ project 5" r where (id_5 = boss_id_2))
    union all
    select id_2, name_2, boss_id_2, -l.__w as __w
    from "Δ project 4" l
    where exists (select 1 from "Δ project 5" r where (id_5 = boss_id_2))
  ) l
),
crossings as (
  select id_2, name_2, boss_id_2, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id_2, l.name_2, l.boss_id_2, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ project 5" r on (id_5 = boss_id_2)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select id_4 as id_5, name_4 as name_5, count as reports
          from (
            select t.id_4, t.name_4, t.count
            from freshet_changes.stage_bf354ec1338c4e0a_1 t
            where (t.__key) not in (select c.__key_1 from "groups after" c)
          ) p
        ) r
        where (id_5 = boss_id_2)
        union all
        select 1
        from (
          select id_4 as id_5, name_4 as name_5, count as reports
          from (
            select __new_1 as id_4, __new_2 as name_4, __new_3 as count
            from "groups after"
            where __slot_1 > 0
          ) p
        ) r
        where (id_5 = boss_id_2)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match" as (
  select id_2, name_2, boss_id_2, __w
  from "Δ project 4" l
  where not exists (
    select 1
    from (
      select id_4 as id_5, name_4 as name_5, count as reports
      from (
        select t.id_4, t.name_4, t.count
        from freshet_changes.stage_bf354ec1338c4e0a_1 t
        where (t.__key) not in (select c.__key_1 from "groups after" c)
      ) p
    ) r
    where (id_5 = boss_id_2)
  )
    and not exists (
    select 1
    from (
      select id_4 as id_5, name_4 as name_5, count as reports
      from (
        select __new_1 as id_4, __new_2 as name_4, __new_3 as count
        from "groups after"
        where __slot_1 > 0
      ) p
    ) r
    where (id_5 = boss_id_2)
  )
  union all
  select id_2, name_2, boss_id_2, case when __is then -__w else __w end as __w
  from crossings
),
"Δ join 2" as (
  select id_2, name_2, boss_id_2, id_5, name_5, reports, l.__w as __w
  from "Δ project 4" l
  join (
    select id_4 as id_5, name_4 as name_5, count as reports
    from (
      select id_4, name_4, count
      from freshet_changes.stage_bf354ec1338c4e0a_1
    ) p
  ) r on (id_5 = boss_id_2)
  where (select exists (select 1 from "Δ project 4"))
  union all
  select id_2, name_2, boss_id_2, id_5, name_5, reports, r.__w as __w
  from "Δ project 5" r
  join (
    select id as id_2, name as name_2, boss_id as boss_id_2
    from (
      select id, "name", boss_id, department
      from (
        select id, "name", boss_id, department
        from public.employees
      ) f
      where (department IS NOT NULL)
    ) p
  ) l on (id_5 = boss_id_2)
  where (select exists (select 1 from "Δ project 5"))
  union all
  select id_2, name_2, boss_id_2, id_5, name_5, reports, l.__w
  from "Δ without a match" l
  left join "Δ project 5" r on false
),
"Δ output" as (
  select (id_2)::integer as id, (name_2)::text as "name", (name_5)::text as boss, (reports)::bigint as reports, __w
  from "Δ join 2"
),
"Δ net" as (
  select (array_agg(id))[1] as id, (array_agg("name"))[1] as "name", (array_agg(boss))[1] as boss, (array_agg(reports))[1] as reports, __row, sum(__w) as __w
  from (
    select id, "name", boss, reports, substr(sha256(record_send(row(id::integer, "name"::text, boss::text, reports::bigint))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.view_of_managers t where t.__row = n.__row) as __have
  from "Δ net" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, id as __value_1, "name" as __value_2, boss as __value_3, reports as __value_4
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from view_of_managers" as (
  delete from public.view_of_managers t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to view_of_managers" as (
  insert into public.view_of_managers as t (id, "name", boss, reports, __row, __ord)
  select __value_1, __value_2, __value_3, __value_4, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set id = excluded.id, "name" = excluded."name", boss = excluded.boss, reports = excluded.reports
  returning 1
)
