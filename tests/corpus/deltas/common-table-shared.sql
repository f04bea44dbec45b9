"Δ payments" as (
  select customer_id, amount, __w
  from "window of payments"
  where (select go from gate)
),
"Δ project" as (
  select customer_id as customer_id, amount as amount, __w
  from "Δ payments"
),
"Δ groups" as (
  select customer_id, sum(__w) as "__count(*)", sum(case when __w = 1 then amount when __w = -1 then -amount else amount * __w end) as "__sum amount", sum(__w) filter (where amount is not null) as "__count filter (where amount is not null)"
  from "Δ project"
  group by customer_id
),
groups as (
  select d.customer_id, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, case when coalesce(t.__s2, 0) + coalesce(d."__count filter (where amount is not null)", 0)::bigint = 0 then null else (coalesce(t.sum, 0) + coalesce(d."__sum amount", 0))::numeric end as __slot_2, coalesce(t.__s2, 0) + coalesce(d."__count filter (where amount is not null)", 0)::bigint as __slot_3, t.customer_id as __old_1, t.sum as __old_2, coalesce((coalesce(t.sum, 0) + coalesce(d."__sum amount", 0)) = any ('{NaN,Infinity,-Infinity}'::numeric[]), false) as __again
  from (
    select *, substr(sha256(record_send(row(customer_id::integer))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_07061d32918ee3f4_1 t on t.__key = d.__key_1
),
"groups again" as (
  select customer_id as __wanted_1
  from groups
  where __again
),
"groups computed again" as (
  select *, substr(sha256(record_send(row(customer_id::integer))), 1, 16) as __key_1
  from (
    select customer_id, count(*) as __slot_1, (sum(amount))::numeric as __slot_2, count(*) filter (where amount is not null) as __slot_3
    from (
      select r.*
      from "groups again" w
      join (
        select customer_id as customer_id, amount as amount
        from (
          select customer_id, amount
          from public.payments
        ) p
      ) r on r.customer_id = w.__wanted_1
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select customer_id as customer_id, amount as amount
        from (
          select customer_id, amount
          from public.payments
        ) p
      ) r on (r.customer_id = w.__wanted_1 or (r.customer_id is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again" w where w.__wanted_1 is null))
    ) g
    group by customer_id
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, __old_1, __old_2, (customer_id)::integer as __new_1, (sum)::numeric as __new_2
  from (
    select *, __slot_2 as sum
    from (
      select s.customer_id, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__slot_3, s.__old_1, s.__old_2
      from groups s
      where not s.__again
      union all
      select s.customer_id, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, coalesce(a.__slot_3, 0) as __slot_3, s.__old_1, s.__old_2
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as customer_id, __old_2 as sum, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as customer_id, __new_2 as sum, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_07061d32918ee3f4_1" as (
  delete from freshet_changes.stage_07061d32918ee3f4_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_07061d32918ee3f4_1" as (
  insert into freshet_changes.stage_07061d32918ee3f4_1 as t (customer_id, sum, __key, __n, __s2)
  select __new_1, __new_2, __key_1, __slot_1, __slot_3
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_07061d32918ee3f4_1" as (
  update freshet_changes.stage_07061d32918ee3f4_1 t
  set customer_id = __new_1, sum = __new_2, __n = __slot_1, __s2 = __slot_3
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ project 2" as (
  select sum as total_3, __w
  from "Δ stage"
),
"Δ project 3" as (
  select total_3 as total_3, __w
  from "Δ project 2"
),
"Δ net" as (
  select (array_agg(total_3))[1] as total_3, sum(__w) as __w
  from "Δ project 3"
  group by record_send(row(total_3))
  having sum(__w) <> 0
),
"Δ groups 2" as (
  select sum(__w) as "__count(*)", max(total_3) filter (where __w > 0) as "__arrived max(total_3)", max(total_3) filter (where __w < 0) as "__left max(total_3)"
  from "Δ net"
  having count(*) > 0
),
"groups 2" as (
  select d.__key_1, t.__one is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, greatest(t.max, d."__arrived max(total_3)") as __slot_2, t.max as __old_1, coalesce(d."__left max(total_3)" >= greatest(t.max, d."__arrived max(total_3)"), false) as __again
  from (
    select *, true as __key_1
    from "Δ groups 2"
  ) d
  left join freshet_changes.stage_07061d32918ee3f4_2 t on t.__one = d.__key_1
),
"groups again 2" as (
  select
  from "groups 2"
  where __again
),
"groups computed again 2" as (
  select *, true as __key_1
  from (
    select count(*) as __slot_1, max(total_3) as __slot_2
    from (
      select *
      from (
        select total_3 as total_3
        from (
          select sum as total_3
          from (
            select t.customer_id, t.sum
            from freshet_changes.stage_07061d32918ee3f4_1 t
            where (t.__key) not in (select c.__key_1 from "groups after" c)
          ) p
        ) p
      ) r
      where (select exists (select 1 from "groups again 2"))
      union all
      select *
      from (
        select total_3 as total_3
        from (
          select sum as total_3
          from (
            select __new_1 as customer_id, __new_2 as sum
            from "groups after"
            where __slot_1 > 0
          ) p
        ) p
      ) r
      where (select exists (select 1 from "groups again 2"))
    ) g
  ) k
),
"groups after 2" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __old_1, (max)::numeric as __new_1
  from (
    select *, __slot_2 as max
    from (
      select s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__old_1
      from "groups 2" s
      where not s.__again
      union all
      select s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, s.__old_1
      from "groups 2" s
      left join "groups computed again 2" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage 2" as (
  select __old_1 as max, -1 as __w
  from "groups after 2"
  where __existed
    and (not __existed or not (true) or row(__new_1)::record *<> row(__old_1)::record)
  union all
  select __new_1 as max, 1 as __w
  from "groups after 2"
  where true
    and (not __existed or not (true) or row(__new_1)::record *<> row(__old_1)::record)
),
"deleted from stage_07061d32918ee3f4_2" as (
  delete from freshet_changes.stage_07061d32918ee3f4_2 t
  using "groups after 2" c
  where t.ctid = c.__at and c.__existed and not (true)
  returning 1
),
"inserted into stage_07061d32918ee3f4_2" as (
  insert into freshet_changes.stage_07061d32918ee3f4_2 as t (max, __one, __n)
  select __new_1, __key_1, __slot_1
  from "groups after 2"
  where true
    and not __existed
  returning 1
),
"updated in stage_07061d32918ee3f4_2" as (
  update freshet_changes.stage_07061d32918ee3f4_2 t
  set max = __new_1, __n = __slot_1
  from "groups after 2" c
  where t.ctid = c.__at and c.__existed and true
  returning 1
),
"Δ project 4" as (
  select customer_id as customer_id_2, sum as total, __w
  from "Δ stage"
),
"Δ project 5" as (
  select sum as total_2, __w
  from "Δ stage"
),
touched as (
  select *, row_number() over () as __i
  from (
    select customer_id_2, total, 1 as __w
    from (
      select customer_id as customer_id_2, sum as total
      from (
        select customer_id, sum
        from freshet_changes.stage_07061d32918ee3f4_1
      ) p
    ) l
    where exists (select 1 from "Δ project 5" r where (total_2 > total))
  ) l
),
crossings as (
  select customer_id_2, total, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.customer_id_2, l.total, l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ project 5" r on (total_2 > total)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select sum as total_2
          from (
            select t.customer_id, t.sum
            from freshet_changes.stage_07061d32918ee3f4_1 t
            where (t.__key) not in (select c.__key_1 from "groups after" c)
          ) p
        ) r
        where (total_2 > total)
        union all
        select 1
        from (
          select sum as total_2
          from (
            select __new_1 as customer_id, __new_2 as sum
            from "groups after"
            where __slot_1 > 0
          ) p
        ) r
        where (total_2 > total)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ semi join" as (
  select customer_id_2, total, __w
  from "Δ project 4" l
  where exists (
    select 1
    from (
      select sum as total_2
      from (
        select t.customer_id, t.sum
        from freshet_changes.stage_07061d32918ee3f4_1 t
        where (t.__key) not in (select c.__key_1 from "groups after" c)
      ) p
    ) r
    where (total_2 > total)
  )
  union all
  select customer_id_2, total, __w
  from "Δ project 4" l
  where exists (
    select 1
    from (
      select sum as total_2
      from (
        select __new_1 as customer_id, __new_2 as sum
        from "groups after"
        where __slot_1 > 0
      ) p
    ) r
    where (total_2 > total)
  )
    and not exists (
    select 1
    from (
      select sum as total_2
      from (
        select t.customer_id, t.sum
        from freshet_changes.stage_07061d32918ee3f4_1 t
        where (t.__key) not in (select c.__key_1 from "groups after" c)
      ) p
    ) r
    where (total_2 > total)
  )
  union all
  select customer_id_2, total, case when __is then __w else -__w end as __w
  from crossings
),
"touched 2" as (
  select *, row_number() over () as __i
  from (
    select customer_id_2, total, 1 as __w
    from (
      select customer_id_2, total
      from (
        select customer_id as customer_id_2, sum as total
        from (
          select customer_id, sum
          from freshet_changes.stage_07061d32918ee3f4_1
        ) p
      ) l
      where exists (
        select 1
        from (
          select sum as total_2
          from (
            select customer_id, sum
            from freshet_changes.stage_07061d32918ee3f4_1
          ) p
        ) r
        where (total_2 > total)
      )
    ) l
    where exists (select 1 from "Δ stage 2" r)
  ) l
),
"crossings 2" as (
  select customer_id_2, total, __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.customer_id_2, l.total, l.__w, d.__m, n.__n
    from "touched 2" l
    join (
      select l.__i, sum(r.__w) as __m
      from "touched 2" l
      cross join "Δ stage 2" r
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select t.max
          from freshet_changes.stage_07061d32918ee3f4_2 t
          where (t.__one) not in (select c.__key_1 from "groups after 2" c)
        ) r
        union all
        select 1
        from (
          select __new_1 as max
          from "groups after 2"
          where true
        ) r
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match" as (
  select customer_id_2, total, __w
  from "Δ semi join" l
  where not exists (
    select 1
    from (
      select t.max
      from freshet_changes.stage_07061d32918ee3f4_2 t
      where (t.__one) not in (select c.__key_1 from "groups after 2" c)
    ) r
  )
    and not exists (
    select 1
    from (
      select __new_1 as max
      from "groups after 2"
      where true
    ) r
  )
  union all
  select customer_id_2, total, case when __is then -__w else __w end as __w
  from "crossings 2"
),
"Δ join" as (
  select customer_id_2, total, max, l.__w as __w
  from "Δ semi join" l
  cross join (
    select max
    from freshet_changes.stage_07061d32918ee3f4_2
  ) r
  where (select exists (select 1 from "Δ semi join"))
  union all
  select customer_id_2, total, max, r.__w as __w
  from "Δ stage 2" r
  cross join (
    select customer_id_2, total
    from (
      select customer_id as customer_id_2, sum as total
      from (
        select customer_id, sum
        from freshet_changes.stage_07061d32918ee3f4_1
      ) p
    ) l
    where exists (
      select 1
      from (
        select sum as total_2
        from (
          select customer_id, sum
          from freshet_changes.stage_07061d32918ee3f4_1
        ) p
      ) r
      where (total_2 > total)
    )
  ) l
  where (select exists (select 1 from "Δ stage 2"))
  union all
  select customer_id_2, total, max, l.__w * r.__w as __w
  from "Δ semi join" l
  cross join "Δ stage 2" r
  where (select exists (select 1 from "Δ semi join"))
    and (select exists (select 1 from "Δ stage 2"))
  union all
  select customer_id_2, total, max, l.__w
  from "Δ without a match" l
  left join "Δ stage 2" r on false
),
"Δ project 6" as (
  select customer_id_2 as customer_id_6, total as total_5, max as most, __w
  from "Δ join"
),
"Δ project 7" as (
  select customer_id as customer_id_5, sum as total_4, __w
  from "Δ stage"
),
"Δ filter" as (
  select customer_id_5, total_4, __w
  from "Δ project 7"
  where (total_4 IS NULL)
),
"Δ project 8" as (
  select customer_id_5 as customer_id_6, total_4 as total_5, NULL::numeric as most, __w
  from "Δ filter"
),
"Δ union all" as (
  select customer_id_6, total_5, most, __w
  from "Δ project 6"
  union all
  select customer_id_6, total_5, most, __w
  from "Δ project 8"
),
"Δ output" as (
  select (customer_id_6)::integer as customer_id, (total_5)::numeric as total, (most)::numeric as most, __w
  from "Δ union all"
),
"Δ net 2" as (
  select (array_agg(customer_id))[1] as customer_id, (array_agg(total))[1] as total, (array_agg(most))[1] as most, __row, sum(__w) as __w
  from (
    select customer_id, total, most, substr(sha256(record_send(row(customer_id::integer, total::numeric, most::numeric))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.common_table_shared t where t.__row = n.__row) as __have
  from "Δ net 2" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, customer_id as __value_1, total as __value_2, most as __value_3
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from common_table_shared" as (
  delete from public.common_table_shared t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to common_table_shared" as (
  insert into public.common_table_shared as t (customer_id, total, most, __row, __ord)
  select __value_1, __value_2, __value_3, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set customer_id = excluded.customer_id, total = excluded.total, most = excluded.most
  returning 1
)
