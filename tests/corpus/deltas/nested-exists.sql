"Δ p" as (
  select id, "name", __w
  from "window of products"
  where (select go from gate)
),
"Δ l" as (
  select order_id, product_id, __w
  from "window of order_lines"
  where (select go from gate)
),
"Δ o" as (
  select id as id_2, customer_id, __w
  from "window of orders"
  where (select go from gate)
),
"Δ e" as (
  select id as id_3, salary, __w
  from "window of employees"
  where (select go from gate)
),
"Δ filter" as (
  select id_3, salary, __w
  from "Δ e"
  where (salary IS NOT NULL)
),
touched as (
  select *, row_number() over () as __i
  from (
    select id_2, customer_id, 1 as __w
    from (
      select id as id_2, customer_id
      from public.orders
    ) l
    where exists (select 1 from "Δ filter" r where (id_3 = customer_id))
    union all
    select id_2, customer_id, -l.__w as __w
    from "Δ o" l
    where exists (select 1 from "Δ filter" r where (id_3 = customer_id))
  ) l
),
crossings as (
  select id_2, customer_id, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id_2, l.customer_id, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ filter" r on (id_3 = customer_id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select id_3, salary
          from (
            select id as id_3, salary
            from public.employees
          ) f
          where (salary IS NOT NULL)
        ) r
        where (id_3 = customer_id)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ anti join" as (
  select id_2, customer_id, __w
  from "Δ o" l
  where not exists (
    select 1
    from (
      select id_3, salary
      from (
        select id as id_3, salary
        from public.employees
      ) f
      where (salary IS NOT NULL)
    ) r
    where (id_3 = customer_id)
  )
  union all
  select id_2, customer_id, case when __is then -__w else __w end as __w
  from crossings
),
"Δ join" as (
  select order_id, product_id, id_2, customer_id, l.__w as __w
  from "Δ l" l
  join (
    select id_2, customer_id
    from (
      select id as id_2, customer_id
      from public.orders
    ) l
    where not exists (
      select 1
      from (
        select id_3, salary
        from (
          select id as id_3, salary
          from public.employees
        ) f
        where (salary IS NOT NULL)
      ) r
      where (id_3 = customer_id)
    )
  ) r on (id_2 = order_id)
  where (select exists (select 1 from "Δ l"))
  union all
  select order_id, product_id, id_2, customer_id, r.__w as __w
  from "Δ anti join" r
  join (
    select order_id, product_id
    from public.order_lines
  ) l on (id_2 = order_id)
  where (select exists (select 1 from "Δ anti join"))
  union all
  select order_id, product_id, id_2, customer_id, -(l.__w * r.__w) as __w
  from "Δ l" l
  join "Δ anti join" r on (id_2 = order_id)
  where (select exists (select 1 from "Δ l"))
    and (select exists (select 1 from "Δ anti join"))
),
"touched 2" as (
  select *, row_number() over () as __i
  from (
    select id, "name", 1 as __w
    from (
      select id, "name"
      from public.products
    ) l
    where exists (select 1 from "Δ join" r where (product_id = id))
    union all
    select id, "name", -l.__w as __w
    from "Δ p" l
    where exists (select 1 from "Δ join" r where (product_id = id))
  ) l
),
"crossings 2" as (
  select id, "name", __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l."name", l.__w, d.__m, n.__n
    from "touched 2" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 2" l
      join "Δ join" r on (product_id = id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select order_id, product_id, id_2, customer_id
          from (
            select order_id, product_id
            from public.order_lines
          ) l
          join (
            select id_2, customer_id
            from (
              select id as id_2, customer_id
              from public.orders
            ) l
            where not exists (
              select 1
              from (
                select id_3, salary
                from (
                  select id as id_3, salary
                  from public.employees
                ) f
                where (salary IS NOT NULL)
              ) r
              where (id_3 = customer_id)
            )
          ) r on (id_2 = order_id)
        ) r
        where (product_id = id)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ semi join" as (
  select id, "name", __w
  from "Δ p" l
  where exists (
    select 1
    from (
      select order_id, product_id, id_2, customer_id
      from (
        select order_id, product_id
        from public.order_lines
      ) l
      join (
        select id_2, customer_id
        from (
          select id as id_2, customer_id
          from public.orders
        ) l
        where not exists (
          select 1
          from (
            select id_3, salary
            from (
              select id as id_3, salary
              from public.employees
            ) f
            where (salary IS NOT NULL)
          ) r
          where (id_3 = customer_id)
        )
      ) r on (id_2 = order_id)
    ) r
    where (product_id = id)
  )
  union all
  select id, "name", case when __is then __w else -__w end as __w
  from "crossings 2"
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
"deleted from nested_exists" as (
  delete from public.nested_exists t
  using changes c
  where t.id = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to nested_exists" as (
  insert into public.nested_exists as t (id, "name")
  select __new_1, __new_2
  from changes
  where __alive
  on conflict (id) do update set "name" = excluded."name"
  returning 1
)
