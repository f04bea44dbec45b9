"Δ employees" as (
  select id, "name", boss_id, __w
  from "window of employees"
  where (select go from gate)
),
"Δ e" as (
  select id as id_3, "name" as name_3, boss_id as boss_id_2, __w
  from "window of employees"
  where (select go from gate)
),
"Δ below" as (
  select where exists (select 1 from "Δ employees") or exists (select 1 from "Δ e")
),
fresh as materialized (
  select * from (
    select id, depth, path, __row, row_number() over (partition by __row) as __ord
    from (
      select *, substr(sha256(record_send(row(id::integer, depth::integer, path::text))), 1, 16) as __row
      from (
        select __item_1 as id, __item_2 as depth, __item_3 as path
        from (
          select (id_2)::integer as __item_1, (depth)::integer as __item_2, (path)::text as __item_3
          from (
            select *
            from (
              with recursive __chain (id_2, name_2, depth, path) as (
                select id as id_2, name as name_2, 1 as depth, name as path
                from (
                  select id, "name", boss_id
                  from (
                    select id, "name", boss_id
                    from public.employees
                  ) f
                  where (boss_id IS NULL)
                ) p
                union all
                select id_3 as id_2, name_3 as name_2, (depth_2 + 1) as depth, (((path_2 || '/'::text)) || name_3) as path
                from (
                  select id_3, name_3, boss_id_2, id_4, name_4, depth_2, path_2
                  from (
                    select id as id_3, "name" as name_3, boss_id as boss_id_2
                    from public.employees
                  ) l
                  join (
                    select id_2 as id_4, name_2 as name_4, depth as depth_2, path as path_2
                    from __chain
                  ) r on (boss_id_2 = id_4)
                ) p
              )
              select id_2, name_2, depth, path
              from __chain
            ) r
            where (select exists (select 1 from "Δ below"))
          ) p
        ) v
      ) n
    ) k
  ) as f(id, depth, path, __row, __ord)
),
changes as (
  select coalesce(t.__row, f.__row) as __key_1, coalesce(t.__ord, f.__ord) as __key_2, t.__row is not null as __existed, t.__at, f.__row is not null as __alive, f.id as __new_1, f.depth as __new_2, f.path as __new_3, f.__row as __new_4, f.__ord as __new_5, t.id as __old_1, t.depth as __old_2, t.path as __old_3, row(t.id, t.depth, t.path)::record *<> row(f.id, f.depth, f.path)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from public.paths t
    where (select exists (select 1 from "Δ below"))
  ) t on t.__row = f.__row and t.__ord = f.__ord
  where (t.__row is null or f.__row is null or row(t.id, t.depth, t.path, t.__row, t.__ord)::record *<> row(f.id, f.depth, f.path, f.__row, f.__ord)::record)
),
"deleted from paths" as (
  delete from public.paths t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into paths" as (
  insert into public.paths as t (id, depth, path, __row, __ord)
  select __new_1, __new_2, __new_3, __new_4, __new_5
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in paths" as (
  update public.paths t
  set id = __new_1, depth = __new_2, path = __new_3
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
)
