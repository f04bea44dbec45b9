"Δ orders" as (
  select id as id_2, customer_id, placed_on, __w
  from "window of orders"
  where (select go from gate)
),
"Δ project" as (
  select customer_id as key, id_2 as id_2, placed_on as placed_on, __w
  from "Δ orders"
),
"Δ project 2" as (
  select key as key_2, id_2 as id_3, placed_on as placed_on_2, __w
  from "Δ project"
),
"Δ partitions" as (
  select key_2 as __wanted_1
  from "Δ project 2"
  group by key_2
),
fresh as materialized (
  select * from (
    select key_2, id_3, placed_on_2, __part
    from (
      select *
      from (
        select __item_1 as key_2, __item_2 as id_3, __item_3 as placed_on_2, __part
        from (
          select (key_2)::integer as __item_1, (id_3)::integer as __item_2, (placed_on_2)::date as __item_3, substr(sha256(record_send(row(key_2::integer))), 1, 16) as __part
          from (
            select key_2, id_3, placed_on_2
            from (
              select *, row_number() over (partition by key_2 order by placed_on_2 desc, id_3) as __row
              from (
                select r.*
                from "Δ partitions" w
                join (
                  select key as key_2, id_2 as id_3, placed_on as placed_on_2
                  from (
                    select customer_id as key, id_2 as id_2, placed_on as placed_on
                    from (
                      select id as id_2, customer_id, placed_on
                      from public.orders
                    ) p
                  ) p
                ) r on r.key_2 = w.__wanted_1
                where (select exists (select 1 from "Δ partitions"))
                union all
                select r.*
                from "Δ partitions" w
                join (
                  select key as key_2, id_2 as id_3, placed_on as placed_on_2
                  from (
                    select customer_id as key, id_2 as id_2, placed_on as placed_on
                    from (
                      select id as id_2, customer_id, placed_on
                      from public.orders
                    ) p
                  ) p
                ) r on (r.key_2 = w.__wanted_1 or (r.key_2 is null and w.__wanted_1 is null))
                where (w.__wanted_1 is null)
                  and (select exists (select 1 from "Δ partitions" w where w.__wanted_1 is null))
              ) w
            ) c
            where coalesce(__row <= (2), true)
          ) p
        ) v
      ) n
    ) k
  ) as f(key_2, id_3, placed_on_2, __part)
),
changes as (
  select coalesce(t.id_3, f.id_3) as __key_1, t.id_3 is not null as __existed, t.__at, f.id_3 is not null as __alive, f.key_2 as __new_1, f.id_3 as __new_2, f.placed_on_2 as __new_3, f.__part as __new_4, t.key_2 as __old_1, t.id_3 as __old_2, t.placed_on_2 as __old_3, row(t.key_2, t.id_3, t.placed_on_2)::record *<> row(f.key_2, f.id_3, f.placed_on_2)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from freshet_changes.stage_f796e385a03aa341_1 t
    join (
      select substr(sha256(record_send(row(key_2::integer))), 1, 16) as __part
      from (
        select __wanted_1 as key_2
        from "Δ partitions"
      ) k
    ) p using (__part)
  ) t on t.id_3 = f.id_3
  where (t.id_3 is null or f.id_3 is null or row(t.key_2, t.id_3, t.placed_on_2, t.__part)::record *<> row(f.key_2, f.id_3, f.placed_on_2, f.__part)::record)
),
"Δ stage" as (
  select __old_1 as key_2, __old_2 as id_3, __old_3 as placed_on_2, -1 as __w
  from changes
  where __existed
    and (not __existed or not (__alive) or __differs)
  union all
  select __new_1 as key_2, __new_2 as id_3, __new_3 as placed_on_2, 1 as __w
  from changes
  where __alive
    and (not __existed or not (__alive) or __differs)
),
"deleted from stage_f796e385a03aa341_1" as (
  delete from freshet_changes.stage_f796e385a03aa341_1 t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into stage_f796e385a03aa341_1" as (
  insert into freshet_changes.stage_f796e385a03aa341_1 as t (key_2, id_3, placed_on_2, __part)
  select __new_1, __new_2, __new_3, __new_4
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in stage_f796e385a03aa341_1" as (
  update freshet_changes.stage_f796e385a03aa341_1 t
  set key_2 = __new_1, placed_on_2 = __new_3, __part = __new_4
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
),
"Δ c" as (
  select id, "name", __w
  from "window of customers"
  where (select go from gate)
),
"Δ project 3" as (
  select key_2 as key_3, id_3 as id_4, placed_on_2 as placed_on_3, __w
  from "Δ stage"
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, "name", 1 as __w
    from (
      select id, "name"
      from public.customers
    ) l
    where exists (select 1 from "Δ project 3" r where (key_3 = id))
    union all
    select id, "name", -l.__w as __w
    from "Δ c" l
    where exists (select 1 from "Δ project 3" r where (key_3 = id))
  ) l
),
crossings as (
  select id, "name", __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l."name", l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ project 3" r on (key_3 = id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select key_2 as key_3, id_3 as id_4, placed_on_2 as placed_on_3
          from (
            select t.key_2, t.id_3, t.placed_on_2
            from freshet_changes.stage_f796e385a03aa341_1 t
            where (t.id_3) not in (select c.__key_1 from changes c)
          ) p
        ) r
        where (key_3 = id)
        union all
        select 1
        from (
          select key_2 as key_3, id_3 as id_4, placed_on_2 as placed_on_3
          from (
            select __new_1 as key_2, __new_2 as id_3, __new_3 as placed_on_2
            from changes
            where __alive
          ) p
        ) r
        where (key_3 = id)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match" as (
  select id, "name", __w
  from "Δ c" l
  where not exists (
    select 1
    from (
      select key_2 as key_3, id_3 as id_4, placed_on_2 as placed_on_3
      from (
        select t.key_2, t.id_3, t.placed_on_2
        from freshet_changes.stage_f796e385a03aa341_1 t
        where (t.id_3) not in (select c.__key_1 from changes c)
      ) p
    ) r
    where (key_3 = id)
  )
    and not exists (
    select 1
    from (
      select key_2 as key_3, id_3 as id_4, placed_on_2 as placed_on_3
      from (
        select __new_1 as key_2, __new_2 as id_3, __new_3 as placed_on_2
        from changes
        where __alive
      ) p
    ) r
    where (key_3 = id)
  )
  union all
  select id, "name", case when __is then -__w else __w end as __w
  from crossings
),
"Δ join" as (
  select id, "name", key_3, id_4, placed_on_3, l.__w as __w
  from "Δ c" l
  join (
    select key_2 as key_3, id_3 as id_4, placed_on_2 as placed_on_3
    from (
      select key_2, id_3, placed_on_2
      from freshet_changes.stage_f796e385a03aa341_1
    ) p
  ) r on (key_3 = id)
  where (select exists (select 1 from "Δ c"))
  union all
  select id, "name", key_3, id_4, placed_on_3, r.__w as __w
  from "Δ project 3" r
  join (
    select id, "name"
    from public.customers
  ) l on (key_3 = id)
  where (select exists (select 1 from "Δ project 3"))
  union all
  select id, "name", key_3, id_4, placed_on_3, l.__w
  from "Δ without a match" l
  left join "Δ project 3" r on false
),
"Δ output" as (
  select (id)::integer as id, (name)::text as "name", (id_4)::integer as order_id, (placed_on_3)::date as placed_on, __w
  from "Δ join"
),
"Δ net" as (
  select id, "name", order_id, placed_on, sum(__w) as __w
  from "Δ output"
  group by id, "name", order_id, placed_on
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, substr(sha256(record_send(row(id::integer, order_id::integer))), 1, 16) as __key_1
  from "Δ net"
),
"changes 2" as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l."name" as __old_2, l.order_id as __old_3, l.placed_on as __old_4, a.id as __new_1, a."name" as __new_2, a.order_id as __new_3, a.placed_on as __new_4
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
"deleted from latest" as (
  delete from public.latest t
  using "changes 2" c
  where t.__key = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to latest" as (
  insert into public.latest as t (id, "name", order_id, placed_on, __key)
  select __new_1, __new_2, __new_3, __new_4, __key_1
  from "changes 2"
  where __alive
  on conflict (__key) do update set id = excluded.id, "name" = excluded."name", order_id = excluded.order_id, placed_on = excluded.placed_on
  returning 1
)
