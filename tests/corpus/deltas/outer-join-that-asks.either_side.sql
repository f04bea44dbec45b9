"Δ orders" as (
  select status as status_2, __w
  from "window of orders"
  where (select go from gate)
),
"Δ project" as (
  select status_2 as status_2, __w
  from "Δ orders"
),
"Δ groups" as (
  select status_2, sum(__w) as "__count(*)"
  from "Δ project"
  group by status_2
),
groups as (
  select d.status_2, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.count, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, t.status_2 as __old_1, t.count as __old_2
  from (
    select *, substr(sha256(record_send(row(status_2::text))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_4bdb976d40dc1cc3_1 t on t.__key = d.__key_1
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __old_1, __old_2, (status_2)::text as __new_1, (count)::bigint as __new_2
  from (
    select *, __slot_1 as count
    from (
      select * from groups
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as status_2, __old_2 as count, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as status_2, __new_2 as count, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_4bdb976d40dc1cc3_1" as (
  delete from freshet_changes.stage_4bdb976d40dc1cc3_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_4bdb976d40dc1cc3_1" as (
  insert into freshet_changes.stage_4bdb976d40dc1cc3_1 as t (status_2, count, __key)
  select __new_1, __new_2, __key_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_4bdb976d40dc1cc3_1" as (
  update freshet_changes.stage_4bdb976d40dc1cc3_1 t
  set status_2 = __new_1, count = __new_2
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ c" as (
  select id, __w
  from "window of customers"
  where (select go from gate)
),
"Δ o" as (
  select id as id_2, customer_id, status, __w
  from "window of orders"
  where (select go from gate)
),
"Δ filter" as (
  select status_2, count, __w
  from "Δ stage"
  where (count > 2)
),
"Δ project 2" as (
  select status_2 as status_3, __w
  from "Δ filter"
),
touched as (
  select *, row_number() over () as __i
  from (
    select id_2, customer_id, status, 1 as __w
    from (
      select id as id_2, customer_id, status
      from public.orders
    ) l
    where exists (select 1 from "Δ project 2" r where ((status = status_3) IS TRUE))
    union all
    select id_2, customer_id, status, -l.__w as __w
    from "Δ o" l
    where exists (select 1 from "Δ project 2" r where ((status = status_3) IS TRUE))
  ) l
),
crossings as (
  select id_2, customer_id, status, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id_2, l.customer_id, l.status, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ project 2" r on ((status = status_3) IS TRUE)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select status_2 as status_3
          from (
            select status_2, count
            from (
              select t.status_2, t.count
              from freshet_changes.stage_4bdb976d40dc1cc3_1 t
              where (t.__key) not in (select c.__key_1 from "groups after" c)
            ) f
            where (count > 2)
          ) p
        ) r
        where ((status = status_3) IS TRUE)
        union all
        select 1
        from (
          select status_2 as status_3
          from (
            select status_2, count
            from (
              select __new_1 as status_2, __new_2 as count
              from "groups after"
              where __slot_1 > 0
            ) f
            where (count > 2)
          ) p
        ) r
        where ((status = status_3) IS TRUE)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ mark join" as (
  select id_2, customer_id, status, exists (
    select 1
    from (
      select status_2 as status_3
      from (
        select status_2, count
        from (
          select status_2, count
          from (
            select t.status_2, t.count, t.__key as __stored_1, true as __stored
            from freshet_changes.stage_4bdb976d40dc1cc3_1 t
            union all
            select __new_1 as status_2, __new_2 as count, __key_1, false
            from "groups after"
            where __slot_1 > 0
          ) s
          where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
        ) f
        where (count > 2)
      ) p
    ) r
    where ((status = status_3) IS TRUE)
  ) as mark, __w
  from "Δ o" l
  union all
  select id_2, customer_id, status, __is as mark, __w
  from crossings
  union all
  select id_2, customer_id, status, __was as mark, -__w as __w
  from crossings
),
"touched 2" as (
  select *, row_number() over () as __i
  from (
    select id_2, customer_id, status, mark, 1 as __w
    from (
      select id_2, customer_id, status, exists (
        select 1
        from (
          select status_2 as status_3
          from (
            select status_2, count
            from (
              select status_2, count
              from (
                select t.status_2, t.count, t.__key as __stored_1, true as __stored
                from freshet_changes.stage_4bdb976d40dc1cc3_1 t
                union all
                select __new_1 as status_2, __new_2 as count, __key_1, false
                from "groups after"
                where __slot_1 > 0
              ) s
              where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
            ) f
            where (count > 2)
          ) p
        ) r
        where ((status = status_3) IS TRUE)
      ) as mark
      from (
        select id as id_2, customer_id, status
        from public.orders
      ) l
    ) l
    where exists (select 1 from "Δ project 2" r where ((status = status_3) IS UNKNOWN))
    union all
    select id_2, customer_id, status, mark, -l.__w as __w
    from "Δ mark join" l
    where exists (select 1 from "Δ project 2" r where ((status = status_3) IS UNKNOWN))
  ) l
),
"crossings 2" as (
  select id_2, customer_id, status, mark, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id_2, l.customer_id, l.status, l.mark, l.__w, d.__m, n.__n
    from "touched 2" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 2" l
      join "Δ project 2" r on ((status = status_3) IS UNKNOWN)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select status_2 as status_3
          from (
            select status_2, count
            from (
              select t.status_2, t.count
              from freshet_changes.stage_4bdb976d40dc1cc3_1 t
              where (t.__key) not in (select c.__key_1 from "groups after" c)
            ) f
            where (count > 2)
          ) p
        ) r
        where ((status = status_3) IS UNKNOWN)
        union all
        select 1
        from (
          select status_2 as status_3
          from (
            select status_2, count
            from (
              select __new_1 as status_2, __new_2 as count
              from "groups after"
              where __slot_1 > 0
            ) f
            where (count > 2)
          ) p
        ) r
        where ((status = status_3) IS UNKNOWN)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ mark join 2" as (
  select id_2, customer_id, status, mark, exists (
    select 1
    from (
      select status_2 as status_3
      from (
        select status_2, count
        from (
          select status_2, count
          from (
            select t.status_2, t.count, t.__key as __stored_1, true as __stored
            from freshet_changes.stage_4bdb976d40dc1cc3_1 t
            union all
            select __new_1 as status_2, __new_2 as count, __key_1, false
            from "groups after"
            where __slot_1 > 0
          ) s
          where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
        ) f
        where (count > 2)
      ) p
    ) r
    where ((status = status_3) IS UNKNOWN)
  ) as mark_2, __w
  from "Δ mark join" l
  union all
  select id_2, customer_id, status, mark, __is as mark_2, __w
  from "crossings 2"
  union all
  select id_2, customer_id, status, mark, __was as mark_2, -__w as __w
  from "crossings 2"
),
"touched 3" as (
  select *, row_number() over () as __i
  from (
    select id, 1 as __w
    from (
      select id
      from public.customers
    ) l
    where exists (select 1 from "Δ mark join 2" r where (customer_id = id))
      and exists (select 1 from "Δ mark join 2" r where (customer_id = id)   and (CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END))
    union all
    select id, -l.__w as __w
    from "Δ c" l
    where exists (select 1 from "Δ mark join 2" r where (customer_id = id))
      and exists (select 1 from "Δ mark join 2" r where (customer_id = id)   and (CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END))
  ) l
),
"crossings 3" as (
  select id, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l.__w, d.__m, n.__n
    from "touched 3" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 3" l
      join "Δ mark join 2" r on (customer_id = id) and (CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select id_2, customer_id, status, mark, exists (
            select 1
            from (
              select status_2 as status_3
              from (
                select status_2, count
                from (
                  select status_2, count
                  from (
                    select t.status_2, t.count, t.__key as __stored_1, true as __stored
                    from freshet_changes.stage_4bdb976d40dc1cc3_1 t
                    union all
                    select __new_1 as status_2, __new_2 as count, __key_1, false
                    from "groups after"
                    where __slot_1 > 0
                  ) s
                  where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
                ) f
                where (count > 2)
              ) p
            ) r
            where ((status = status_3) IS UNKNOWN)
          ) as mark_2
          from (
            select id_2, customer_id, status, exists (
              select 1
              from (
                select status_2 as status_3
                from (
                  select status_2, count
                  from (
                    select status_2, count
                    from (
                      select t.status_2, t.count, t.__key as __stored_1, true as __stored
                      from freshet_changes.stage_4bdb976d40dc1cc3_1 t
                      union all
                      select __new_1 as status_2, __new_2 as count, __key_1, false
                      from "groups after"
                      where __slot_1 > 0
                    ) s
                    where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
                  ) f
                  where (count > 2)
                ) p
              ) r
              where ((status = status_3) IS TRUE)
            ) as mark
            from (
              select id as id_2, customer_id, status
              from public.orders
            ) l
          ) l
        ) r
        where (customer_id = id)
          and (CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END)
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
      select id_2, customer_id, status, mark, exists (
        select 1
        from (
          select status_2 as status_3
          from (
            select status_2, count
            from (
              select status_2, count
              from (
                select t.status_2, t.count, t.__key as __stored_1, true as __stored
                from freshet_changes.stage_4bdb976d40dc1cc3_1 t
                union all
                select __new_1 as status_2, __new_2 as count, __key_1, false
                from "groups after"
                where __slot_1 > 0
              ) s
              where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
            ) f
            where (count > 2)
          ) p
        ) r
        where ((status = status_3) IS UNKNOWN)
      ) as mark_2
      from (
        select id_2, customer_id, status, exists (
          select 1
          from (
            select status_2 as status_3
            from (
              select status_2, count
              from (
                select status_2, count
                from (
                  select t.status_2, t.count, t.__key as __stored_1, true as __stored
                  from freshet_changes.stage_4bdb976d40dc1cc3_1 t
                  union all
                  select __new_1 as status_2, __new_2 as count, __key_1, false
                  from "groups after"
                  where __slot_1 > 0
                ) s
                where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
              ) f
              where (count > 2)
            ) p
          ) r
          where ((status = status_3) IS TRUE)
        ) as mark
        from (
          select id as id_2, customer_id, status
          from public.orders
        ) l
      ) l
    ) r
    where (customer_id = id)
      and (CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END)
  )
  union all
  select id, case when __is then -__w else __w end as __w
  from "crossings 3"
),
"touched 4" as (
  select *, row_number() over () as __i
  from (
    select id_2, customer_id, status, mark, mark_2, 1 as __w
    from (
      select id_2, customer_id, status, mark, exists (
        select 1
        from (
          select status_2 as status_3
          from (
            select status_2, count
            from (
              select status_2, count
              from (
                select t.status_2, t.count, t.__key as __stored_1, true as __stored
                from freshet_changes.stage_4bdb976d40dc1cc3_1 t
                union all
                select __new_1 as status_2, __new_2 as count, __key_1, false
                from "groups after"
                where __slot_1 > 0
              ) s
              where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
            ) f
            where (count > 2)
          ) p
        ) r
        where ((status = status_3) IS UNKNOWN)
      ) as mark_2
      from (
        select id_2, customer_id, status, exists (
          select 1
          from (
            select status_2 as status_3
            from (
              select status_2, count
              from (
                select status_2, count
                from (
                  select t.status_2, t.count, t.__key as __stored_1, true as __stored
                  from freshet_changes.stage_4bdb976d40dc1cc3_1 t
                  union all
                  select __new_1 as status_2, __new_2 as count, __key_1, false
                  from "groups after"
                  where __slot_1 > 0
                ) s
                where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
              ) f
              where (count > 2)
            ) p
          ) r
          where ((status = status_3) IS TRUE)
        ) as mark
        from (
          select id as id_2, customer_id, status
          from public.orders
        ) l
      ) l
    ) l
    where exists (select 1 from "Δ c" r where (customer_id = id))
      and exists (select 1 from "Δ c" r where (customer_id = id)   and (CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END))
    union all
    select id_2, customer_id, status, mark, mark_2, -l.__w as __w
    from "Δ mark join 2" l
    where exists (select 1 from "Δ c" r where (customer_id = id))
      and exists (select 1 from "Δ c" r where (customer_id = id)   and (CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END))
  ) l
),
"crossings 4" as (
  select id_2, customer_id, status, mark, mark_2, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id_2, l.customer_id, l.status, l.mark, l.mark_2, l.__w, d.__m, n.__n
    from "touched 4" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 4" l
      join "Δ c" r on (customer_id = id) and (CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select id
          from public.customers
        ) r
        where (customer_id = id)
          and (CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match 2" as (
  select id_2, customer_id, status, mark, mark_2, __w
  from "Δ mark join 2" l
  where not exists (
    select 1
    from (
      select id
      from public.customers
    ) r
    where (customer_id = id)
      and (CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END)
  )
  union all
  select id_2, customer_id, status, mark, mark_2, case when __is then -__w else __w end as __w
  from "crossings 4"
),
"Δ join" as (
  select id, id_2, customer_id, status, mark, mark_2, l.__w as __w
  from "Δ c" l
  join (
    select id_2, customer_id, status, mark, exists (
      select 1
      from (
        select status_2 as status_3
        from (
          select status_2, count
          from (
            select status_2, count
            from (
              select t.status_2, t.count, t.__key as __stored_1, true as __stored
              from freshet_changes.stage_4bdb976d40dc1cc3_1 t
              union all
              select __new_1 as status_2, __new_2 as count, __key_1, false
              from "groups after"
              where __slot_1 > 0
            ) s
            where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
          ) f
          where (count > 2)
        ) p
      ) r
      where ((status = status_3) IS UNKNOWN)
    ) as mark_2
    from (
      select id_2, customer_id, status, exists (
        select 1
        from (
          select status_2 as status_3
          from (
            select status_2, count
            from (
              select status_2, count
              from (
                select t.status_2, t.count, t.__key as __stored_1, true as __stored
                from freshet_changes.stage_4bdb976d40dc1cc3_1 t
                union all
                select __new_1 as status_2, __new_2 as count, __key_1, false
                from "groups after"
                where __slot_1 > 0
              ) s
              where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
            ) f
            where (count > 2)
          ) p
        ) r
        where ((status = status_3) IS TRUE)
      ) as mark
      from (
        select id as id_2, customer_id, status
        from public.orders
      ) l
    ) l
  ) r on (customer_id = id) and (CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END)
  where (select exists (select 1 from "Δ c"))
  union all
  select id, id_2, customer_id, status, mark, mark_2, r.__w as __w
  from "Δ mark join 2" r
  join (
    select id
    from public.customers
  ) l on (customer_id = id) and (CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END)
  where (select exists (select 1 from "Δ mark join 2"))
  union all
  select id, id_2, customer_id, status, mark, mark_2, -(l.__w * r.__w) as __w
  from "Δ c" l
  join "Δ mark join 2" r on (customer_id = id) and (CASE WHEN mark THEN true WHEN mark_2 THEN NULL ELSE false END)
  where (select exists (select 1 from "Δ c"))
    and (select exists (select 1 from "Δ mark join 2"))
  union all
  select id, id_2, customer_id, status, mark, mark_2, l.__w
  from "Δ without a match" l
  left join "Δ mark join 2" r on false
  union all
  select id, id_2, customer_id, status, mark, mark_2, l.__w
  from "Δ without a match 2" l
  left join "Δ c" r on false
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
"deleted from either_side" as (
  delete from public.either_side t
  using changes c
  where t.__key = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to either_side" as (
  insert into public.either_side as t (id, order_id, __key)
  select __new_1, __new_2, __key_1
  from changes
  where __alive
  on conflict (__key) do update set id = excluded.id, order_id = excluded.order_id
  returning 1
)
