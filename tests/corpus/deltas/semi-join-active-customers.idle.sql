"Δ c" as (
  select id, "name", region, credit, __w
  from "window of customers"
  where (select go from gate)
),
"Δ o" as (
  select customer_id, status, __w
  from "window of orders"
  where (select go from gate)
),
"Δ filter" as (
  select customer_id, status, __w
  from "Δ o"
  where (status = 'paid'::text)
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, "name", region, credit, 1 as __w
    from (
      select id, "name", region, credit
      from public.customers
    ) l
    where exists (select 1 from "Δ filter" r where (customer_id = id))
    union all
    select id, "name", region, credit, -l.__w as __w
    from "Δ c" l
    where exists (select 1 from "Δ filter" r where (customer_id = id))
  ) l
),
crossings as (
  select id, "name", region, credit, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l."name", l.region, l.credit, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ filter" r on (customer_id = id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select customer_id, status
          from (
            select customer_id, status
            from public.orders
          ) f
          where (status = 'paid'::text)
        ) r
        where (customer_id = id)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ anti join" as (
  select id, "name", region, credit, __w
  from "Δ c" l
  where not exists (
    select 1
    from (
      select customer_id, status
      from (
        select customer_id, status
        from public.orders
      ) f
      where (status = 'paid'::text)
    ) r
    where (customer_id = id)
  )
  union all
  select id, "name", region, credit, case when __is then -__w else __w end as __w
  from crossings
),
"Δ output" as (
  select (id)::integer as id, (name)::text as "name", (region)::text as region, (credit)::numeric(12,2) as credit, __w
  from "Δ anti join"
),
"Δ net" as (
  select id, "name", region, (array_agg(credit))[1] as credit, sum(__w) as __w
  from "Δ output"
  group by id, "name", region, record_send(row(credit))
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, id as __key_1
  from "Δ net"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l."name" as __old_2, l.region as __old_3, l.credit as __old_4, a.id as __new_1, a."name" as __new_2, a.region as __new_3, a.credit as __new_4
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
"deleted from idle" as (
  delete from public.idle t
  using changes c
  where t.id = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to idle" as (
  insert into public.idle as t (id, "name", region, credit)
  select __new_1, __new_2, __new_3, __new_4
  from changes
  where __alive
  on conflict (id) do update set "name" = excluded."name", region = excluded.region, credit = excluded.credit
  returning 1
)
