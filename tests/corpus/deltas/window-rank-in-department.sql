"Δ employees" as (
  select id, "name", department, salary, __w
  from "window of employees"
  where (select go from gate)
),
"Δ project" as (
  select id as id, name as "name", department as department, salary as salary, __w
  from "Δ employees"
),
"Δ partitions" as (
  select department as __wanted_1
  from "Δ project"
  group by department
),
fresh as materialized (
  select * from (
    select id, department, salary, place, running, before, above_mean, __part
    from (
      select *
      from (
        select __item_1 as id, __item_2 as department, __item_3 as salary, __item_4 as place, __item_5 as running, __item_6 as before, __item_7 as above_mean, __part
        from (
          select (id)::integer as __item_1, (department)::text as __item_2, (salary)::integer as __item_3, (rank)::bigint as __item_4, (sum)::bigint as __item_5, (lag)::text as __item_6, ((salary::numeric - avg))::numeric as __item_7, substr(sha256(record_send(row(department::text))), 1, 16) as __part
          from (
            select id, "name", department, salary, rank() OVER (PARTITION BY department ORDER BY salary DESC NULLS LAST) as rank, sum(salary) OVER (PARTITION BY department ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) as sum, lag(name) OVER (PARTITION BY department ORDER BY id) as lag, avg(salary) OVER (PARTITION BY department) as avg
            from (
              select r.*
              from "Δ partitions" w
              join (
                select id as id, name as "name", department as department, salary as salary
                from (
                  select id, "name", department, salary
                  from public.employees
                ) p
              ) r on r.department = w.__wanted_1
              where (select exists (select 1 from "Δ partitions"))
              union all
              select r.*
              from "Δ partitions" w
              join (
                select id as id, name as "name", department as department, salary as salary
                from (
                  select id, "name", department, salary
                  from public.employees
                ) p
              ) r on (r.department = w.__wanted_1 or (r.department is null and w.__wanted_1 is null))
              where (w.__wanted_1 is null)
                and (select exists (select 1 from "Δ partitions" w where w.__wanted_1 is null))
            ) w
          ) p
        ) v
      ) n
    ) k
  ) as f(id, department, salary, place, running, before, above_mean, __part)
),
changes as (
  select coalesce(t.id, f.id) as __key_1, t.id is not null as __existed, t.__at, f.id is not null as __alive, f.id as __new_1, f.department as __new_2, f.salary as __new_3, f.place as __new_4, f.running as __new_5, f.before as __new_6, f.above_mean as __new_7, f.__part as __new_8, t.id as __old_1, t.department as __old_2, t.salary as __old_3, t.place as __old_4, t.running as __old_5, t.before as __old_6, t.above_mean as __old_7, row(t.id, t.department, t.salary, t.place, t.running, t.before, t.above_mean)::record *<> row(f.id, f.department, f.salary, f.place, f.running, f.before, f.above_mean)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from public.window_rank_in_department t
    join (
      select substr(sha256(record_send(row(department::text))), 1, 16) as __part
      from (
        select __wanted_1 as department
        from "Δ partitions"
      ) k
    ) p using (__part)
  ) t on t.id = f.id
  where (t.id is null or f.id is null or row(t.id, t.department, t.salary, t.place, t.running, t.before, t.above_mean, t.__part)::record *<> row(f.id, f.department, f.salary, f.place, f.running, f.before, f.above_mean, f.__part)::record)
),
"deleted from window_rank_in_department" as (
  delete from public.window_rank_in_department t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into window_rank_in_department" as (
  insert into public.window_rank_in_department as t (id, department, salary, place, running, before, above_mean, __part)
  select __new_1, __new_2, __new_3, __new_4, __new_5, __new_6, __new_7, __new_8
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in window_rank_in_department" as (
  update public.window_rank_in_department t
  set department = __new_2, salary = __new_3, place = __new_4, running = __new_5, before = __new_6, above_mean = __new_7, __part = __new_8
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
)
