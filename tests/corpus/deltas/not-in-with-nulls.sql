"Δ customers" as (
  select id, region, __w
  from "window of customers"
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
  where (price > 20::numeric)
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, region, 1 as __w
    from (
      select id, region
      from public.customers
    ) l
    where exists (select 1 from "Δ filter" r where ((region = category) IS NOT FALSE))
    union all
    select id, region, -l.__w as __w
    from "Δ customers" l
    where exists (select 1 from "Δ filter" r where ((region = category) IS NOT FALSE))
  ) l
),
crossings as (
  select id, region, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l.region, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ filter" r on ((region = category) IS NOT FALSE)
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
          where (price > 20::numeric)
        ) r
        where ((region = category) IS NOT FALSE)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ anti join" as (
  select id, region, __w
  from "Δ customers" l
  where not exists (
    select 1
    from (
      select category, price
      from (
        select category, price
        from public.products
      ) f
      where (price > 20::numeric)
    ) r
    where ((region = category) IS NOT FALSE)
  )
  union all
  select id, region, case when __is then -__w else __w end as __w
  from crossings
),
"Δ output" as (
  select (id)::integer as id, (region)::text as region, __w
  from "Δ anti join"
),
"Δ net" as (
  select id, region, sum(__w) as __w
  from "Δ output"
  group by id, region
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, id as __key_1
  from "Δ net"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l.region as __old_2, a.id as __new_1, a.region as __new_2
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
"deleted from not_in_with_nulls" as (
  delete from public.not_in_with_nulls t
  using changes c
  where t.id = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to not_in_with_nulls" as (
  insert into public.not_in_with_nulls as t (id, region)
  select __new_1, __new_2
  from changes
  where __alive
  on conflict (id) do update set region = excluded.region
  returning 1
)
