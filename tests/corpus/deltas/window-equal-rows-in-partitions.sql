"Δ employees" as (
  select department, salary, __w
  from "window of employees"
  where (select go from gate)
),
"Δ project" as (
  select department as department, salary as salary, __w
  from "Δ employees"
),
"Δ partitions" as (
  select department as __wanted_1
  from "Δ project"
  group by department
),
fresh as materialized (
  select * from (
    select place, __row, row_number() over (partition by __row) as __ord, __part
    from (
      select *, substr(sha256(record_send(row(place::bigint, __part))), 1, 16) as __row
      from (
        select __item_1 as place, __part
        from (
          select (rank)::bigint as __item_1, substr(sha256(record_send(row(department::text))), 1, 16) as __part
          from (
            select department, salary, rank() OVER (PARTITION BY department ORDER BY salary) as rank
            from (
              select r.*
              from "Δ partitions" w
              join (
                select department as department, salary as salary
                from (
                  select department, salary
                  from public.employees
                ) p
              ) r on r.department = w.__wanted_1
              where (select exists (select 1 from "Δ partitions"))
              union all
              select r.*
              from "Δ partitions" w
              join (
                select department as department, salary as salary
                from (
                  select department, salary
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
  ) as f(place, __row, __ord, __part)
),
changes as (
  select coalesce(t.__row, f.__row) as __key_1, coalesce(t.__ord, f.__ord) as __key_2, t.__row is not null as __existed, t.__at, f.__row is not null as __alive, f.place as __new_1, f.__row as __new_2, f.__ord as __new_3, f.__part as __new_4, t.place as __old_1, row(t.place)::record *<> row(f.place)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from public.window_equal_rows_in_partitions t
    join (
      select substr(sha256(record_send(row(department::text))), 1, 16) as __part
      from (
        select __wanted_1 as department
        from "Δ partitions"
      ) k
    ) p using (__part)
  ) t on t.__row = f.__row and t.__ord = f.__ord
  where (t.__row is null or f.__row is null or row(t.place, t.__row, t.__ord, t.__part)::record *<> row(f.place, f.__row, f.__ord, f.__part)::record)
),
"deleted from window_equal_rows_in_partitions" as (
  delete from public.window_equal_rows_in_partitions t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into window_equal_rows_in_partitions" as (
  insert into public.window_equal_rows_in_partitions as t (place, __row, __ord, __part)
  select __new_1, __new_2, __new_3, __new_4
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in window_equal_rows_in_partitions" as (
  update public.window_equal_rows_in_partitions t
  set place = __new_1, __part = __new_4
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
)
