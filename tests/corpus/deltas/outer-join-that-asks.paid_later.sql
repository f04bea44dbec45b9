"Δ c" as (
  select id, __w
  from "window of customers"
  where (select go from gate)
),
"Δ project" as (
  select id as id_4, __w
  from "Δ c"
),
"Δ o" as (
  select id as id_2, customer_id, placed_on, __w
  from "window of orders"
  where (select go from gate)
),
"Δ join" as (
  select id_4, id_2, customer_id, placed_on, l.__w as __w
  from "Δ project" l
  join (
    select id as id_2, customer_id, placed_on
    from public.orders
  ) r on (customer_id = id_4)
  where (select exists (select 1 from "Δ project"))
  union all
  select id_4, id_2, customer_id, placed_on, r.__w as __w
  from "Δ o" r
  join (
    select id as id_4
    from (
      select id
      from public.customers
    ) p
  ) l on (customer_id = id_4)
  where (select exists (select 1 from "Δ o"))
  union all
  select id_4, id_2, customer_id, placed_on, -(l.__w * r.__w) as __w
  from "Δ project" l
  join "Δ o" r on (customer_id = id_4)
  where (select exists (select 1 from "Δ project"))
    and (select exists (select 1 from "Δ o"))
),
"Δ p" as (
  select customer_id as customer_id_4, paid_on as paid_on_3, __w
  from "window of payments"
  where (select go from gate)
),
touched as (
  select *, row_number() over () as __i
  from (
    select id_4, id_2, customer_id, placed_on, 1 as __w
    from (
      select id_4, id_2, customer_id, placed_on
      from (
        select id as id_4
        from (
          select id
          from public.customers
        ) p
      ) l
      join (
        select id as id_2, customer_id, placed_on
        from public.orders
      ) r on (customer_id = id_4)
    ) l
    where exists (select 1 from "Δ p" r where (customer_id_4 = id_4))
      and exists (select 1 from "Δ p" r where (customer_id_4 = id_4)   and (paid_on_3 > placed_on))
    union all
    select id_4, id_2, customer_id, placed_on, -l.__w as __w
    from "Δ join" l
    where exists (select 1 from "Δ p" r where (customer_id_4 = id_4))
      and exists (select 1 from "Δ p" r where (customer_id_4 = id_4)   and (paid_on_3 > placed_on))
  ) l
),
crossings as (
  select id_4, id_2, customer_id, placed_on, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id_4, l.id_2, l.customer_id, l.placed_on, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ p" r on (customer_id_4 = id_4) and (paid_on_3 > placed_on)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select customer_id as customer_id_4, paid_on as paid_on_3
          from public.payments
        ) r
        where (customer_id_4 = id_4)
          and (paid_on_3 > placed_on)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ semi join" as (
  select id_4, id_2, customer_id, placed_on, __w
  from "Δ join" l
  where exists (
    select 1
    from (
      select customer_id as customer_id_4, paid_on as paid_on_3
      from public.payments
    ) r
    where (customer_id_4 = id_4)
      and (paid_on_3 > placed_on)
  )
  union all
  select id_4, id_2, customer_id, placed_on, case when __is then __w else -__w end as __w
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
    where exists (select 1 from "Δ semi join" r where (id = id_4))
    union all
    select id, -l.__w as __w
    from "Δ c" l
    where exists (select 1 from "Δ semi join" r where (id = id_4))
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
      join "Δ semi join" r on (id = id_4)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select id_4, id_2, customer_id, placed_on
          from (
            select id_4, id_2, customer_id, placed_on
            from (
              select id as id_4
              from (
                select id
                from public.customers
              ) p
            ) l
            join (
              select id as id_2, customer_id, placed_on
              from public.orders
            ) r on (customer_id = id_4)
          ) l
          where exists (
            select 1
            from (
              select customer_id as customer_id_4, paid_on as paid_on_3
              from public.payments
            ) r
            where (customer_id_4 = id_4)
              and (paid_on_3 > placed_on)
          )
        ) r
        where (id = id_4)
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
      select id_4, id_2, customer_id, placed_on
      from (
        select id_4, id_2, customer_id, placed_on
        from (
          select id as id_4
          from (
            select id
            from public.customers
          ) p
        ) l
        join (
          select id as id_2, customer_id, placed_on
          from public.orders
        ) r on (customer_id = id_4)
      ) l
      where exists (
        select 1
        from (
          select customer_id as customer_id_4, paid_on as paid_on_3
          from public.payments
        ) r
        where (customer_id_4 = id_4)
          and (paid_on_3 > placed_on)
      )
    ) r
    where (id = id_4)
  )
  union all
  select id, case when __is then -__w else __w end as __w
  from "crossings 2"
),
"Δ join 2" as (
  select id, id_4, id_2, customer_id, placed_on, l.__w as __w
  from "Δ c" l
  join (
    select id_4, id_2, customer_id, placed_on
    from (
      select id_4, id_2, customer_id, placed_on
      from (
        select id as id_4
        from (
          select id
          from public.customers
        ) p
      ) l
      join (
        select id as id_2, customer_id, placed_on
        from public.orders
      ) r on (customer_id = id_4)
    ) l
    where exists (
      select 1
      from (
        select customer_id as customer_id_4, paid_on as paid_on_3
        from public.payments
      ) r
      where (customer_id_4 = id_4)
        and (paid_on_3 > placed_on)
    )
  ) r on (id = id_4)
  where (select exists (select 1 from "Δ c"))
  union all
  select id, id_4, id_2, customer_id, placed_on, r.__w as __w
  from "Δ semi join" r
  join (
    select id
    from public.customers
  ) l on (id = id_4)
  where (select exists (select 1 from "Δ semi join"))
  union all
  select id, id_4, id_2, customer_id, placed_on, -(l.__w * r.__w) as __w
  from "Δ c" l
  join "Δ semi join" r on (id = id_4)
  where (select exists (select 1 from "Δ c"))
    and (select exists (select 1 from "Δ semi join"))
  union all
  select id, id_4, id_2, customer_id, placed_on, l.__w
  from "Δ without a match" l
  left join "Δ semi join" r on false
),
"Δ output" as (
  select (id)::integer as id, (id_2)::integer as order_id, __w
  from "Δ join 2"
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
"deleted from paid_later" as (
  delete from public.paid_later t
  using changes c
  where t.__key = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to paid_later" as (
  insert into public.paid_later as t (id, order_id, __key)
  select __new_1, __new_2, __key_1
  from changes
  where __alive
  on conflict (__key) do update set id = excluded.id, order_id = excluded.order_id
  returning 1
)
