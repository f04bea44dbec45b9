"Δ e" as (
  select id, "name", department, salary, __w
  from "window of employees"
  where (select go from gate)
),
"Δ i" as (
  select department as department_2, salary as salary_2, __w
  from "window of employees"
  where (select go from gate)
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, "name", department, salary, 1 as __w
    from (
      select id, "name", department, salary
      from public.employees
    ) l
    where exists (select 1 from "Δ i" r where (department_2 = department))
      and exists (select 1 from "Δ i" r where (department_2 = department)   and (salary < salary_2))
    union all
    select id, "name", department, salary, -l.__w as __w
    from "Δ e" l
    where exists (select 1 from "Δ i" r where (department_2 = department))
      and exists (select 1 from "Δ i" r where (department_2 = department)   and (salary < salary_2))
  ) l
),
crossings as (
  select id, "name", department, salary, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l."name", l.department, l.salary, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ i" r on (department_2 = department) and (salary < salary_2)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select department as department_2, salary as salary_2
          from public.employees
        ) r
        where (department_2 = department)
          and (salary < salary_2)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ semi join" as (
  select id, "name", department, salary, __w
  from "Δ e" l
  where exists (
    select 1
    from (
      select department as department_2, salary as salary_2
      from public.employees
    ) r
    where (department_2 = department)
      and (salary < salary_2)
  )
  union all
  select id, "name", department, salary, case when __is then __w else -__w end as __w
  from crossings
),
"Δ output" as (
  select (id)::integer as id, (name)::text as "name", __w
  from "Δ semi join"
),
"Δ net" as (
  select id, "name", sum(__w) as __w
  from "Δ output"
  group by id, "name"
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, id as __key_1
  from "Δ net"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l."name" as __old_2, a.id as __new_1, a."name" as __new_2
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
"deleted from below_any" as (
  delete from public.below_any t
  using changes c
  where t.id = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to below_any" as (
  insert into public.below_any as t (id, "name")
  select __new_1, __new_2
  from changes
  where __alive
  on conflict (id) do update set "name" = excluded."name"
  returning 1
)
