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
  left join freshet_changes.stage_b19ca38960a5a9b3_1 t on t.__key = d.__key_1
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
"deleted from stage_b19ca38960a5a9b3_1" as (
  delete from freshet_changes.stage_b19ca38960a5a9b3_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_b19ca38960a5a9b3_1" as (
  insert into freshet_changes.stage_b19ca38960a5a9b3_1 as t (customer_id, sum, __key, __n, __s2)
  select __new_1, __new_2, __key_1, __slot_1, __slot_3
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_b19ca38960a5a9b3_1" as (
  update freshet_changes.stage_b19ca38960a5a9b3_1 t
  set customer_id = __new_1, sum = __new_2, __n = __slot_1, __s2 = __slot_3
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ project 2" as (
  select sum as spent_2, __w
  from "Δ stage"
),
"Δ project 3" as (
  select spent_2 as spent_2, __w
  from "Δ project 2"
),
"Δ net" as (
  select (array_agg(spent_2))[1] as spent_2, sum(__w) as __w
  from "Δ project 3"
  group by record_send(row(spent_2))
  having sum(__w) <> 0
),
"Δ groups 2" as (
  select sum(__w) as "__count(*)", max(spent_2) filter (where __w > 0) as "__arrived max(spent_2)", max(spent_2) filter (where __w < 0) as "__left max(spent_2)"
  from "Δ net"
  having count(*) > 0
),
"groups 2" as (
  select d.__key_1, t.__one is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, greatest(t.max, d."__arrived max(spent_2)") as __slot_2, t.max as __old_1, coalesce(d."__left max(spent_2)" >= greatest(t.max, d."__arrived max(spent_2)"), false) as __again
  from (
    select *, true as __key_1
    from "Δ groups 2"
  ) d
  left join freshet_changes.stage_b19ca38960a5a9b3_2 t on t.__one = d.__key_1
),
"groups again 2" as (
  select
  from "groups 2"
  where __again
),
"groups computed again 2" as (
  select *, true as __key_1
  from (
    select count(*) as __slot_1, max(spent_2) as __slot_2
    from (
      select *
      from (
        select spent_2 as spent_2
        from (
          select sum as spent_2
          from (
            select t.customer_id, t.sum
            from freshet_changes.stage_b19ca38960a5a9b3_1 t
            where (t.__key) not in (select c.__key_1 from "groups after" c)
          ) p
        ) p
      ) r
      where (select exists (select 1 from "groups again 2"))
      union all
      select *
      from (
        select spent_2 as spent_2
        from (
          select sum as spent_2
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
"deleted from stage_b19ca38960a5a9b3_2" as (
  delete from freshet_changes.stage_b19ca38960a5a9b3_2 t
  using "groups after 2" c
  where t.ctid = c.__at and c.__existed and not (true)
  returning 1
),
"inserted into stage_b19ca38960a5a9b3_2" as (
  insert into freshet_changes.stage_b19ca38960a5a9b3_2 as t (max, __one, __n)
  select __new_1, __key_1, __slot_1
  from "groups after 2"
  where true
    and not __existed
  returning 1
),
"updated in stage_b19ca38960a5a9b3_2" as (
  update freshet_changes.stage_b19ca38960a5a9b3_2 t
  set max = __new_1, __n = __slot_1
  from "groups after 2" c
  where t.ctid = c.__at and c.__existed and true
  returning 1
),
"Δ project 4" as (
  select customer_id as customer_id_2, sum as spent, __w
  from "Δ stage"
),
"Δ project 5" as (
  select max as most, __w
  from "Δ stage 2"
),
"Δ join" as (
  select customer_id_2, spent, most, l.__w as __w
  from "Δ project 4" l
  cross join (
    select max as most
    from (
      select max
      from freshet_changes.stage_b19ca38960a5a9b3_2
    ) p
  ) r
  where (select exists (select 1 from "Δ project 4"))
  union all
  select customer_id_2, spent, most, r.__w as __w
  from "Δ project 5" r
  cross join (
    select customer_id as customer_id_2, sum as spent
    from (
      select customer_id, sum
      from freshet_changes.stage_b19ca38960a5a9b3_1
    ) p
  ) l
  where (select exists (select 1 from "Δ project 5"))
  union all
  select customer_id_2, spent, most, l.__w * r.__w as __w
  from "Δ project 4" l
  cross join "Δ project 5" r
  where (select exists (select 1 from "Δ project 4"))
    and (select exists (select 1 from "Δ project 5"))
),
"Δ output" as (
  select (customer_id_2)::integer as customer_id, (spent)::numeric as spent, ((spent = most))::boolean as is_best, __w
  from "Δ join"
),
"Δ net 2" as (
  select customer_id, (array_agg(spent))[1] as spent, is_best, sum(__w) as __w
  from "Δ output"
  group by customer_id, is_best, record_send(row(spent))
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, substr(sha256(record_send(row(customer_id::integer))), 1, 16) as __key_1
  from "Δ net 2"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.customer_id as __old_1, l.spent as __old_2, l.is_best as __old_3, a.customer_id as __new_1, a.spent as __new_2, a.is_best as __new_3
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
"deleted from common_table_twice" as (
  delete from public.common_table_twice t
  using changes c
  where t.__key = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to common_table_twice" as (
  insert into public.common_table_twice as t (customer_id, spent, is_best, __key)
  select __new_1, __new_2, __new_3, __key_1
  from changes
  where __alive
  on conflict (__key) do update set customer_id = excluded.customer_id, spent = excluded.spent, is_best = excluded.is_best
  returning 1
)
