"Δ employees" as (
  select id, salary, __w
  from "window of employees"
  where (select go from gate)
),
"Δ project" as (
  select id as id_2, salary as salary_2, __w
  from "Δ employees"
),
"Δ partitions" as (
  select
  from "Δ project"
  limit 1
),
fresh as materialized (
  select * from (
    select id, salary
    from (
      select *
      from (
        select __item_1 as id, __item_2 as salary
        from (
          select (id_2)::integer as __item_1, (salary_2)::integer as __item_2
          from (
            select id_2, salary_2
            from (
              select *
              from (
                select id as id_2, salary as salary_2
                from (
                  select id, salary
                  from public.employees
                ) p
              ) r
              where (select exists (select 1 from "Δ partitions"))
            ) w
            order by salary_2 desc nulls last, id_2
            offset 2 rows
            fetch first (2) rows only
          ) p
        ) v
      ) n
    ) k
  ) as f(id, salary)
),
changes as (
  select coalesce(t.id, f.id) as __key_1, t.id is not null as __existed, t.__at, f.id is not null as __alive, f.id as __new_1, f.salary as __new_2, t.id as __old_1, t.salary as __old_2, row(t.id, t.salary)::record *<> row(f.id, f.salary)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from public.second_page t
    where (select exists (select 1 from "Δ partitions"))
  ) t on t.id = f.id
  where (t.id is null or f.id is null or row(t.id, t.salary)::record *<> row(f.id, f.salary)::record)
),
"deleted from second_page" as (
  delete from public.second_page t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into second_page" as (
  insert into public.second_page as t (id, salary)
  select __new_1, __new_2
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in second_page" as (
  update public.second_page t
  set salary = __new_2
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
)
