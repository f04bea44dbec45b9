"Δ o" as (
  select id, customer_id, status, __w
  from "window of orders"
  where (select go from gate)
),
"Δ customers" as (
  select id as id_2, region, __w
  from "window of customers"
  where (select go from gate)
),
"Δ filter" as (
  select id_2, region, __w
  from "Δ customers"
  where (region = 'north'::text)
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, customer_id, status, 1 as __w
    from (
      select id, customer_id, status
      from public.orders
    ) l
    where exists (select 1 from "Δ filter" r where ((customer_id = id_2) IS TRUE))
    union all
    select id, customer_id, status, -l.__w as __w
    from "Δ o" l
    where exists (select 1 from "Δ filter" r where ((customer_id = id_2) IS TRUE))
  ) l
),
crossings as (
  select id, customer_id, status, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l.customer_id, l.status, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ filter" r on ((customer_id = id_2) IS TRUE)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select id_2, region
          from (
            select id as id_2, region
            from public.customers
          ) f
          where (region = 'north'::text)
        ) r
        where ((customer_id = id_2) IS TRUE)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ mark join" as (
  select id, customer_id, status, exists (
    select 1
    from (
      select id_2, region
      from (
        select id as id_2, region
        from public.customers
      ) f
      where (region = 'north'::text)
    ) r
    where ((customer_id = id_2) IS TRUE)
  ) as mark, __w
  from "Δ o" l
  union all
  select id, customer_id, status, __is as mark, __w
  from crossings
  union all
  select id, customer_id, status, __was as mark, -__w as __w
  from crossings
),
"touched 2" as (
  select *, row_number() over () as __i
  from (
    select id, customer_id, status, mark, 1 as __w
    from (
      select id, customer_id, status, exists (
        select 1
        from (
          select id_2, region
          from (
            select id as id_2, region
            from public.customers
          ) f
          where (region = 'north'::text)
        ) r
        where ((customer_id = id_2) IS TRUE)
      ) as mark
      from (
        select id, customer_id, status
        from public.orders
      ) l
    ) l
    where exists (select 1 from "Δ filter" r where ((customer_id = id_2) IS UNKNOWN))
    union all
    select id, customer_id, status, mark, -l.__w as __w
    from "Δ mark join" l
    where exists (select 1 from "Δ filter" r where ((customer_id = id_2) IS UNKNOWN))
  ) l
),
"crossings 2" as (
  select id, customer_id, status, mark, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l.customer_id, l.status, l.mark, l.__w, d.__m, n.__n
    from "touched 2" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 2" l
      join "Δ filter" r on ((customer_id = id_2) IS UNKNOWN)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select id_2, region
          from (
            select id as id_2, region
            from public.customers
          ) f
          where (region = 'north'::text)
        ) r
        where ((customer_id = id_2) IS UNKNOWN)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ mark join 2" as (
  select id, customer_id, status, mark, exists (
    select 1
    from (
      select id_2, region
      from (
        select id as id_2, region
        from public.customers
      ) f
      where (region = 'north'::text)
    ) r
    where ((customer_id = id_2) IS UNKNOWN)
  ) as mark_2, __w
  from "Δ mark join" l
  union all
  select id, customer_id, status, mark, __is as mark_2, __w
  from "crossings 2"
  union all
  select id, customer_id, status, mark, __was as mark_2, -__w as __w
  from "crossings 2"
),
"Δ filter 2" as (
  select id, customer_id, status, mark, mark_2, __w
  from "Δ mark join 2"
  where ((status = 'paid'::text) OR (CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END))
),
"Δ payments" as (
  select customer_id as customer_id_2, __w
  from "window of payments"
  where (select go from gate)
),
"touched 3" as (
  select *, row_number() over () as __i
  from (
    select id, customer_id, status, mark, mark_2, 1 as __w
    from (
      select id, customer_id, status, mark, mark_2
      from (
        select id, customer_id, status, mark, exists (
          select 1
          from (
            select id_2, region
            from (
              select id as id_2, region
              from public.customers
            ) f
            where (region = 'north'::text)
          ) r
          where ((customer_id = id_2) IS UNKNOWN)
        ) as mark_2
        from (
          select id, customer_id, status, exists (
            select 1
            from (
              select id_2, region
              from (
                select id as id_2, region
                from public.customers
              ) f
              where (region = 'north'::text)
            ) r
            where ((customer_id = id_2) IS TRUE)
          ) as mark
          from (
            select id, customer_id, status
            from public.orders
          ) l
        ) l
      ) f
      where ((status = 'paid'::text) OR (CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END))
    ) l
    where exists (select 1 from "Δ payments" r where ((customer_id = customer_id_2) IS TRUE))
    union all
    select id, customer_id, status, mark, mark_2, -l.__w as __w
    from "Δ filter 2" l
    where exists (select 1 from "Δ payments" r where ((customer_id = customer_id_2) IS TRUE))
  ) l
),
"crossings 3" as (
  select id, customer_id, status, mark, mark_2, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l.customer_id, l.status, l.mark, l.mark_2, l.__w, d.__m, n.__n
    from "touched 3" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 3" l
      join "Δ payments" r on ((customer_id = customer_id_2) IS TRUE)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select customer_id as customer_id_2
          from public.payments
        ) r
        where ((customer_id = customer_id_2) IS TRUE)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ mark join 3" as (
  select id, customer_id, status, mark, mark_2, exists (
    select 1
    from (
      select customer_id as customer_id_2
      from public.payments
    ) r
    where ((customer_id = customer_id_2) IS TRUE)
  ) as mark_3, __w
  from "Δ filter 2" l
  union all
  select id, customer_id, status, mark, mark_2, __is as mark_3, __w
  from "crossings 3"
  union all
  select id, customer_id, status, mark, mark_2, __was as mark_3, -__w as __w
  from "crossings 3"
),
"touched 4" as (
  select *, row_number() over () as __i
  from (
    select id, customer_id, status, mark, mark_2, mark_3, 1 as __w
    from (
      select id, customer_id, status, mark, mark_2, exists (
        select 1
        from (
          select customer_id as customer_id_2
          from public.payments
        ) r
        where ((customer_id = customer_id_2) IS TRUE)
      ) as mark_3
      from (
        select id, customer_id, status, mark, mark_2
        from (
          select id, customer_id, status, mark, exists (
            select 1
            from (
              select id_2, region
              from (
                select id as id_2, region
                from public.customers
              ) f
              where (region = 'north'::text)
            ) r
            where ((customer_id = id_2) IS UNKNOWN)
          ) as mark_2
          from (
            select id, customer_id, status, exists (
              select 1
              from (
                select id_2, region
                from (
                  select id as id_2, region
                  from public.customers
                ) f
                where (region = 'north'::text)
              ) r
              where ((customer_id = id_2) IS TRUE)
            ) as mark
            from (
              select id, customer_id, status
              from public.orders
            ) l
          ) l
        ) f
        where ((status = 'paid'::text) OR (CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END))
      ) l
    ) l
    where exists (select 1 from "Δ payments" r where ((customer_id = customer_id_2) IS UNKNOWN))
    union all
    select id, customer_id, status, mark, mark_2, mark_3, -l.__w as __w
    from "Δ mark join 3" l
    where exists (select 1 from "Δ payments" r where ((customer_id = customer_id_2) IS UNKNOWN))
  ) l
),
"crossings 4" as (
  select id, customer_id, status, mark, mark_2, mark_3, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l.customer_id, l.status, l.mark, l.mark_2, l.mark_3, l.__w, d.__m, n.__n
    from "touched 4" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 4" l
      join "Δ payments" r on ((customer_id = customer_id_2) IS UNKNOWN)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select customer_id as customer_id_2
          from public.payments
        ) r
        where ((customer_id = customer_id_2) IS UNKNOWN)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ mark join 4" as (
  select id, customer_id, status, mark, mark_2, mark_3, exists (
    select 1
    from (
      select customer_id as customer_id_2
      from public.payments
    ) r
    where ((customer_id = customer_id_2) IS UNKNOWN)
  ) as mark_4, __w
  from "Δ mark join 3" l
  union all
  select id, customer_id, status, mark, mark_2, mark_3, __is as mark_4, __w
  from "crossings 4"
  union all
  select id, customer_id, status, mark, mark_2, mark_3, __was as mark_4, -__w as __w
  from "crossings 4"
),
"Δ l" as (
  select order_id, discount, __w
  from "window of order_lines"
  where (select go from gate)
),
"Δ filter 3" as (
  select order_id, discount, __w
  from "Δ l"
  where (discount > 0::numeric)
),
"touched 5" as (
  select *, row_number() over () as __i
  from (
    select id, customer_id, status, mark, mark_2, mark_3, mark_4, 1 as __w
    from (
      select id, customer_id, status, mark, mark_2, mark_3, exists (
        select 1
        from (
          select customer_id as customer_id_2
          from public.payments
        ) r
        where ((customer_id = customer_id_2) IS UNKNOWN)
      ) as mark_4
      from (
        select id, customer_id, status, mark, mark_2, exists (
          select 1
          from (
            select customer_id as customer_id_2
            from public.payments
          ) r
          where ((customer_id = customer_id_2) IS TRUE)
        ) as mark_3
        from (
          select id, customer_id, status, mark, mark_2
          from (
            select id, customer_id, status, mark, exists (
              select 1
              from (
                select id_2, region
                from (
                  select id as id_2, region
                  from public.customers
                ) f
                where (region = 'north'::text)
              ) r
              where ((customer_id = id_2) IS UNKNOWN)
            ) as mark_2
            from (
              select id, customer_id, status, exists (
                select 1
                from (
                  select id_2, region
                  from (
                    select id as id_2, region
                    from public.customers
                  ) f
                  where (region = 'north'::text)
                ) r
                where ((customer_id = id_2) IS TRUE)
              ) as mark
              from (
                select id, customer_id, status
                from public.orders
              ) l
            ) l
          ) f
          where ((status = 'paid'::text) OR (CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END))
        ) l
      ) l
    ) l
    where exists (select 1 from "Δ filter 3" r where (order_id = id))
    union all
    select id, customer_id, status, mark, mark_2, mark_3, mark_4, -l.__w as __w
    from "Δ mark join 4" l
    where exists (select 1 from "Δ filter 3" r where (order_id = id))
  ) l
),
"crossings 5" as (
  select id, customer_id, status, mark, mark_2, mark_3, mark_4, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l.customer_id, l.status, l.mark, l.mark_2, l.mark_3, l.mark_4, l.__w, d.__m, n.__n
    from "touched 5" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 5" l
      join "Δ filter 3" r on (order_id = id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select order_id, discount
          from (
            select order_id, discount
            from public.order_lines
          ) f
          where (discount > 0::numeric)
        ) r
        where (order_id = id)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ mark join 5" as (
  select id, customer_id, status, mark, mark_2, mark_3, mark_4, exists (
    select 1
    from (
      select order_id, discount
      from (
        select order_id, discount
        from public.order_lines
      ) f
      where (discount > 0::numeric)
    ) r
    where (order_id = id)
  ) as mark_5, __w
  from "Δ mark join 4" l
  union all
  select id, customer_id, status, mark, mark_2, mark_3, mark_4, __is as mark_5, __w
  from "crossings 5"
  union all
  select id, customer_id, status, mark, mark_2, mark_3, mark_4, __was as mark_5, -__w as __w
  from "crossings 5"
),
"Δ output" as (
  select (id)::integer as id, (status)::text as status, ((CASE WHEN mark_3 THEN true WHEN mark_4 THEN NULL ELSE false END))::boolean as has_paid, (mark_5)::boolean as discounted, __w
  from "Δ mark join 5"
),
"Δ net" as (
  select id, status, has_paid, discounted, sum(__w) as __w
  from "Δ output"
  group by id, status, has_paid, discounted
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, id as __key_1
  from "Δ net"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l.status as __old_2, l.has_paid as __old_3, l.discounted as __old_4, a.id as __new_1, a.status as __new_2, a.has_paid as __new_3, a.discounted as __new_4
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
"deleted from in_under_or" as (
  delete from public.in_under_or t
  using changes c
  where t.id = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to in_under_or" as (
  insert into public.in_under_or as t (id, status, has_paid, discounted)
  select __new_1, __new_2, __new_3, __new_4
  from changes
  where __alive
  on conflict (id) do update set status = excluded.status, has_paid = excluded.has_paid, discounted = excluded.discounted
  returning 1
)
