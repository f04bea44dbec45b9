"Δ p" as (
  select customer_id, paid_on, __w
  from "window of payments"
  where (select go from gate)
),
"Δ project" as (
  select customer_id as customer_id_3, paid_on as paid_on_2, record_send(ROW(customer_id::text, paid_on::text)) as image, __w
  from "Δ p"
),
"Δ groups" as (
  select customer_id_3, paid_on_2, image, sum(__w) as "__count(*)"
  from "Δ project"
  group by customer_id_3, paid_on_2, image
),
groups as (
  select d.customer_id_3, d.paid_on_2, d.image, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, t.customer_id_3 as __old_1, t.paid_on_2 as __old_2, t.image as __old_3
  from (
    select *, substr(sha256(record_send(row(customer_id_3::integer, paid_on_2::date, image::bytea))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_483ce3968a41cad7_1 t on t.__key = d.__key_1
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __old_1, __old_2, __old_3, (customer_id_3)::integer as __new_1, (paid_on_2)::date as __new_2, (image)::bytea as __new_3
  from (
    select *
    from (
      select * from groups
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as customer_id_3, __old_2 as paid_on_2, __old_3 as image, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
  union all
  select __new_1 as customer_id_3, __new_2 as paid_on_2, __new_3 as image, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
),
"deleted from stage_483ce3968a41cad7_1" as (
  delete from freshet_changes.stage_483ce3968a41cad7_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_483ce3968a41cad7_1" as (
  insert into freshet_changes.stage_483ce3968a41cad7_1 as t (customer_id_3, paid_on_2, image, __key, __n)
  select __new_1, __new_2, __new_3, __key_1, __slot_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_483ce3968a41cad7_1" as (
  update freshet_changes.stage_483ce3968a41cad7_1 t
  set customer_id_3 = __new_1, paid_on_2 = __new_2, image = __new_3, __n = __slot_1
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ orders" as (
  select id, customer_id as customer_id_2, placed_on, __w
  from "window of orders"
  where (select go from gate)
),
"Δ join" as (
  select customer_id_3, paid_on_2, image, id, customer_id_2, placed_on, l.__w as __w
  from "Δ stage" l
  join (
    select id, customer_id as customer_id_2, placed_on
    from public.orders
  ) r on (customer_id_2 = customer_id_3) and (placed_on <= paid_on_2)
  where (select exists (select 1 from "Δ stage"))
  union all
  select customer_id_3, paid_on_2, image, id, customer_id_2, placed_on, r.__w as __w
  from "Δ orders" r
  join (
    select customer_id_3, paid_on_2, image
    from freshet_changes.stage_483ce3968a41cad7_1
  ) l on (customer_id_2 = customer_id_3) and (placed_on <= paid_on_2)
  where (select exists (select 1 from "Δ orders"))
),
"Δ project 2" as (
  select image as image_2, id as id_2, placed_on as sort, __w
  from "Δ join"
),
"Δ partitions" as (
  select image_2 as __wanted_1
  from "Δ project 2"
  group by image_2
),
fresh as materialized (
  select * from (
    select image_2, id_2, sort, __key, __part
    from (
      select *, substr(sha256(record_send(row(image_2::bytea))), 1, 16) as __key
      from (
        select __item_1 as image_2, __item_2 as id_2, __item_3 as sort, __part
        from (
          select (image_2)::bytea as __item_1, (id_2)::integer as __item_2, (sort)::date as __item_3, substr(sha256(record_send(row(image_2::bytea))), 1, 16) as __part
          from (
            select image_2, id_2, sort
            from (
              select *, row_number() over (partition by image_2 order by sort desc, id_2) as __row
              from (
                select r.*
                from "Δ partitions" w
                join (
                  select image as image_2, id as id_2, placed_on as sort
                  from (
                    select customer_id_3, paid_on_2, image, id, customer_id_2, placed_on
                    from (
                      select t.customer_id_3, t.paid_on_2, t.image
                      from freshet_changes.stage_483ce3968a41cad7_1 t
                      where (t.__key) not in (select c.__key_1 from "groups after" c)
                    ) l
                    join (
                      select id, customer_id as customer_id_2, placed_on
                      from public.orders
                    ) r on (customer_id_2 = customer_id_3) and (placed_on <= paid_on_2)
                  ) p
                ) r on r.image_2 = w.__wanted_1
                where (select exists (select 1 from "Δ partitions"))
                union all
                select r.*
                from "Δ partitions" w
                join (
                  select image as image_2, id as id_2, placed_on as sort
                  from (
                    select customer_id_3, paid_on_2, image, id, customer_id_2, placed_on
                    from (
                      select __new_1 as customer_id_3, __new_2 as paid_on_2, __new_3 as image
                      from "groups after"
                      where __slot_1 > 0
                    ) l
                    join (
                      select id, customer_id as customer_id_2, placed_on
                      from public.orders
                    ) r on (customer_id_2 = customer_id_3) and (placed_on <= paid_on_2)
                  ) p
                ) r on r.image_2 = w.__wanted_1
                where (select exists (select 1 from "Δ partitions"))
              ) w
            ) c
            where coalesce(__row <= (1), true)
          ) p
        ) v
      ) n
    ) k
  ) as f(image_2, id_2, sort, __key, __part)
),
changes as (
  select coalesce(t.__key, f.__key) as __key_1, t.__key is not null as __existed, t.__at, f.__key is not null as __alive, f.image_2 as __new_1, f.id_2 as __new_2, f.sort as __new_3, f.__key as __new_4, f.__part as __new_5, t.image_2 as __old_1, t.id_2 as __old_2, t.sort as __old_3, row(t.image_2, t.id_2, t.sort)::record *<> row(f.image_2, f.id_2, f.sort)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from freshet_changes.stage_483ce3968a41cad7_2 t
    join (
      select substr(sha256(record_send(row(image_2::bytea))), 1, 16) as __part
      from (
        select __wanted_1 as image_2
        from "Δ partitions"
      ) k
    ) p using (__part)
  ) t on t.__key = f.__key
  where (t.__key is null or f.__key is null or row(t.image_2, t.id_2, t.sort, t.__key, t.__part)::record *<> row(f.image_2, f.id_2, f.sort, f.__key, f.__part)::record)
),
"Δ stage 2" as (
  select __old_1 as image_2, __old_2 as id_2, __old_3 as sort, -1 as __w
  from changes
  where __existed
    and (not __existed or not (__alive) or __differs)
  union all
  select __new_1 as image_2, __new_2 as id_2, __new_3 as sort, 1 as __w
  from changes
  where __alive
    and (not __existed or not (__alive) or __differs)
),
"deleted from stage_483ce3968a41cad7_2" as (
  delete from freshet_changes.stage_483ce3968a41cad7_2 t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into stage_483ce3968a41cad7_2" as (
  insert into freshet_changes.stage_483ce3968a41cad7_2 as t (image_2, id_2, sort, __key, __part)
  select __new_1, __new_2, __new_3, __new_4, __new_5
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in stage_483ce3968a41cad7_2" as (
  update freshet_changes.stage_483ce3968a41cad7_2 t
  set image_2 = __new_1, id_2 = __new_2, sort = __new_3, __part = __new_5
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
),
"Δ project 3" as (
  select image_2 as image_3, id_2 as id_3, __w
  from "Δ stage 2"
),
touched as (
  select *, row_number() over () as __i
  from (
    select customer_id, paid_on, 1 as __w
    from (
      select customer_id, paid_on
      from public.payments
    ) l
    where exists (select 1 from "Δ project 3" r where (record_send(ROW(customer_id::text, paid_on::text)) = image_3))
    union all
    select customer_id, paid_on, -l.__w as __w
    from "Δ p" l
    where exists (select 1 from "Δ project 3" r where (record_send(ROW(customer_id::text, paid_on::text)) = image_3))
  ) l
),
crossings as (
  select customer_id, paid_on, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.customer_id, l.paid_on, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ project 3" r on (record_send(ROW(customer_id::text, paid_on::text)) = image_3)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select image_2 as image_3, id_2 as id_3
          from (
            select t.image_2, t.id_2, t.sort
            from freshet_changes.stage_483ce3968a41cad7_2 t
            where (t.__key) not in (select c.__key_1 from changes c)
          ) p
        ) r
        where (record_send(ROW(customer_id::text, paid_on::text)) = image_3)
        union all
        select 1
        from (
          select image_2 as image_3, id_2 as id_3
          from (
            select __new_1 as image_2, __new_2 as id_2, __new_3 as sort
            from changes
            where __alive
          ) p
        ) r
        where (record_send(ROW(customer_id::text, paid_on::text)) = image_3)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match" as (
  select customer_id, paid_on, __w
  from "Δ p" l
  where not exists (
    select 1
    from (
      select image_2 as image_3, id_2 as id_3
      from (
        select t.image_2, t.id_2, t.sort
        from freshet_changes.stage_483ce3968a41cad7_2 t
        where (t.__key) not in (select c.__key_1 from changes c)
      ) p
    ) r
    where (record_send(ROW(customer_id::text, paid_on::text)) = image_3)
  )
    and not exists (
    select 1
    from (
      select image_2 as image_3, id_2 as id_3
      from (
        select __new_1 as image_2, __new_2 as id_2, __new_3 as sort
        from changes
        where __alive
      ) p
    ) r
    where (record_send(ROW(customer_id::text, paid_on::text)) = image_3)
  )
  union all
  select customer_id, paid_on, case when __is then -__w else __w end as __w
  from crossings
),
"Δ join 2" as (
  select customer_id, paid_on, image_3, id_3, l.__w as __w
  from "Δ p" l
  join (
    select image_2 as image_3, id_2 as id_3
    from (
      select image_2, id_2, sort
      from freshet_changes.stage_483ce3968a41cad7_2
    ) p
  ) r on (record_send(ROW(customer_id::text, paid_on::text)) = image_3)
  where (select exists (select 1 from "Δ p"))
  union all
  select customer_id, paid_on, image_3, id_3, r.__w as __w
  from "Δ project 3" r
  join (
    select customer_id, paid_on
    from public.payments
  ) l on (record_send(ROW(customer_id::text, paid_on::text)) = image_3)
  where (select exists (select 1 from "Δ project 3"))
  union all
  select customer_id, paid_on, image_3, id_3, l.__w
  from "Δ without a match" l
  left join "Δ project 3" r on false
),
"Δ output" as (
  select (customer_id)::integer as customer_id, (paid_on)::date as paid_on, (id_3)::integer as order_id, __w
  from "Δ join 2"
),
"Δ net" as (
  select (array_agg(customer_id))[1] as customer_id, (array_agg(paid_on))[1] as paid_on, (array_agg(order_id))[1] as order_id, __row, sum(__w) as __w
  from (
    select customer_id, paid_on, order_id, substr(sha256(record_send(row(customer_id::integer, paid_on::date, order_id::integer))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.asof t where t.__row = n.__row) as __have
  from "Δ net" n
),
"changes 2" as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, customer_id as __value_1, paid_on as __value_2, order_id as __value_3
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from asof" as (
  delete from public.asof t
  using "changes 2" c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to asof" as (
  insert into public.asof as t (customer_id, paid_on, order_id, __row, __ord)
  select __value_1, __value_2, __value_3, __key_1, __key_2
  from "changes 2"
  where __alive
  on conflict (__row, __ord) do update set customer_id = excluded.customer_id, paid_on = excluded.paid_on, order_id = excluded.order_id
  returning 1
)
