"Δ o" as (
  select id as id_4, customer_id as customer_id_2, placed_on as placed_on_2, __w
  from "window of orders"
  where (select go from gate)
),
"Δ project" as (
  select customer_id_2 as key, id_4 as id_4, placed_on_2 as placed_on_2, __w
  from "Δ o"
),
"Δ project 2" as (
  select key as key_2, id_4 as id_5, placed_on_2 as sort1_2, id_4 as sort2_2, __w
  from "Δ project"
),
"Δ project 3" as (
  select key_2 as key_3, id_5 as id_5, sort1_2 as sort1_2, sort2_2 as sort2_2, __w
  from "Δ project 2"
),
"Δ groups" as (
  select key_3, sum(__w) as "__count(*)"
  from "Δ project 3"
  group by key_3
),
groups as (
  select d.key_3, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, null::integer[] as __slot_2, t.key_3 as __old_1, t.array_agg as __old_2, coalesce(true, false) as __again
  from (
    select *, substr(sha256(record_send(row(key_3::integer))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_942ffc1c3fac7660_1 t on t.__key = d.__key_1
),
"groups again" as (
  select key_3 as __wanted_1
  from groups
  where __again
),
"groups computed again" as (
  select *, substr(sha256(record_send(row(key_3::integer))), 1, 16) as __key_1
  from (
    select key_3, count(*) as __slot_1, array_agg(id_5 ORDER BY sort1_2 DESC, sort2_2) as __slot_2
    from (
      select r.*
      from "groups again" w
      join (
        select key_2 as key_3, id_5 as id_5, sort1_2 as sort1_2, sort2_2 as sort2_2
        from (
          select key as key_2, id_4 as id_5, placed_on_2 as sort1_2, id_4 as sort2_2
          from (
            select customer_id_2 as key, id_4 as id_4, placed_on_2 as placed_on_2
            from (
              select id as id_4, customer_id as customer_id_2, placed_on as placed_on_2
              from public.orders
            ) p
          ) p
        ) p
      ) r on r.key_3 = w.__wanted_1
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select key_2 as key_3, id_5 as id_5, sort1_2 as sort1_2, sort2_2 as sort2_2
        from (
          select key as key_2, id_4 as id_5, placed_on_2 as sort1_2, id_4 as sort2_2
          from (
            select customer_id_2 as key, id_4 as id_4, placed_on_2 as placed_on_2
            from (
              select id as id_4, customer_id as customer_id_2, placed_on as placed_on_2
              from public.orders
            ) p
          ) p
        ) p
      ) r on (r.key_3 = w.__wanted_1 or (r.key_3 is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again" w where w.__wanted_1 is null))
    ) g
    group by key_3
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __old_1, __old_2, (key_3)::integer as __new_1, (array_agg)::integer[] as __new_2
  from (
    select *, __slot_2 as array_agg
    from (
      select s.key_3, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__old_1, s.__old_2
      from groups s
      where not s.__again
      union all
      select s.key_3, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, s.__old_1, s.__old_2
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as key_3, __old_2 as array_agg, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as key_3, __new_2 as array_agg, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_942ffc1c3fac7660_1" as (
  delete from freshet_changes.stage_942ffc1c3fac7660_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_942ffc1c3fac7660_1" as (
  insert into freshet_changes.stage_942ffc1c3fac7660_1 as t (key_3, array_agg, __key, __n)
  select __new_1, __new_2, __key_1, __slot_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_942ffc1c3fac7660_1" as (
  update freshet_changes.stage_942ffc1c3fac7660_1 t
  set key_3 = __new_1, array_agg = __new_2, __n = __slot_1
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ o 2" as (
  select id as id_7, customer_id as customer_id_4, status as status_6, __w
  from "window of orders"
  where (select go from gate)
),
"Δ project 4" as (
  select customer_id_4 as key_4, id_7 as id_7, status_6 as status_6, __w
  from "Δ o 2"
),
"Δ project 5" as (
  select key_4 as key_5, status_6 as status_7, id_7 as sort1_5, __w
  from "Δ project 4"
),
"Δ partitions" as (
  select key_5 as __wanted_1
  from "Δ project 5"
  group by key_5
),
fresh as materialized (
  select * from (
    select key_5, status_7, sort1_5, __part
    from (
      select *
      from (
        select __item_1 as key_5, __item_2 as status_7, __item_3 as sort1_5, __part
        from (
          select (key_5)::integer as __item_1, (status_7)::text as __item_2, (sort1_5)::integer as __item_3, substr(sha256(record_send(row(key_5::integer))), 1, 16) as __part
          from (
            select key_5, status_7, sort1_5
            from (
              select *, row_number() over (partition by key_5 order by sort1_5) as __row
              from (
                select r.*
                from "Δ partitions" w
                join (
                  select key_4 as key_5, status_6 as status_7, id_7 as sort1_5
                  from (
                    select customer_id_4 as key_4, id_7 as id_7, status_6 as status_6
                    from (
                      select id as id_7, customer_id as customer_id_4, status as status_6
                      from public.orders
                    ) p
                  ) p
                ) r on r.key_5 = w.__wanted_1
                where (select exists (select 1 from "Δ partitions"))
                union all
                select r.*
                from "Δ partitions" w
                join (
                  select key_4 as key_5, status_6 as status_7, id_7 as sort1_5
                  from (
                    select customer_id_4 as key_4, id_7 as id_7, status_6 as status_6
                    from (
                      select id as id_7, customer_id as customer_id_4, status as status_6
                      from public.orders
                    ) p
                  ) p
                ) r on (r.key_5 = w.__wanted_1 or (r.key_5 is null and w.__wanted_1 is null))
                where (w.__wanted_1 is null)
                  and (select exists (select 1 from "Δ partitions" w where w.__wanted_1 is null))
              ) w
            ) c
            where coalesce(__row <= (2), true)
          ) p
        ) v
      ) n
    ) k
  ) as f(key_5, status_7, sort1_5, __part)
),
changes as (
  select coalesce(t.sort1_5, f.sort1_5) as __key_1, t.sort1_5 is not null as __existed, t.__at, f.sort1_5 is not null as __alive, f.key_5 as __new_1, f.status_7 as __new_2, f.sort1_5 as __new_3, f.__part as __new_4, t.key_5 as __old_1, t.status_7 as __old_2, t.sort1_5 as __old_3, row(t.key_5, t.status_7, t.sort1_5)::record *<> row(f.key_5, f.status_7, f.sort1_5)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from freshet_changes.stage_942ffc1c3fac7660_2 t
    join (
      select substr(sha256(record_send(row(key_5::integer))), 1, 16) as __part
      from (
        select __wanted_1 as key_5
        from "Δ partitions"
      ) k
    ) p using (__part)
  ) t on t.sort1_5 = f.sort1_5
  where (t.sort1_5 is null or f.sort1_5 is null or row(t.key_5, t.status_7, t.sort1_5, t.__part)::record *<> row(f.key_5, f.status_7, f.sort1_5, f.__part)::record)
),
"Δ stage 2" as (
  select __old_1 as key_5, __old_2 as status_7, __old_3 as sort1_5, -1 as __w
  from changes
  where __existed
    and (not __existed or not (__alive) or __differs)
  union all
  select __new_1 as key_5, __new_2 as status_7, __new_3 as sort1_5, 1 as __w
  from changes
  where __alive
    and (not __existed or not (__alive) or __differs)
),
"deleted from stage_942ffc1c3fac7660_2" as (
  delete from freshet_changes.stage_942ffc1c3fac7660_2 t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into stage_942ffc1c3fac7660_2" as (
  insert into freshet_changes.stage_942ffc1c3fac7660_2 as t (key_5, status_7, sort1_5, __part)
  select __new_1, __new_2, __new_3, __new_4
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in stage_942ffc1c3fac7660_2" as (
  update freshet_changes.stage_942ffc1c3fac7660_2 t
  set key_5 = __new_1, status_7 = __new_2, __part = __new_4
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
),
"Δ project 6" as (
  select key_5 as key_6, status_7 as status_8, sort1_5 as sort1_6, __w
  from "Δ stage 2"
),
"Δ project 7" as (
  select key_6 as key_7, status_8 as status_8, sort1_6 as sort1_6, __w
  from "Δ project 6"
),
"Δ groups 2" as (
  select key_7, sum(__w) as "__count(*)"
  from "Δ project 7"
  group by key_7
),
"groups 2" as (
  select d.key_7, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, null::text[] as __slot_2, t.key_7 as __old_1, t.array_agg_2 as __old_2, coalesce(true, false) as __again
  from (
    select *, substr(sha256(record_send(row(key_7::integer))), 1, 16) as __key_1
    from "Δ groups 2"
  ) d
  left join freshet_changes.stage_942ffc1c3fac7660_3 t on t.__key = d.__key_1
),
"groups again 2" as (
  select key_7 as __wanted_1
  from "groups 2"
  where __again
),
"groups computed again 2" as (
  select *, substr(sha256(record_send(row(key_7::integer))), 1, 16) as __key_1
  from (
    select key_7, count(*) as __slot_1, array_agg(status_8 ORDER BY sort1_6) as __slot_2
    from (
      select r.*
      from "groups again 2" w
      join (
        select key_6 as key_7, status_8 as status_8, sort1_6 as sort1_6
        from (
          select key_5 as key_6, status_7 as status_8, sort1_5 as sort1_6
          from (
            select t.key_5, t.status_7, t.sort1_5
            from freshet_changes.stage_942ffc1c3fac7660_2 t
            where (t.sort1_5) not in (select c.__key_1 from changes c)
          ) p
        ) p
      ) r on r.key_7 = w.__wanted_1
      where (select exists (select 1 from "groups again 2"))
      union all
      select r.*
      from "groups again 2" w
      join (
        select key_6 as key_7, status_8 as status_8, sort1_6 as sort1_6
        from (
          select key_5 as key_6, status_7 as status_8, sort1_5 as sort1_6
          from (
            select t.key_5, t.status_7, t.sort1_5
            from freshet_changes.stage_942ffc1c3fac7660_2 t
            where (t.sort1_5) not in (select c.__key_1 from changes c)
          ) p
        ) p
      ) r on (r.key_7 = w.__wanted_1 or (r.key_7 is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again 2" w where w.__wanted_1 is null))
      union all
      select r.*
      from "groups again 2" w
      join (
        select key_6 as key_7, status_8 as status_8, sort1_6 as sort1_6
        from (
          select key_5 as key_6, status_7 as status_8, sort1_5 as sort1_6
          from (
            select __new_1 as key_5, __new_2 as status_7, __new_3 as sort1_5
            from changes
            where __alive
          ) p
        ) p
      ) r on r.key_7 = w.__wanted_1
      where (select exists (select 1 from "groups again 2"))
      union all
      select r.*
      from "groups again 2" w
      join (
        select key_6 as key_7, status_8 as status_8, sort1_6 as sort1_6
        from (
          select key_5 as key_6, status_7 as status_8, sort1_5 as sort1_6
          from (
            select __new_1 as key_5, __new_2 as status_7, __new_3 as sort1_5
            from changes
            where __alive
          ) p
        ) p
      ) r on (r.key_7 = w.__wanted_1 or (r.key_7 is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again 2" w where w.__wanted_1 is null))
    ) g
    group by key_7
  ) k
),
"groups after 2" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __old_1, __old_2, (key_7)::integer as __new_1, (array_agg_2)::text[] as __new_2
  from (
    select *, __slot_2 as array_agg_2
    from (
      select s.key_7, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__old_1, s.__old_2
      from "groups 2" s
      where not s.__again
      union all
      select s.key_7, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, s.__old_1, s.__old_2
      from "groups 2" s
      left join "groups computed again 2" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage 3" as (
  select __old_1 as key_7, __old_2 as array_agg_2, -1 as __w
  from "groups after 2"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as key_7, __new_2 as array_agg_2, 1 as __w
  from "groups after 2"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_942ffc1c3fac7660_3" as (
  delete from freshet_changes.stage_942ffc1c3fac7660_3 t
  using "groups after 2" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_942ffc1c3fac7660_3" as (
  insert into freshet_changes.stage_942ffc1c3fac7660_3 as t (key_7, array_agg_2, __key, __n)
  select __new_1, __new_2, __key_1, __slot_1
  from "groups after 2"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_942ffc1c3fac7660_3" as (
  update freshet_changes.stage_942ffc1c3fac7660_3 t
  set key_7 = __new_1, array_agg_2 = __new_2, __n = __slot_1
  from "groups after 2" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ o 3" as (
  select id as id_9, customer_id as customer_id_6, __w
  from "window of orders"
  where (select go from gate)
),
"Δ l" as (
  select order_id as order_id_2, product_id as product_id_4, __w
  from "window of order_lines"
  where (select go from gate)
),
"Δ join" as (
  select id_9, customer_id_6, order_id_2, product_id_4, l.__w as __w
  from "Δ o 3" l
  join (
    select order_id as order_id_2, product_id as product_id_4
    from public.order_lines
  ) r on (order_id_2 = id_9)
  where (select exists (select 1 from "Δ o 3"))
  union all
  select id_9, customer_id_6, order_id_2, product_id_4, r.__w as __w
  from "Δ l" r
  join (
    select id as id_9, customer_id as customer_id_6
    from public.orders
  ) l on (order_id_2 = id_9)
  where (select exists (select 1 from "Δ l"))
  union all
  select id_9, customer_id_6, order_id_2, product_id_4, -(l.__w * r.__w) as __w
  from "Δ o 3" l
  join "Δ l" r on (order_id_2 = id_9)
  where (select exists (select 1 from "Δ o 3"))
    and (select exists (select 1 from "Δ l"))
),
"Δ project 8" as (
  select customer_id_6 as key_8, product_id_4 as product_id_4, __w
  from "Δ join"
),
"Δ project 9" as (
  select key_8 as key_9, product_id_4 as product_id_5, __w
  from "Δ project 8"
),
"Δ groups 3" as (
  select key_9, product_id_5, sum(__w) as "__count(*)"
  from "Δ project 9"
  group by key_9, product_id_5
),
"groups 3" as (
  select d.key_9, d.product_id_5, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, t.key_9 as __old_1, t.product_id_5 as __old_2
  from (
    select *, substr(sha256(record_send(row(key_9::integer, product_id_5::integer))), 1, 16) as __key_1
    from "Δ groups 3"
  ) d
  left join freshet_changes.stage_942ffc1c3fac7660_4 t on t.__key = d.__key_1
),
"groups after 3" as (
  select __key_1, __existed, __at, __slot_1, __old_1, __old_2, (key_9)::integer as __new_1, (product_id_5)::integer as __new_2
  from (
    select *
    from (
      select * from "groups 3"
    ) s
  ) v
),
"Δ stage 4" as (
  select __old_1 as key_9, __old_2 as product_id_5, -1 as __w
  from "groups after 3"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as key_9, __new_2 as product_id_5, 1 as __w
  from "groups after 3"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_942ffc1c3fac7660_4" as (
  delete from freshet_changes.stage_942ffc1c3fac7660_4 t
  using "groups after 3" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_942ffc1c3fac7660_4" as (
  insert into freshet_changes.stage_942ffc1c3fac7660_4 as t (key_9, product_id_5, __key, __n)
  select __new_1, __new_2, __key_1, __slot_1
  from "groups after 3"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_942ffc1c3fac7660_4" as (
  update freshet_changes.stage_942ffc1c3fac7660_4 t
  set key_9 = __new_1, product_id_5 = __new_2, __n = __slot_1
  from "groups after 3" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ project 10" as (
  select key_9 as key_10, product_id_5 as product_id_6, __w
  from "Δ stage 4"
),
"Δ project 11" as (
  select key_10 as key_11, product_id_6 as product_id_6, __w
  from "Δ project 10"
),
"Δ groups 4" as (
  select key_11, sum(__w) as "__count(*)"
  from "Δ project 11"
  group by key_11
),
"groups 4" as (
  select d.key_11, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, null::integer[] as __slot_2, t.key_11 as __old_1, t.array_agg_3 as __old_2, coalesce(true, false) as __again
  from (
    select *, substr(sha256(record_send(row(key_11::integer))), 1, 16) as __key_1
    from "Δ groups 4"
  ) d
  left join freshet_changes.stage_942ffc1c3fac7660_5 t on t.__key = d.__key_1
),
"groups again 3" as (
  select key_11 as __wanted_1
  from "groups 4"
  where __again
),
"groups computed again 3" as (
  select *, substr(sha256(record_send(row(key_11::integer))), 1, 16) as __key_1
  from (
    select key_11, count(*) as __slot_1, array_agg(product_id_6 ORDER BY product_id_6) as __slot_2
    from (
      select r.*
      from "groups again 3" w
      join (
        select key_10 as key_11, product_id_6 as product_id_6
        from (
          select key_9 as key_10, product_id_5 as product_id_6
          from (
            select t.key_9, t.product_id_5
            from freshet_changes.stage_942ffc1c3fac7660_4 t
            where (t.__key) not in (select c.__key_1 from "groups after 3" c)
          ) p
        ) p
      ) r on r.key_11 = w.__wanted_1
      where (select exists (select 1 from "groups again 3"))
      union all
      select r.*
      from "groups again 3" w
      join (
        select key_10 as key_11, product_id_6 as product_id_6
        from (
          select key_9 as key_10, product_id_5 as product_id_6
          from (
            select t.key_9, t.product_id_5
            from freshet_changes.stage_942ffc1c3fac7660_4 t
            where (t.__key) not in (select c.__key_1 from "groups after 3" c)
          ) p
        ) p
      ) r on (r.key_11 = w.__wanted_1 or (r.key_11 is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again 3" w where w.__wanted_1 is null))
      union all
      select r.*
      from "groups again 3" w
      join (
        select key_10 as key_11, product_id_6 as product_id_6
        from (
          select key_9 as key_10, product_id_5 as product_id_6
          from (
            select __new_1 as key_9, __new_2 as product_id_5
            from "groups after 3"
            where __slot_1 > 0
          ) p
        ) p
      ) r on r.key_11 = w.__wanted_1
      where (select exists (select 1 from "groups again 3"))
      union all
      select r.*
      from "groups again 3" w
      join (
        select key_10 as key_11, product_id_6 as product_id_6
        from (
          select key_9 as key_10, product_id_5 as product_id_6
          from (
            select __new_1 as key_9, __new_2 as product_id_5
            from "groups after 3"
            where __slot_1 > 0
          ) p
        ) p
      ) r on (r.key_11 = w.__wanted_1 or (r.key_11 is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again 3" w where w.__wanted_1 is null))
    ) g
    group by key_11
  ) k
),
"groups after 4" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __old_1, __old_2, (key_11)::integer as __new_1, (array_agg_3)::integer[] as __new_2
  from (
    select *, __slot_2 as array_agg_3
    from (
      select s.key_11, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__old_1, s.__old_2
      from "groups 4" s
      where not s.__again
      union all
      select s.key_11, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, s.__old_1, s.__old_2
      from "groups 4" s
      left join "groups computed again 3" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage 5" as (
  select __old_1 as key_11, __old_2 as array_agg_3, -1 as __w
  from "groups after 4"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as key_11, __new_2 as array_agg_3, 1 as __w
  from "groups after 4"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_942ffc1c3fac7660_5" as (
  delete from freshet_changes.stage_942ffc1c3fac7660_5 t
  using "groups after 4" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_942ffc1c3fac7660_5" as (
  insert into freshet_changes.stage_942ffc1c3fac7660_5 as t (key_11, array_agg_3, __key, __n)
  select __new_1, __new_2, __key_1, __slot_1
  from "groups after 4"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_942ffc1c3fac7660_5" as (
  update freshet_changes.stage_942ffc1c3fac7660_5 t
  set key_11 = __new_1, array_agg_3 = __new_2, __n = __slot_1
  from "groups after 4" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ c" as (
  select id, __w
  from "window of customers"
  where (select go from gate)
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, 1 as __w
    from (
      select id
      from public.customers
    ) l
    where exists (select 1 from "Δ stage" r where (key_3 = id))
    union all
    select id, -l.__w as __w
    from "Δ c" l
    where exists (select 1 from "Δ stage" r where (key_3 = id))
  ) l
),
crossings as (
  select id, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ stage" r on (key_3 = id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select t.key_3, t.array_agg
          from freshet_changes.stage_942ffc1c3fac7660_1 t
          where (t.__key) not in (select c.__key_1 from "groups after" c)
        ) r
        where (key_3 = id)
        union all
        select 1
        from (
          select __new_1 as key_3, __new_2 as array_agg
          from "groups after"
          where __slot_1 > 0
        ) r
        where (key_3 = id)
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
      select t.key_3, t.array_agg
      from freshet_changes.stage_942ffc1c3fac7660_1 t
      where (t.__key) not in (select c.__key_1 from "groups after" c)
    ) r
    where (key_3 = id)
  )
    and not exists (
    select 1
    from (
      select __new_1 as key_3, __new_2 as array_agg
      from "groups after"
      where __slot_1 > 0
    ) r
    where (key_3 = id)
  )
  union all
  select id, case when __is then -__w else __w end as __w
  from crossings
),
"Δ join 2" as (
  select id, key_3, array_agg, l.__w as __w
  from "Δ c" l
  join (
    select key_3, array_agg
    from freshet_changes.stage_942ffc1c3fac7660_1
  ) r on (key_3 = id)
  where (select exists (select 1 from "Δ c"))
  union all
  select id, key_3, array_agg, r.__w as __w
  from "Δ stage" r
  join (
    select id
    from public.customers
  ) l on (key_3 = id)
  where (select exists (select 1 from "Δ stage"))
  union all
  select id, key_3, array_agg, l.__w
  from "Δ without a match" l
  left join "Δ stage" r on false
),
"Δ project 12" as (
  select id as id, array_agg as "array", __w
  from "Δ join 2"
),
"touched 2" as (
  select *, row_number() over () as __i
  from (
    select id, "array", 1 as __w
    from (
      select id as id, array_agg as "array"
      from (
        select id, key_3, array_agg
        from (
          select id
          from public.customers
        ) l
        left join (
          select key_3, array_agg
          from (
            select t.key_3, t.array_agg, t.__key as __stored_1, true as __stored
            from freshet_changes.stage_942ffc1c3fac7660_1 t
            union all
            select __new_1 as key_3, __new_2 as array_agg, __key_1, false
            from "groups after"
            where __slot_1 > 0
          ) s
          where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
        ) r on (key_3 = id)
      ) p
    ) l
    where exists (select 1 from "Δ stage 3" r where (key_7 = id))
    union all
    select id, "array", -l.__w as __w
    from "Δ project 12" l
    where exists (select 1 from "Δ stage 3" r where (key_7 = id))
  ) l
),
"crossings 2" as (
  select id, "array", __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l."array", l.__w, d.__m, n.__n
    from "touched 2" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 2" l
      join "Δ stage 3" r on (key_7 = id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select t.key_7, t.array_agg_2
          from freshet_changes.stage_942ffc1c3fac7660_3 t
          where (t.__key) not in (select c.__key_1 from "groups after 2" c)
        ) r
        where (key_7 = id)
        union all
        select 1
        from (
          select __new_1 as key_7, __new_2 as array_agg_2
          from "groups after 2"
          where __slot_1 > 0
        ) r
        where (key_7 = id)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match 2" as (
  select id, "array", __w
  from "Δ project 12" l
  where not exists (
    select 1
    from (
      select t.key_7, t.array_agg_2
      from freshet_changes.stage_942ffc1c3fac7660_3 t
      where (t.__key) not in (select c.__key_1 from "groups after 2" c)
    ) r
    where (key_7 = id)
  )
    and not exists (
    select 1
    from (
      select __new_1 as key_7, __new_2 as array_agg_2
      from "groups after 2"
      where __slot_1 > 0
    ) r
    where (key_7 = id)
  )
  union all
  select id, "array", case when __is then -__w else __w end as __w
  from "crossings 2"
),
"Δ join 3" as (
  select id, "array", key_7, array_agg_2, l.__w as __w
  from "Δ project 12" l
  join (
    select key_7, array_agg_2
    from freshet_changes.stage_942ffc1c3fac7660_3
  ) r on (key_7 = id)
  where (select exists (select 1 from "Δ project 12"))
  union all
  select id, "array", key_7, array_agg_2, r.__w as __w
  from "Δ stage 3" r
  join (
    select id as id, array_agg as "array"
    from (
      select id, key_3, array_agg
      from (
        select id
        from public.customers
      ) l
      left join (
        select key_3, array_agg
        from (
          select t.key_3, t.array_agg, t.__key as __stored_1, true as __stored
          from freshet_changes.stage_942ffc1c3fac7660_1 t
          union all
          select __new_1 as key_3, __new_2 as array_agg, __key_1, false
          from "groups after"
          where __slot_1 > 0
        ) s
        where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
      ) r on (key_3 = id)
    ) p
  ) l on (key_7 = id)
  where (select exists (select 1 from "Δ stage 3"))
  union all
  select id, "array", key_7, array_agg_2, l.__w
  from "Δ without a match 2" l
  left join "Δ stage 3" r on false
),
"Δ project 13" as (
  select id as id, "array" as "array", array_agg_2 as array_2, __w
  from "Δ join 3"
),
"touched 3" as (
  select *, row_number() over () as __i
  from (
    select id, "array", array_2, 1 as __w
    from (
      select id as id, "array" as "array", array_agg_2 as array_2
      from (
        select id, "array", key_7, array_agg_2
        from (
          select id as id, array_agg as "array"
          from (
            select id, key_3, array_agg
            from (
              select id
              from public.customers
            ) l
            left join (
              select key_3, array_agg
              from (
                select t.key_3, t.array_agg, t.__key as __stored_1, true as __stored
                from freshet_changes.stage_942ffc1c3fac7660_1 t
                union all
                select __new_1 as key_3, __new_2 as array_agg, __key_1, false
                from "groups after"
                where __slot_1 > 0
              ) s
              where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
            ) r on (key_3 = id)
          ) p
        ) l
        left join (
          select key_7, array_agg_2
          from (
            select t.key_7, t.array_agg_2, t.__key as __stored_1, true as __stored
            from freshet_changes.stage_942ffc1c3fac7660_3 t
            union all
            select __new_1 as key_7, __new_2 as array_agg_2, __key_1, false
            from "groups after 2"
            where __slot_1 > 0
          ) s
          where not (__stored and (__stored_1) in (select c.__key_1 from "groups after 2" c))
        ) r on (key_7 = id)
      ) p
    ) l
    where exists (select 1 from "Δ stage 5" r where (key_11 = id))
    union all
    select id, "array", array_2, -l.__w as __w
    from "Δ project 13" l
    where exists (select 1 from "Δ stage 5" r where (key_11 = id))
  ) l
),
"crossings 3" as (
  select id, "array", array_2, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l."array", l.array_2, l.__w, d.__m, n.__n
    from "touched 3" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 3" l
      join "Δ stage 5" r on (key_11 = id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select t.key_11, t.array_agg_3
          from freshet_changes.stage_942ffc1c3fac7660_5 t
          where (t.__key) not in (select c.__key_1 from "groups after 4" c)
        ) r
        where (key_11 = id)
        union all
        select 1
        from (
          select __new_1 as key_11, __new_2 as array_agg_3
          from "groups after 4"
          where __slot_1 > 0
        ) r
        where (key_11 = id)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match 3" as (
  select id, "array", array_2, __w
  from "Δ project 13" l
  where not exists (
    select 1
    from (
      select t.key_11, t.array_agg_3
      from freshet_changes.stage_942ffc1c3fac7660_5 t
      where (t.__key) not in (select c.__key_1 from "groups after 4" c)
    ) r
    where (key_11 = id)
  )
    and not exists (
    select 1
    from (
      select __new_1 as key_11, __new_2 as array_agg_3
      from "groups after 4"
      where __slot_1 > 0
    ) r
    where (key_11 = id)
  )
  union all
  select id, "array", array_2, case when __is then -__w else __w end as __w
  from "crossings 3"
),
"Δ join 4" as (
  select id, "array", array_2, key_11, array_agg_3, l.__w as __w
  from "Δ project 13" l
  join (
    select key_11, array_agg_3
    from freshet_changes.stage_942ffc1c3fac7660_5
  ) r on (key_11 = id)
  where (select exists (select 1 from "Δ project 13"))
  union all
  select id, "array", array_2, key_11, array_agg_3, r.__w as __w
  from "Δ stage 5" r
  join (
    select id as id, "array" as "array", array_agg_2 as array_2
    from (
      select id, "array", key_7, array_agg_2
      from (
        select id as id, array_agg as "array"
        from (
          select id, key_3, array_agg
          from (
            select id
            from public.customers
          ) l
          left join (
            select key_3, array_agg
            from (
              select t.key_3, t.array_agg, t.__key as __stored_1, true as __stored
              from freshet_changes.stage_942ffc1c3fac7660_1 t
              union all
              select __new_1 as key_3, __new_2 as array_agg, __key_1, false
              from "groups after"
              where __slot_1 > 0
            ) s
            where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
          ) r on (key_3 = id)
        ) p
      ) l
      left join (
        select key_7, array_agg_2
        from (
          select t.key_7, t.array_agg_2, t.__key as __stored_1, true as __stored
          from freshet_changes.stage_942ffc1c3fac7660_3 t
          union all
          select __new_1 as key_7, __new_2 as array_agg_2, __key_1, false
          from "groups after 2"
          where __slot_1 > 0
        ) s
        where not (__stored and (__stored_1) in (select c.__key_1 from "groups after 2" c))
      ) r on (key_7 = id)
    ) p
  ) l on (key_11 = id)
  where (select exists (select 1 from "Δ stage 5"))
  union all
  select id, "array", array_2, key_11, array_agg_3, l.__w
  from "Δ without a match 3" l
  left join "Δ stage 5" r on false
),
"Δ project 14" as (
  select id as id, "array" as "array", array_2 as array_2, array_agg_3 as array_3, __w
  from "Δ join 4"
),
"Δ output" as (
  select (id)::integer as id, ((COALESCE("array", '{}')))::integer[] as orders, ((COALESCE(array_2, '{}')))::text[] as first_statuses, ((COALESCE(array_3, '{}')))::integer[] as products, __w
  from "Δ project 14"
),
"Δ net" as (
  select id, orders, first_statuses, products, sum(__w) as __w
  from "Δ output"
  group by id, orders, first_statuses, products
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, id as __key_1
  from "Δ net"
),
"changes 2" as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l.orders as __old_2, l.first_statuses as __old_3, l.products as __old_4, a.id as __new_1, a.orders as __new_2, a.first_statuses as __new_3, a.products as __new_4
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
"deleted from array_of_subquery" as (
  delete from public.array_of_subquery t
  using "changes 2" c
  where t.id = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to array_of_subquery" as (
  insert into public.array_of_subquery as t (id, orders, first_statuses, products)
  select __new_1, __new_2, __new_3, __new_4
  from "changes 2"
  where __alive
  on conflict (id) do update set orders = excluded.orders, first_statuses = excluded.first_statuses, products = excluded.products
  returning 1
)
