"Δ o" as (
  select id as id_2, customer_id, status, __w
  from "window of orders"
  where (select go from gate)
),
"Δ project" as (
  select customer_id as key, id_2 as id_2, status as status, __w
  from "Δ o"
),
"Δ project 2" as (
  select key as key_2, status as status_2, id_2 as sort, __w
  from "Δ project"
),
"Δ partitions" as (
  select key_2 as __wanted_1
  from "Δ project 2"
  group by key_2
),
fresh as materialized (
  select * from (
    select key_2, status_2, sort, __key, __part
    from (
      select *, substr(sha256(record_send(row(key_2::integer))), 1, 16) as __key
      from (
        select __item_1 as key_2, __item_2 as status_2, __item_3 as sort, __part
        from (
          select (key_2)::integer as __item_1, (status_2)::text as __item_2, (sort)::integer as __item_3, substr(sha256(record_send(row(key_2::integer))), 1, 16) as __part
          from (
            select key_2, status_2, sort
            from (
              select *, row_number() over (partition by key_2 order by sort desc) as __row
              from (
                select r.*
                from "Δ partitions" w
                join (
                  select key as key_2, status as status_2, id_2 as sort
                  from (
                    select customer_id as key, id_2 as id_2, status as status
                    from (
                      select id as id_2, customer_id, status
                      from public.orders
                    ) p
                  ) p
                ) r on r.key_2 = w.__wanted_1
                where (select exists (select 1 from "Δ partitions"))
                union all
                select r.*
                from "Δ partitions" w
                join (
                  select key as key_2, status as status_2, id_2 as sort
                  from (
                    select customer_id as key, id_2 as id_2, status as status
                    from (
                      select id as id_2, customer_id, status
                      from public.orders
                    ) p
                  ) p
                ) r on (r.key_2 = w.__wanted_1 or (r.key_2 is null and w.__wanted_1 is null))
                where (w.__wanted_1 is null)
                  and (select exists (select 1 from "Δ partitions" w where w.__wanted_1 is null))
              ) w
            ) c
            where coalesce(__row <= (1), true)
          ) p
        ) v
      ) n
    ) k
  ) as f(key_2, status_2, sort, __key, __part)
),
changes as (
  select coalesce(t.__key, f.__key) as __key_1, t.__key is not null as __existed, t.__at, f.__key is not null as __alive, f.key_2 as __new_1, f.status_2 as __new_2, f.sort as __new_3, f.__key as __new_4, f.__part as __new_5, t.key_2 as __old_1, t.status_2 as __old_2, t.sort as __old_3, row(t.key_2, t.status_2, t.sort)::record *<> row(f.key_2, f.status_2, f.sort)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from freshet_changes.stage_d21e6239f76ea468_1 t
    join (
      select substr(sha256(record_send(row(key_2::integer))), 1, 16) as __part
      from (
        select __wanted_1 as key_2
        from "Δ partitions"
      ) k
    ) p using (__part)
  ) t on t.__key = f.__key
  where (t.__key is null or f.__key is null or row(t.key_2, t.status_2, t.sort, t.__key, t.__part)::record *<> row(f.key_2, f.status_2, f.sort, f.__key, f.__part)::record)
),
"Δ stage" as (
  select __old_1 as key_2, __old_2 as status_2, __old_3 as sort, -1 as __w
  from changes
  where __existed
    and (not __existed or not (__alive) or __differs)
  union all
  select __new_1 as key_2, __new_2 as status_2, __new_3 as sort, 1 as __w
  from changes
  where __alive
    and (not __existed or not (__alive) or __differs)
),
"deleted from stage_d21e6239f76ea468_1" as (
  delete from freshet_changes.stage_d21e6239f76ea468_1 t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into stage_d21e6239f76ea468_1" as (
  insert into freshet_changes.stage_d21e6239f76ea468_1 as t (key_2, status_2, sort, __key, __part)
  select __new_1, __new_2, __new_3, __new_4, __new_5
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in stage_d21e6239f76ea468_1" as (
  update freshet_changes.stage_d21e6239f76ea468_1 t
  set key_2 = __new_1, status_2 = __new_2, sort = __new_3, __part = __new_5
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
),
"Δ p" as (
  select customer_id as customer_id_3, amount as amount_2, method as method_2, __w
  from "window of payments"
  where (select go from gate)
),
"Δ filter" as (
  select customer_id_3, amount_2, method_2, __w
  from "Δ p"
  where (method_2 = 'cash'::text)
),
"Δ project 3" as (
  select customer_id_3 as key_4, amount_2 as amount_2, __w
  from "Δ filter"
),
"Δ project 4" as (
  select key_4 as key_5, amount_2 as amount_3, __w
  from "Δ project 3"
),
"Δ partitions 2" as (
  select key_5 as __wanted_1
  from "Δ project 4"
  group by key_5
),
"fresh 2" as materialized (
  select * from (
    select key_5, amount_3, rows, __row, row_number() over (partition by __row) as __ord, __part
    from (
      select *, substr(sha256(record_send(row(key_5::integer, amount_3::numeric(12,2), rows::bigint, __part))), 1, 16) as __row
      from (
        select __item_1 as key_5, __item_2 as amount_3, __item_3 as rows, __part
        from (
          select (key_5)::integer as __item_1, (amount_3)::numeric(12,2) as __item_2, (rows)::bigint as __item_3, substr(sha256(record_send(row(key_5::integer))), 1, 16) as __part
          from (
            select key_5, amount_3, count(*) OVER (PARTITION BY key_5) as rows
            from (
              select r.*
              from "Δ partitions 2" w
              join (
                select key_4 as key_5, amount_2 as amount_3
                from (
                  select customer_id_3 as key_4, amount_2 as amount_2
                  from (
                    select customer_id_3, amount_2, method_2
                    from (
                      select customer_id as customer_id_3, amount as amount_2, method as method_2
                      from public.payments
                    ) f
                    where (method_2 = 'cash'::text)
                  ) p
                ) p
              ) r on r.key_5 = w.__wanted_1
              where (select exists (select 1 from "Δ partitions 2"))
              union all
              select r.*
              from "Δ partitions 2" w
              join (
                select key_4 as key_5, amount_2 as amount_3
                from (
                  select customer_id_3 as key_4, amount_2 as amount_2
                  from (
                    select customer_id_3, amount_2, method_2
                    from (
                      select customer_id as customer_id_3, amount as amount_2, method as method_2
                      from public.payments
                    ) f
                    where (method_2 = 'cash'::text)
                  ) p
                ) p
              ) r on (r.key_5 = w.__wanted_1 or (r.key_5 is null and w.__wanted_1 is null))
              where (w.__wanted_1 is null)
                and (select exists (select 1 from "Δ partitions 2" w where w.__wanted_1 is null))
            ) w
          ) p
        ) v
      ) n
    ) k
  ) as f(key_5, amount_3, rows, __row, __ord, __part)
),
"changes 2" as (
  select coalesce(t.__row, f.__row) as __key_1, coalesce(t.__ord, f.__ord) as __key_2, t.__row is not null as __existed, t.__at, f.__row is not null as __alive, f.key_5 as __new_1, f.amount_3 as __new_2, f.rows as __new_3, f.__row as __new_4, f.__ord as __new_5, f.__part as __new_6, t.key_5 as __old_1, t.amount_3 as __old_2, t.rows as __old_3, row(t.key_5, t.amount_3, t.rows)::record *<> row(f.key_5, f.amount_3, f.rows)::record as __differs
  from "fresh 2" f
  full join (
    select t.*, t.ctid as __at
    from freshet_changes.stage_d21e6239f76ea468_2 t
    join (
      select substr(sha256(record_send(row(key_5::integer))), 1, 16) as __part
      from (
        select __wanted_1 as key_5
        from "Δ partitions 2"
      ) k
    ) p using (__part)
  ) t on t.__row = f.__row and t.__ord = f.__ord
  where (t.__row is null or f.__row is null or row(t.key_5, t.amount_3, t.rows, t.__row, t.__ord, t.__part)::record *<> row(f.key_5, f.amount_3, f.rows, f.__row, f.__ord, f.__part)::record)
),
"Δ stage 2" as (
  select __old_1 as key_5, __old_2 as amount_3, __old_3 as rows, -1 as __w
  from "changes 2"
  where __existed
    and (not __existed or not (__alive) or __differs)
  union all
  select __new_1 as key_5, __new_2 as amount_3, __new_3 as rows, 1 as __w
  from "changes 2"
  where __alive
    and (not __existed or not (__alive) or __differs)
),
"deleted from stage_d21e6239f76ea468_2" as (
  delete from freshet_changes.stage_d21e6239f76ea468_2 t
  using "changes 2" c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into stage_d21e6239f76ea468_2" as (
  insert into freshet_changes.stage_d21e6239f76ea468_2 as t (key_5, amount_3, rows, __row, __ord, __part)
  select __new_1, __new_2, __new_3, __new_4, __new_5, __new_6
  from "changes 2"
  where __alive
    and not __existed
  returning 1
),
"updated in stage_d21e6239f76ea468_2" as (
  update freshet_changes.stage_d21e6239f76ea468_2 t
  set key_5 = __new_1, amount_3 = __new_2, rows = __new_3, __part = __new_6
  from "changes 2" c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
),
"Δ partitions 3" as (
  select key_5 as __wanted_1
  from "Δ stage 2"
  group by key_5
),
"fresh 3" as materialized (
  select * from (
    select key_5, amount_3, rows, __key, __part
    from (
      select *, substr(sha256(record_send(row(key_5::integer))), 1, 16) as __key
      from (
        select __item_1 as key_5, __item_2 as amount_3, __item_3 as rows, __part
        from (
          select (key_5)::integer as __item_1, (amount_3)::numeric(12,2) as __item_2, (rows)::bigint as __item_3, substr(sha256(record_send(row(key_5::integer))), 1, 16) as __part
          from (
            select key_5, amount_3, rows
            from (
              select *, row_number() over (partition by key_5) as __row
              from (
                select r.*
                from "Δ partitions 3" w
                join (
                  select t.key_5, t.amount_3, t.rows
                  from freshet_changes.stage_d21e6239f76ea468_2 t
                  where (t.__row, t.__ord) not in (select c.__key_1, c.__key_2 from "changes 2" c)
                ) r on r.key_5 = w.__wanted_1
                where (select exists (select 1 from "Δ partitions 3"))
                union all
                select r.*
                from "Δ partitions 3" w
                join (
                  select t.key_5, t.amount_3, t.rows
                  from freshet_changes.stage_d21e6239f76ea468_2 t
                  where (t.__row, t.__ord) not in (select c.__key_1, c.__key_2 from "changes 2" c)
                ) r on (r.key_5 = w.__wanted_1 or (r.key_5 is null and w.__wanted_1 is null))
                where (w.__wanted_1 is null)
                  and (select exists (select 1 from "Δ partitions 3" w where w.__wanted_1 is null))
                union all
                select r.*
                from "Δ partitions 3" w
                join (
                  select __new_1 as key_5, __new_2 as amount_3, __new_3 as rows
                  from "changes 2"
                  where __alive
                ) r on r.key_5 = w.__wanted_1
                where (select exists (select 1 from "Δ partitions 3"))
                union all
                select r.*
                from "Δ partitions 3" w
                join (
                  select __new_1 as key_5, __new_2 as amount_3, __new_3 as rows
                  from "changes 2"
                  where __alive
                ) r on (r.key_5 = w.__wanted_1 or (r.key_5 is null and w.__wanted_1 is null))
                where (w.__wanted_1 is null)
                  and (select exists (select 1 from "Δ partitions 3" w where w.__wanted_1 is null))
              ) w
            ) c
            where coalesce(__row <= (1), true)
          ) p
        ) v
      ) n
    ) k
  ) as f(key_5, amount_3, rows, __key, __part)
),
"changes 3" as (
  select coalesce(t.__key, f.__key) as __key_1, t.__key is not null as __existed, t.__at, f.__key is not null as __alive, f.key_5 as __new_1, f.amount_3 as __new_2, f.rows as __new_3, f.__key as __new_4, f.__part as __new_5, t.key_5 as __old_1, t.amount_3 as __old_2, t.rows as __old_3, row(t.key_5, t.amount_3, t.rows)::record *<> row(f.key_5, f.amount_3, f.rows)::record as __differs
  from "fresh 3" f
  full join (
    select t.*, t.ctid as __at
    from freshet_changes.stage_d21e6239f76ea468_3 t
    join (
      select substr(sha256(record_send(row(key_5::integer))), 1, 16) as __part
      from (
        select __wanted_1 as key_5
        from "Δ partitions 3"
      ) k
    ) p using (__part)
  ) t on t.__key = f.__key
  where (t.__key is null or f.__key is null or row(t.key_5, t.amount_3, t.rows, t.__key, t.__part)::record *<> row(f.key_5, f.amount_3, f.rows, f.__key, f.__part)::record)
),
"Δ stage 3" as (
  select __old_1 as key_5, __old_2 as amount_3, __old_3 as rows, -1 as __w
  from "changes 3"
  where __existed
    and (not __existed or not (__alive) or __differs)
  union all
  select __new_1 as key_5, __new_2 as amount_3, __new_3 as rows, 1 as __w
  from "changes 3"
  where __alive
    and (not __existed or not (__alive) or __differs)
),
"deleted from stage_d21e6239f76ea468_3" as (
  delete from freshet_changes.stage_d21e6239f76ea468_3 t
  using "changes 3" c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into stage_d21e6239f76ea468_3" as (
  insert into freshet_changes.stage_d21e6239f76ea468_3 as t (key_5, amount_3, rows, __key, __part)
  select __new_1, __new_2, __new_3, __new_4, __new_5
  from "changes 3"
  where __alive
    and not __existed
  returning 1
),
"updated in stage_d21e6239f76ea468_3" as (
  update freshet_changes.stage_d21e6239f76ea468_3 t
  set key_5 = __new_1, amount_3 = __new_2, rows = __new_3, __part = __new_5
  from "changes 3" c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
),
"Δ e" as (
  select id as id_3, "name" as name_2, salary, __w
  from "window of employees"
  where (select go from gate)
),
"Δ project 5" as (
  select name_2 as name_3, salary as sort_2, id_3 as sort_3, __w
  from "Δ e"
),
"Δ partitions 4" as (
  select
  from "Δ project 5"
  limit 1
),
"fresh 4" as materialized (
  select * from (
    select name_3, sort_2, sort_3, __one
    from (
      select *, true as __one
      from (
        select __item_1 as name_3, __item_2 as sort_2, __item_3 as sort_3
        from (
          select (name_3)::text as __item_1, (sort_2)::integer as __item_2, (sort_3)::integer as __item_3
          from (
            select name_3, sort_2, sort_3
            from (
              select *
              from (
                select name_2 as name_3, salary as sort_2, id_3 as sort_3
                from (
                  select id as id_3, "name" as name_2, salary
                  from public.employees
                ) p
              ) r
              where (select exists (select 1 from "Δ partitions 4"))
            ) w
            order by sort_2 desc nulls last, sort_3
            fetch first (1) rows only
          ) p
        ) v
      ) n
    ) k
  ) as f(name_3, sort_2, sort_3, __one)
),
"changes 4" as (
  select coalesce(t.__one, f.__one) as __key_1, t.__one is not null as __existed, t.__at, f.__one is not null as __alive, f.name_3 as __new_1, f.sort_2 as __new_2, f.sort_3 as __new_3, f.__one as __new_4, t.name_3 as __old_1, t.sort_2 as __old_2, t.sort_3 as __old_3, row(t.name_3, t.sort_2, t.sort_3)::record *<> row(f.name_3, f.sort_2, f.sort_3)::record as __differs
  from "fresh 4" f
  full join (
    select t.*, t.ctid as __at
    from freshet_changes.stage_d21e6239f76ea468_4 t
    where (select exists (select 1 from "Δ partitions 4"))
  ) t on t.__one = f.__one
  where (t.__one is null or f.__one is null or row(t.name_3, t.sort_2, t.sort_3, t.__one)::record *<> row(f.name_3, f.sort_2, f.sort_3, f.__one)::record)
),
"Δ stage 4" as (
  select __old_1 as name_3, __old_2 as sort_2, __old_3 as sort_3, -1 as __w
  from "changes 4"
  where __existed
    and (not __existed or not (__alive) or __differs)
  union all
  select __new_1 as name_3, __new_2 as sort_2, __new_3 as sort_3, 1 as __w
  from "changes 4"
  where __alive
    and (not __existed or not (__alive) or __differs)
),
"deleted from stage_d21e6239f76ea468_4" as (
  delete from freshet_changes.stage_d21e6239f76ea468_4 t
  using "changes 4" c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into stage_d21e6239f76ea468_4" as (
  insert into freshet_changes.stage_d21e6239f76ea468_4 as t (name_3, sort_2, sort_3, __one)
  select __new_1, __new_2, __new_3, __new_4
  from "changes 4"
  where __alive
    and not __existed
  returning 1
),
"updated in stage_d21e6239f76ea468_4" as (
  update freshet_changes.stage_d21e6239f76ea468_4 t
  set name_3 = __new_1, sort_2 = __new_2, sort_3 = __new_3
  from "changes 4" c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
),
"Δ c" as (
  select id, __w
  from "window of customers"
  where (select go from gate)
),
"Δ project 6" as (
  select key_2 as key_3, status_2 as status_3, __w
  from "Δ stage"
),
"Δ project 7" as (
  select key_3 as key_3, status_3 as "value", __w
  from "Δ project 6"
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, 1 as __w
    from (
      select id
      from public.customers
    ) l
    where exists (select 1 from "Δ project 7" r where (key_3 = id))
    union all
    select id, -l.__w as __w
    from "Δ c" l
    where exists (select 1 from "Δ project 7" r where (key_3 = id))
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
      join "Δ project 7" r on (key_3 = id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select key_3 as key_3, status_3 as "value"
          from (
            select key_2 as key_3, status_2 as status_3
            from (
              select t.key_2, t.status_2, t.sort
              from freshet_changes.stage_d21e6239f76ea468_1 t
              where (t.__key) not in (select c.__key_1 from changes c)
            ) p
          ) p
        ) r
        where (key_3 = id)
        union all
        select 1
        from (
          select key_3 as key_3, status_3 as "value"
          from (
            select key_2 as key_3, status_2 as status_3
            from (
              select __new_1 as key_2, __new_2 as status_2, __new_3 as sort
              from changes
              where __alive
            ) p
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
  select id, __w
  from "Δ c" l
  where not exists (
    select 1
    from (
      select key_3 as key_3, status_3 as "value"
      from (
        select key_2 as key_3, status_2 as status_3
        from (
          select t.key_2, t.status_2, t.sort
          from freshet_changes.stage_d21e6239f76ea468_1 t
          where (t.__key) not in (select c.__key_1 from changes c)
        ) p
      ) p
    ) r
    where (key_3 = id)
  )
    and not exists (
    select 1
    from (
      select key_3 as key_3, status_3 as "value"
      from (
        select key_2 as key_3, status_2 as status_3
        from (
          select __new_1 as key_2, __new_2 as status_2, __new_3 as sort
          from changes
          where __alive
        ) p
      ) p
    ) r
    where (key_3 = id)
  )
  union all
  select id, case when __is then -__w else __w end as __w
  from crossings
),
"Δ join" as (
  select id, key_3, "value", l.__w as __w
  from "Δ c" l
  join (
    select key_3 as key_3, status_3 as "value"
    from (
      select key_2 as key_3, status_2 as status_3
      from (
        select key_2, status_2, sort
        from freshet_changes.stage_d21e6239f76ea468_1
      ) p
    ) p
  ) r on (key_3 = id)
  where (select exists (select 1 from "Δ c"))
  union all
  select id, key_3, "value", r.__w as __w
  from "Δ project 7" r
  join (
    select id
    from public.customers
  ) l on (key_3 = id)
  where (select exists (select 1 from "Δ project 7"))
  union all
  select id, key_3, "value", l.__w
  from "Δ without a match" l
  left join "Δ project 7" r on false
),
"touched 2" as (
  select *, row_number() over () as __i
  from (
    select id, key_3, "value", 1 as __w
    from (
      select id, key_3, "value"
      from (
        select id
        from public.customers
      ) l
      left join (
        select key_3 as key_3, status_3 as "value"
        from (
          select key_2 as key_3, status_2 as status_3
          from (
            select key_2, status_2, sort
            from (
              select t.key_2, t.status_2, t.sort, t.__key as __stored_1, true as __stored
              from freshet_changes.stage_d21e6239f76ea468_1 t
              union all
              select __new_1 as key_2, __new_2 as status_2, __new_3 as sort, __key_1, false
              from changes
              where __alive
            ) s
            where not (__stored and (__stored_1) in (select c.__key_1 from changes c))
          ) p
        ) p
      ) r on (key_3 = id)
    ) l
    where exists (select 1 from "Δ stage 3" r where (key_5 = id))
    union all
    select id, key_3, "value", -l.__w as __w
    from "Δ join" l
    where exists (select 1 from "Δ stage 3" r where (key_5 = id))
  ) l
),
"crossings 2" as (
  select id, key_3, "value", __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l.key_3, l."value", l.__w, d.__m, n.__n
    from "touched 2" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 2" l
      join "Δ stage 3" r on (key_5 = id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select t.key_5, t.amount_3, t.rows
          from freshet_changes.stage_d21e6239f76ea468_3 t
          where (t.__key) not in (select c.__key_1 from "changes 3" c)
        ) r
        where (key_5 = id)
        union all
        select 1
        from (
          select __new_1 as key_5, __new_2 as amount_3, __new_3 as rows
          from "changes 3"
          where __alive
        ) r
        where (key_5 = id)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match 2" as (
  select id, key_3, "value", __w
  from "Δ join" l
  where not exists (
    select 1
    from (
      select t.key_5, t.amount_3, t.rows
      from freshet_changes.stage_d21e6239f76ea468_3 t
      where (t.__key) not in (select c.__key_1 from "changes 3" c)
    ) r
    where (key_5 = id)
  )
    and not exists (
    select 1
    from (
      select __new_1 as key_5, __new_2 as amount_3, __new_3 as rows
      from "changes 3"
      where __alive
    ) r
    where (key_5 = id)
  )
  union all
  select id, key_3, "value", case when __is then -__w else __w end as __w
  from "crossings 2"
),
"Δ join 2" as (
  select id, key_3, "value", key_5, amount_3, rows, l.__w as __w
  from "Δ join" l
  join (
    select key_5, amount_3, rows
    from freshet_changes.stage_d21e6239f76ea468_3
  ) r on (key_5 = id)
  where (select exists (select 1 from "Δ join"))
  union all
  select id, key_3, "value", key_5, amount_3, rows, r.__w as __w
  from "Δ stage 3" r
  join (
    select id, key_3, "value"
    from (
      select id
      from public.customers
    ) l
    left join (
      select key_3 as key_3, status_3 as "value"
      from (
        select key_2 as key_3, status_2 as status_3
        from (
          select key_2, status_2, sort
          from (
            select t.key_2, t.status_2, t.sort, t.__key as __stored_1, true as __stored
            from freshet_changes.stage_d21e6239f76ea468_1 t
            union all
            select __new_1 as key_2, __new_2 as status_2, __new_3 as sort, __key_1, false
            from changes
            where __alive
          ) s
          where not (__stored and (__stored_1) in (select c.__key_1 from changes c))
        ) p
      ) p
    ) r on (key_3 = id)
  ) l on (key_5 = id)
  where (select exists (select 1 from "Δ stage 3"))
  union all
  select id, key_3, "value", key_5, amount_3, rows, l.__w
  from "Δ without a match 2" l
  left join "Δ stage 3" r on false
),
"Δ project 8" as (
  select name_3 as name_4, __w
  from "Δ stage 4"
),
"Δ project 9" as (
  select name_4 as name_5, __w
  from "Δ project 8"
),
"touched 3" as (
  select *, row_number() over () as __i
  from (
    select id, key_3, "value", key_5, amount_3, rows, 1 as __w
    from (
      select id, key_3, "value", key_5, amount_3, rows
      from (
        select id, key_3, "value"
        from (
          select id
          from public.customers
        ) l
        left join (
          select key_3 as key_3, status_3 as "value"
          from (
            select key_2 as key_3, status_2 as status_3
            from (
              select key_2, status_2, sort
              from (
                select t.key_2, t.status_2, t.sort, t.__key as __stored_1, true as __stored
                from freshet_changes.stage_d21e6239f76ea468_1 t
                union all
                select __new_1 as key_2, __new_2 as status_2, __new_3 as sort, __key_1, false
                from changes
                where __alive
              ) s
              where not (__stored and (__stored_1) in (select c.__key_1 from changes c))
            ) p
          ) p
        ) r on (key_3 = id)
      ) l
      left join (
        select key_5, amount_3, rows
        from (
          select t.key_5, t.amount_3, t.rows, t.__key as __stored_1, true as __stored
          from freshet_changes.stage_d21e6239f76ea468_3 t
          union all
          select __new_1 as key_5, __new_2 as amount_3, __new_3 as rows, __key_1, false
          from "changes 3"
          where __alive
        ) s
        where not (__stored and (__stored_1) in (select c.__key_1 from "changes 3" c))
      ) r on (key_5 = id)
    ) l
    where exists (select 1 from "Δ project 9" r)
    union all
    select id, key_3, "value", key_5, amount_3, rows, -l.__w as __w
    from "Δ join 2" l
    where exists (select 1 from "Δ project 9" r)
  ) l
),
"crossings 3" as (
  select id, key_3, "value", key_5, amount_3, rows, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l.key_3, l."value", l.key_5, l.amount_3, l.rows, l.__w, d.__m, n.__n
    from "touched 3" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 3" l
      cross join "Δ project 9" r
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select name_4 as name_5
          from (
            select name_3 as name_4
            from (
              select t.name_3, t.sort_2, t.sort_3
              from freshet_changes.stage_d21e6239f76ea468_4 t
              where (t.__one) not in (select c.__key_1 from "changes 4" c)
            ) p
          ) p
        ) r
        union all
        select 1
        from (
          select name_4 as name_5
          from (
            select name_3 as name_4
            from (
              select __new_1 as name_3, __new_2 as sort_2, __new_3 as sort_3
              from "changes 4"
              where __alive
            ) p
          ) p
        ) r
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match 3" as (
  select id, key_3, "value", key_5, amount_3, rows, __w
  from "Δ join 2" l
  where not exists (
    select 1
    from (
      select name_4 as name_5
      from (
        select name_3 as name_4
        from (
          select t.name_3, t.sort_2, t.sort_3
          from freshet_changes.stage_d21e6239f76ea468_4 t
          where (t.__one) not in (select c.__key_1 from "changes 4" c)
        ) p
      ) p
    ) r
  )
    and not exists (
    select 1
    from (
      select name_4 as name_5
      from (
        select name_3 as name_4
        from (
          select __new_1 as name_3, __new_2 as sort_2, __new_3 as sort_3
          from "changes 4"
          where __alive
        ) p
      ) p
    ) r
  )
  union all
  select id, key_3, "value", key_5, amount_3, rows, case when __is then -__w else __w end as __w
  from "crossings 3"
),
"Δ join 3" as (
  select id, key_3, "value", key_5, amount_3, rows, name_5, l.__w as __w
  from "Δ join 2" l
  cross join (
    select name_4 as name_5
    from (
      select name_3 as name_4
      from (
        select name_3, sort_2, sort_3
        from freshet_changes.stage_d21e6239f76ea468_4
      ) p
    ) p
  ) r
  where (select exists (select 1 from "Δ join 2"))
  union all
  select id, key_3, "value", key_5, amount_3, rows, name_5, r.__w as __w
  from "Δ project 9" r
  cross join (
    select id, key_3, "value", key_5, amount_3, rows
    from (
      select id, key_3, "value"
      from (
        select id
        from public.customers
      ) l
      left join (
        select key_3 as key_3, status_3 as "value"
        from (
          select key_2 as key_3, status_2 as status_3
          from (
            select key_2, status_2, sort
            from (
              select t.key_2, t.status_2, t.sort, t.__key as __stored_1, true as __stored
              from freshet_changes.stage_d21e6239f76ea468_1 t
              union all
              select __new_1 as key_2, __new_2 as status_2, __new_3 as sort, __key_1, false
              from changes
              where __alive
            ) s
            where not (__stored and (__stored_1) in (select c.__key_1 from changes c))
          ) p
        ) p
      ) r on (key_3 = id)
    ) l
    left join (
      select key_5, amount_3, rows
      from (
        select t.key_5, t.amount_3, t.rows, t.__key as __stored_1, true as __stored
        from freshet_changes.stage_d21e6239f76ea468_3 t
        union all
        select __new_1 as key_5, __new_2 as amount_3, __new_3 as rows, __key_1, false
        from "changes 3"
        where __alive
      ) s
      where not (__stored and (__stored_1) in (select c.__key_1 from "changes 3" c))
    ) r on (key_5 = id)
  ) l
  where (select exists (select 1 from "Δ project 9"))
  union all
  select id, key_3, "value", key_5, amount_3, rows, name_5, l.__w
  from "Δ without a match 3" l
  left join "Δ project 9" r on false
),
"Δ output" as (
  select (id)::integer as id, (value)::text as last_status, ((CASE WHEN (CAST((CASE WHEN (rows > 1) THEN 'more than one row returned by a subquery used as an expression'::text ELSE '1'::text END) AS int) = 1) THEN amount_3 ELSE NULL END))::numeric(12,2) as in_cash, (name_5)::text as richest, __w
  from "Δ join 3"
),
"Δ net" as (
  select id, last_status, (array_agg(in_cash))[1] as in_cash, richest, sum(__w) as __w
  from "Δ output"
  group by id, last_status, richest, record_send(row(in_cash))
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, id as __key_1
  from "Δ net"
),
"changes 5" as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l.last_status as __old_2, l.in_cash as __old_3, l.richest as __old_4, a.id as __new_1, a.last_status as __new_2, a.in_cash as __new_3, a.richest as __new_4
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
"deleted from scalar_first_row" as (
  delete from public.scalar_first_row t
  using "changes 5" c
  where t.id = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to scalar_first_row" as (
  insert into public.scalar_first_row as t (id, last_status, in_cash, richest)
  select __new_1, __new_2, __new_3, __new_4
  from "changes 5"
  where __alive
  on conflict (id) do update set last_status = excluded.last_status, in_cash = excluded.in_cash, richest = excluded.richest
  returning 1
)
