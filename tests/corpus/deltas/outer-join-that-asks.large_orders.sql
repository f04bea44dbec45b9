"Δ c" as (
  select id, __w
  from "window of customers"
  where (select go from gate)
),
"Δ o" as (
  select id as id_2, customer_id, __w
  from "window of orders"
  where (select go from gate)
),
"Δ l" as (
  select order_id, quantity, __w
  from "window of order_lines"
  where (select go from gate)
),
"Δ filter" as (
  select order_id, quantity, __w
  from "Δ l"
  where (quantity > 2)
),
touched as (
  select *, row_number() over () as __i
  from (
    select id_2, customer_id, 1 as __w
    from (
      select id as id_2, customer_id
      from public.orders
    ) l
    where exists (select 1 from "Δ filter" r where (order_id = id_2))
    union all
    select id_2, customer_id, -l.__w as __w
    from "Δ o" l
    where exists (select 1 from "Δ filter" r where (order_id = id_2))
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
      join "Δ filter" r on (order_id = id_2)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select order_id, quantity
          from (
            select order_id, quantity
            from public.order_lines
          ) f
          where (quantity > 2)
        ) r
        where (order_id = id_2)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ mark join" as (
  select id_2, customer_id, exists (
    select 1
    from (
      select order_id, quantity
      from (
        select order_id, quantity
        from public.order_lines
      ) f
      where (quantity > 2)
    ) r
    where (order_id = id_2)
  ) as mark, __w
  from "Δ o" l
  union all
  select id_2, customer_id, __is as mark, __w
  from crossings
  union all
  select id_2, customer_id, __was as mark, -__w as __w
  from crossings
),
"touched 2" as (
  select *, row_number() over () as __i
  from (
    select id, 1 as __w
    from (
      select id
      from public.customers
    ) l
    where exists (select 1 from "Δ mark join" r where (customer_id = id))
      and exists (select 1 from "Δ mark join" r where (customer_id = id)   and mark)
    union all
    select id, -l.__w as __w
    from "Δ c" l
    where exists (select 1 from "Δ mark join" r where (customer_id = id))
      and exists (select 1 from "Δ mark join" r where (customer_id = id)   and mark)
  ) l
),
"crossings 2" as (
  select id, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l.__w, d.__m, n.__n
    from "touched 2" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 2" l
      join "Δ mark join" r on (customer_id = id) and mark
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select id_2, customer_id, exists (
            select 1
            from (
              select order_id, quantity
              from (
                select order_id, quantity
                from public.order_lines
              ) f
              where (quantity > 2)
            ) r
            where (order_id = id_2)
          ) as mark
          from (
            select id as id_2, customer_id
            from public.orders
          ) l
        ) r
        where (customer_id = id)
          and mark
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match" as (
  select id, __w
  from "Δ c" l
  where not exists (
    select 1
    from (
      select id_2, customer_id, exists (
        select 1
        from (
          select order_id, quantity
          from (
            select order_id, quantity
            from public.order_lines
          ) f
          where (quantity > 2)
        ) r
        where (order_id = id_2)
      ) as mark
      from (
        select id as id_2, customer_id
        from public.orders
      ) l
    ) r
    where (customer_id = id)
      and mark
  )
  union all
  select id, case when __is then -__w else __w end as __w
  from "crossings 2"
),
"Δ join" as (
  select id, id_2, customer_id, mark, l.__w as __w
  from "Δ c" l
  join (
    select id_2, customer_id, exists (
      select 1
      from (
        select order_id, quantity
        from (
          select order_id, quantity
          from public.order_lines
        ) f
        where (quantity > 2)
      ) r
      where (order_id = id_2)
    ) as mark
    from (
      select id as id_2, customer_id
      from public.orders
    ) l
  ) r on (customer_id = id) and mark
  where (select exists (select 1 from "Δ c"))
  union all
  select id, id_2, customer_id, mark, r.__w as __w
  from "Δ mark join" r
  join (
    select id
    from public.customers
  ) l on (customer_id = id) and mark
  where (select exists (select 1 from "Δ mark join"))
  union all
  select id, id_2, customer_id, mark, -(l.__w * r.__w) as __w
  from "Δ c" l
  join "Δ mark join" r on (customer_id = id) and mark
  where (select exists (select 1 from "Δ c"))
    and (select exists (select 1 from "Δ mark join"))
  union all
  select id, id_2, customer_id, mark, l.__w
  from "Δ without a match" l
  left join "Δ mark join" r on false
),
"Δ output" as (
  select (id)::integer as id, (id_2)::integer as order_id, __w
  from "Δ join"
),
"Δ net" as (
  select id, order_id, sum(__w) as __w
  from "Δ output"
  group by id, order_id
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, substr(sha256(record_send(row(id::integer, order_id::integer))), 1, 16) as __key_1
  from "Δ net"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l.order_id as __old_2, a.id as __new_1, a.order_id as __new_2
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
"deleted from large_orders" as (
  delete from public.large_orders t
  using changes c
  where t.__key = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to large_orders" as (
  insert into public.large_orders as t (id, order_id, __key)
  select __new_1, __new_2, __key_1
  from changes
  where __alive
  on conflict (__key) do update set id = excluded.id, order_id = excluded.order_id
  returning 1
)
