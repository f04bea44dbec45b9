"Δ employees" as (
  select id, "name", salary, __w
  from "window of employees"
  where (select go from gate)
),
"Δ products" as (
  select category, price, __w
  from "window of products"
  where (select go from gate)
),
"Δ filter" as (
  select category, price, __w
  from "Δ products"
  where (category = 'home'::text)
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, "name", salary, 1 as __w
    from (
      select id, "name", salary
      from public.employees
    ) l
    where exists (select 1 from "Δ filter" r where ((salary::numeric > price) IS NOT TRUE))
    union all
    select id, "name", salary, -l.__w as __w
    from "Δ employees" l
    where exists (select 1 from "Δ filter" r where ((salary::numeric > price) IS NOT TRUE))
  ) l
),
crossings as (
  select id, "name", salary, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l."name", l.salary, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ filter" r on ((salary::numeric > price) IS NOT TRUE)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select category, price
          from (
            select category, price
            from public.products
          ) f
          where (category = 'home'::text)
        ) r
        where ((salary::numeric > price) IS NOT TRUE)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ anti join" as (
  select id, "name", salary, __w
  from "Δ employees" l
  where not exists (
    select 1
    from (
      select category, price
      from (
        select category, price
        from public.products
      ) f
      where (category = 'home'::text)
    ) r
    where ((salary::numeric > price) IS NOT TRUE)
  )
  union all
  select id, "name", salary, case when __is then -__w else __w end as __w
  from crossings
),
"Δ output" as (
  select (id)::integer as id, (name)::text as "name", __w
  from "Δ anti join"
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
"deleted from above_all" as (
  delete from public.above_all t
  using changes c
  where t.id = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to above_all" as (
  insert into public.above_all as t (id, "name")
  select __new_1, __new_2
  from changes
  where __alive
  on conflict (id) do update set "name" = excluded."name"
  returning 1
)
