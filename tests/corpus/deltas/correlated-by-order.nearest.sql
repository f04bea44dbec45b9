"Δ p" as (
  select id, price, __w
  from "window of products"
  where (select go from gate)
),
"Δ project" as (
  select id as id_6, price as price_3, __w
  from "Δ p"
),
"Δ q" as (
  select id as id_2, price as price_2, __w
  from "window of products"
  where (select go from gate)
),
"Δ join" as (
  select id_6, price_3, id_2, price_2, l.__w as __w
  from "Δ project" l
  join (
    select id as id_2, price as price_2
    from public.products
  ) r on (id_2 <> id_6)
  where (select exists (select 1 from "Δ project"))
  union all
  select id_6, price_3, id_2, price_2, r.__w as __w
  from "Δ q" r
  join (
    select id as id_6, price as price_3
    from (
      select id, price
      from public.products
    ) p
  ) l on (id_2 <> id_6)
  where (select exists (select 1 from "Δ q"))
  union all
  select id_6, price_3, id_2, price_2, -(l.__w * r.__w) as __w
  from "Δ project" l
  join "Δ q" r on (id_2 <> id_6)
  where (select exists (select 1 from "Δ project"))
    and (select exists (select 1 from "Δ q"))
),
"Δ project 2" as (
  select id_6 as id_7, id_2 as id_3, abs((price_2 - price_3)) as sort, __w
  from "Δ join"
),
"Δ partitions" as (
  select id_7 as __wanted_1
  from "Δ project 2"
  group by id_7
),
fresh as materialized (
  select * from (
    select id_7, id_3, sort, __part
    from (
      select *
      from (
        select __item_1 as id_7, __item_2 as id_3, __item_3 as sort, __part
        from (
          select (id_7)::integer as __item_1, (id_3)::integer as __item_2, (sort)::numeric as __item_3, substr(sha256(record_send(row(id_7::integer))), 1, 16) as __part
          from (
            select id_7, id_3, sort
            from (
              select *, row_number() over (partition by id_7 order by sort, id_3) as __row
              from (
                select r.*
                from "Δ partitions" w
                join (
                  select id_6 as id_7, id_2 as id_3, abs((price_2 - price_3)) as sort
                  from (
                    select id_6, price_3, id_2, price_2
                    from (
                      select id as id_6, price as price_3
                      from (
                        select id, price
                        from public.products
                      ) p
                    ) l
                    join (
                      select id as id_2, price as price_2
                      from public.products
                    ) r on (id_2 <> id_6)
                  ) p
                ) r on r.id_7 = w.__wanted_1
                where (select exists (select 1 from "Δ partitions"))
              ) w
            ) c
            where coalesce(__row <= (1), true)
          ) p
        ) v
      ) n
    ) k
  ) as f(id_7, id_3, sort, __part)
),
changes as (
  select coalesce(t.id_7, f.id_7) as __key_1, t.id_7 is not null as __existed, t.__at, f.id_7 is not null as __alive, f.id_7 as __new_1, f.id_3 as __new_2, f.sort as __new_3, f.__part as __new_4, t.id_7 as __old_1, t.id_3 as __old_2, t.sort as __old_3, row(t.id_7, t.id_3, t.sort)::record *<> row(f.id_7, f.id_3, f.sort)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from freshet_changes.stage_8aefcebd8995193c_1 t
    join (
      select substr(sha256(record_send(row(id_7::integer))), 1, 16) as __part
      from (
        select __wanted_1 as id_7
        from "Δ partitions"
      ) k
    ) p using (__part)
  ) t on t.id_7 = f.id_7
  where (t.id_7 is null or f.id_7 is null or row(t.id_7, t.id_3, t.sort, t.__part)::record *<> row(f.id_7, f.id_3, f.sort, f.__part)::record)
),
"Δ stage" as (
  select __old_1 as id_7, __old_2 as id_3, __old_3 as sort, -1 as __w
  from changes
  where __existed
    and (not __existed or not (__alive) or __differs)
  union all
  select __new_1 as id_7, __new_2 as id_3, __new_3 as sort, 1 as __w
  from changes
  where __alive
    and (not __existed or not (__alive) or __differs)
),
"deleted from stage_8aefcebd8995193c_1" as (
  delete from freshet_changes.stage_8aefcebd8995193c_1 t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into stage_8aefcebd8995193c_1" as (
  insert into freshet_changes.stage_8aefcebd8995193c_1 as t (id_7, id_3, sort, __part)
  select __new_1, __new_2, __new_3, __new_4
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in stage_8aefcebd8995193c_1" as (
  update freshet_changes.stage_8aefcebd8995193c_1 t
  set id_3 = __new_2, sort = __new_3, __part = __new_4
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
),
"Δ project 3" as (
  select id_7 as id_8, id_3 as id_4, __w
  from "Δ stage"
),
"Δ join 2" as (
  select id, price, id_8, id_4, l.__w as __w
  from "Δ p" l
  join (
    select id_7 as id_8, id_3 as id_4
    from (
      select id_7, id_3, sort
      from freshet_changes.stage_8aefcebd8995193c_1
    ) p
  ) r on (id = id_8)
  where (select exists (select 1 from "Δ p"))
  union all
  select id, price, id_8, id_4, r.__w as __w
  from "Δ project 3" r
  join (
    select id, price
    from public.products
  ) l on (id = id_8)
  where (select exists (select 1 from "Δ project 3"))
),
"Δ output" as (
  select (id)::integer as id, (id_4)::integer as near, __w
  from "Δ join 2"
),
"Δ net" as (
  select id, near, sum(__w) as __w
  from "Δ output"
  group by id, near
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, id as __key_1
  from "Δ net"
),
"changes 2" as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l.near as __old_2, a.id as __new_1, a.near as __new_2
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
"deleted from nearest" as (
  delete from public.nearest t
  using "changes 2" c
  where t.id = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to nearest" as (
  insert into public.nearest as t (id, near)
  select __new_1, __new_2
  from "changes 2"
  where __alive
  on conflict (id) do update set near = excluded.near
  returning 1
)
