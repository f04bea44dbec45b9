"Δ employees" as (
  select "name", department, salary, __w
  from "window of employees"
  where (select go from gate)
),
"Δ project" as (
  select department as department, salary as salary, name as "name", __w
  from "Δ employees"
),
"Δ net" as (
  select department, salary, "name", sum(__w) as __w
  from "Δ project"
  group by department, salary, "name"
  having sum(__w) <> 0
),
"Δ groups" as (
  select department, sum(__w) as "__count(*)", min(salary) filter (where __w > 0) as "__arrived min(salary)", min(salary) filter (where __w < 0) as "__left min(salary)", max(salary) filter (where __w > 0) as "__arrived max(salary)", max(salary) filter (where __w < 0) as "__left max(salary)", max("name") filter (where __w > 0) as "__arrived max(""name"")", max("name") filter (where __w < 0) as "__left max(""name"")"
  from "Δ net"
  group by department
),
groups as (
  select d.department, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, least(t."least", d."__arrived min(salary)") as __slot_2, greatest(t.most, d."__arrived max(salary)") as __slot_3, greatest(t.last_name, d."__arrived max(""name"")") as __slot_4, coalesce((d."__left min(salary)" <= least(t."least", d."__arrived min(salary)") and coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint > 0) or (d."__left max(salary)" >= greatest(t.most, d."__arrived max(salary)") and coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint > 0) or (d."__left max(""name"")" >= greatest(t.last_name, d."__arrived max(""name"")") and coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint > 0), false) as __again
  from (
    select *, substr(sha256(record_send(row(department::text))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join public.aggregate_extremes t on t.__key = d.__key_1
),
"groups again" as (
  select department as __wanted_1
  from groups
  where __again
),
"groups computed again" as (
  select *, substr(sha256(record_send(row(department::text))), 1, 16) as __key_1
  from (
    select department, count(*) as __slot_1, min(salary) as __slot_2, max(salary) as __slot_3, max(name) as __slot_4
    from (
      select r.*
      from "groups again" w
      join (
        select department as department, salary as salary, name as "name"
        from (
          select "name", department, salary
          from public.employees
        ) p
      ) r on r.department = w.__wanted_1
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select department as department, salary as salary, name as "name"
        from (
          select "name", department, salary
          from public.employees
        ) p
      ) r on (r.department = w.__wanted_1 or (r.department is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again" w where w.__wanted_1 is null))
    ) g
    group by department
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, __slot_4, (department)::text as __new_1, (min)::integer as __new_2, (max)::integer as __new_3, (max_2)::text as __new_4
  from (
    select *, __slot_2 as min, __slot_3 as max, __slot_4 as max_2
    from (
      select s.department, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__slot_3, s.__slot_4
      from groups s
      where not s.__again
      union all
      select s.department, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, a.__slot_3, a.__slot_4
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"deleted from aggregate_extremes" as (
  delete from public.aggregate_extremes t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into aggregate_extremes" as (
  insert into public.aggregate_extremes as t (department, "least", most, last_name, __key, __n)
  select __new_1, __new_2, __new_3, __new_4, __key_1, __slot_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in aggregate_extremes" as (
  update public.aggregate_extremes t
  set department = __new_1, "least" = __new_2, most = __new_3, last_name = __new_4, __n = __slot_1
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
)
