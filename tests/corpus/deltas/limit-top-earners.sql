"Δ employees" as (
  select id, "name", salary, __w
  from "window of employees"
  where (select go from gate)
),
"Δ project" as (
  select id as id_2, name as name_2, salary as salary_2, __w
  from "Δ employees"
),
"Δ partitions" as (
  select
  from "Δ project"
  limit 1
),
fresh as materialized (
  select * from (
    select id, "name", salary
    from (
      select *
      from (
        select __item_1 as id, __item_2 as "name", __item_3 as salary
        from (
          select (id_2)::integer as __item_1, (name_2)::text as __item_2, (salary_2)::integer as __item_3
          from (
            select id_2, name_2, salary_2
            from (
              select *
              from (
                select id as id_2, name as name_2, salary as salary_2
                from (
                  select id, "name", salary
                  from public.employees
                ) p
              ) r
              where (select exists (select 1 from "Δ partitions"))
            ) w
            order by salary_2 desc nulls last, id_2
            fetch first (3) rows only
          ) p
        ) v
      ) n
    ) k
  ) as f(id, "name", salary)
),
changes as (
  select coalesce(t.id, f.id) as __key_1, t.id is not null as __existed, t.__at, f.id is not null as __alive, f.id as __new_1, f."name" as __new_2, f.salary as __new_3, t.id as __old_1, t."name" as __old_2, t.salary as __old_3, row(t.id, t."name", t.salary)::record *<> row(f.id, f."name", f.salary)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from public.limit_top_earners t
    where (select exists (select 1 from "Δ partitions"))
  ) t on t.id = f.id
  where (t.id is null or f.id is null or row(t.id, t."name", t.salary)::record *<> row(f.id, f."name", f.salary)::record)
),
"deleted from limit_top_earners" as (
  delete from public.limit_top_earners t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into limit_top_earners" as (
  insert into public.limit_top_earners as t (id, "name", salary)
  select __new_1, __new_2, __new_3
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in limit_top_earners" as (
  update public.limit_top_earners t
  set "name" = __new_2, salary = __new_3
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
)
