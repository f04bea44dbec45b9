"Δ customers" as (
  select region, credit, __w
  from "window of customers"
  where (select go from gate)
),
"Δ project" as (
  select region as region, credit as credit, __w
  from "Δ customers"
),
"Δ groups" as (
  select region, sum(__w) as "__count(*)", sum(case when __w = 1 then credit when __w = -1 then -credit else credit * __w end) as "__sum credit", sum(__w) filter (where credit is not null) as "__count filter (where credit is not null)"
  from "Δ project"
  group by region
),
groups as (
  select d.region, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, case when coalesce(t.__s2, 0) + coalesce(d."__count filter (where credit is not null)", 0)::bigint = 0 then null else (coalesce(t.sum, 0) + coalesce(d."__sum credit", 0))::numeric end as __slot_2, coalesce(t.__s2, 0) + coalesce(d."__count filter (where credit is not null)", 0)::bigint as __slot_3, t.region as __old_1, t.sum as __old_2, coalesce((coalesce(t.sum, 0) + coalesce(d."__sum credit", 0)) = any ('{NaN,Infinity,-Infinity}'::numeric[]), false) as __again
  from (
    select *, substr(sha256(record_send(row(region::text))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_fa046ff08a1590c7_1 t on t.__key = d.__key_1
),
"groups again" as (
  select region as __wanted_1
  from groups
  where __again
),
"groups computed again" as (
  select *, substr(sha256(record_send(row(region::text))), 1, 16) as __key_1
  from (
    select region, count(*) as __slot_1, (sum(credit))::numeric as __slot_2, count(*) filter (where credit is not null) as __slot_3
    from (
      select r.*
      from "groups again" w
      join (
        select region as region, credit as credit
        from (
          select region, credit
          from public.customers
        ) p
      ) r on r.region = w.__wanted_1
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select region as region, credit as credit
        from (
          select region, credit
          from public.customers
        ) p
      ) r on (r.region = w.__wanted_1 or (r.region is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again" w where w.__wanted_1 is null))
    ) g
    group by region
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, __old_1, __old_2, (region)::text as __new_1, (sum)::numeric as __new_2
  from (
    select *, __slot_2 as sum
    from (
      select s.region, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__slot_3, s.__old_1, s.__old_2
      from groups s
      where not s.__again
      union all
      select s.region, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, coalesce(a.__slot_3, 0) as __slot_3, s.__old_1, s.__old_2
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as region, __old_2 as sum, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as region, __new_2 as sum, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_fa046ff08a1590c7_1" as (
  delete from freshet_changes.stage_fa046ff08a1590c7_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_fa046ff08a1590c7_1" as (
  insert into freshet_changes.stage_fa046ff08a1590c7_1 as t (region, sum, __key, __n, __s2)
  select __new_1, __new_2, __key_1, __slot_1, __slot_3
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_fa046ff08a1590c7_1" as (
  update freshet_changes.stage_fa046ff08a1590c7_1 t
  set region = __new_1, sum = __new_2, __n = __slot_1, __s2 = __slot_3
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ project 2" as (
  select credit as credit, __w
  from "Δ customers"
),
"Δ groups 2" as (
  select sum(__w) as "__count(*)", sum(case when __w = 1 then credit when __w = -1 then -credit else credit * __w end) as "__sum credit", sum(__w) filter (where credit is not null) as "__count filter (where credit is not null)"
  from "Δ project 2"
  having count(*) > 0
),
"groups 2" as (
  select d.__key_1, t.__one is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, case when coalesce(t.__s2, 0) + coalesce(d."__count filter (where credit is not null)", 0)::bigint = 0 then null else (coalesce(t.sum_2, 0) + coalesce(d."__sum credit", 0))::numeric end as __slot_2, coalesce(t.__s2, 0) + coalesce(d."__count filter (where credit is not null)", 0)::bigint as __slot_3, t.sum_2 as __old_1, coalesce((coalesce(t.sum_2, 0) + coalesce(d."__sum credit", 0)) = any ('{NaN,Infinity,-Infinity}'::numeric[]), false) as __again
  from (
    select *, true as __key_1
    from "Δ groups 2"
  ) d
  left join freshet_changes.stage_fa046ff08a1590c7_2 t on t.__one = d.__key_1
),
"groups again 2" as (
  select
  from "groups 2"
  where __again
),
"groups computed again 2" as (
  select *, true as __key_1
  from (
    select count(*) as __slot_1, (sum(credit))::numeric as __slot_2, count(*) filter (where credit is not null) as __slot_3
    from (
      select *
      from (
        select credit as credit
        from (
          select region, credit
          from public.customers
        ) p
      ) r
      where (select exists (select 1 from "groups again 2"))
    ) g
  ) k
),
"groups after 2" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, __old_1, (sum_2)::numeric as __new_1
  from (
    select *, __slot_2 as sum_2
    from (
      select s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__slot_3, s.__old_1
      from "groups 2" s
      where not s.__again
      union all
      select s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, coalesce(a.__slot_3, 0) as __slot_3, s.__old_1
      from "groups 2" s
      left join "groups computed again 2" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage 2" as (
  select __old_1 as sum_2, -1 as __w
  from "groups after 2"
  where __existed
    and (not __existed or not (true) or row(__new_1)::record *<> row(__old_1)::record)
  union all
  select __new_1 as sum_2, 1 as __w
  from "groups after 2"
  where true
    and (not __existed or not (true) or row(__new_1)::record *<> row(__old_1)::record)
),
"deleted from stage_fa046ff08a1590c7_2" as (
  delete from freshet_changes.stage_fa046ff08a1590c7_2 t
  using "groups after 2" c
  where t.ctid = c.__at and c.__existed and not (true)
  returning 1
),
"inserted into stage_fa046ff08a1590c7_2" as (
  insert into freshet_changes.stage_fa046ff08a1590c7_2 as t (sum_2, __one, __n, __s2)
  select __new_1, __key_1, __slot_1, __slot_3
  from "groups after 2"
  where true
    and not __existed
  returning 1
),
"updated in stage_fa046ff08a1590c7_2" as (
  update freshet_changes.stage_fa046ff08a1590c7_2 t
  set sum_2 = __new_1, __n = __slot_1, __s2 = __slot_3
  from "groups after 2" c
  where t.ctid = c.__at and c.__existed and true
  returning 1
),
"Δ project 3" as (
  select region as part_4, sum as part_2_2, 0 as part_3_2, __w
  from "Δ stage"
),
"Δ project 4" as (
  select region as left_out, __w
  from "Δ customers"
),
"Δ join" as (
  select sum_2, left_out, l.__w
  from "Δ stage 2" l
  left join "Δ project 4" r on false
),
"Δ project 5" as (
  select left_out as part_4, sum_2 as part_2_2, 1 as part_3_2, __w
  from "Δ join"
),
"Δ union all" as (
  select part_4, part_2_2, part_3_2, __w
  from "Δ project 3"
  union all
  select part_4, part_2_2, part_3_2, __w
  from "Δ project 5"
),
"Δ project 6" as (
  select part_4 as part, part_2_2 as part_2, part_3_2 as part_3, __w
  from "Δ union all"
),
"Δ project 7" as (
  select part as part, part_2 as part_2, part_3 as part_3, __w
  from "Δ project 6"
),
"Δ partitions" as (
  select
  from "Δ project 7"
  limit 1
),
fresh as materialized (
  select * from (
    select region, credit, total, place, percent, __row, row_number() over (partition by __row) as __ord
    from (
      select *, substr(sha256(record_send(row(region::text, credit::numeric, total::integer, place::bigint, percent::numeric))), 1, 16) as __row
      from (
        select __item_1 as region, __item_2 as credit, __item_3 as total, __item_4 as place, __item_5 as percent
        from (
          select (part)::text as __item_1, (part_2)::numeric as __item_2, (part_3)::integer as __item_3, (rank)::bigint as __item_4, ((((part_2 * 100::numeric)) / ((NULLIF (max, 0::numeric)))))::numeric as __item_5
          from (
            select part, part_2, part_3, rank() OVER (PARTITION BY part_3 ORDER BY part_2 DESC NULLS LAST) as rank, max(part_2) OVER () as max
            from (
              select *
              from (
                select part as part, part_2 as part_2, part_3 as part_3
                from (
                  select part_4 as part, part_2_2 as part_2, part_3_2 as part_3
                  from (
                    select part_4, part_2_2, part_3_2
                    from (
                      select region as part_4, sum as part_2_2, 0 as part_3_2
                      from (
                        select region, sum
                        from (
                          select t.region, t.sum, t.__key as __stored_1, true as __stored
                          from freshet_changes.stage_fa046ff08a1590c7_1 t
                          union all
                          select __new_1 as region, __new_2 as sum, __key_1, false
                          from "groups after"
                          where __slot_1 > 0
                        ) s
                        where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
                      ) p
                    ) u
                    union all
                    select part_4, part_2_2, part_3_2
                    from (
                      select left_out as part_4, sum_2 as part_2_2, 1 as part_3_2
                      from (
                        select sum_2, left_out
                        from (
                          select sum_2
                          from (
                            select t.sum_2, t.__one as __stored_1, true as __stored
                            from freshet_changes.stage_fa046ff08a1590c7_2 t
                            union all
                            select __new_1 as sum_2, __key_1, false
                            from "groups after 2"
                            where true
                          ) s
                          where not (__stored and (__stored_1) in (select c.__key_1 from "groups after 2" c))
                        ) l
                        left join (
                          select region as left_out
                          from (
                            select region, credit
                            from public.customers
                          ) p
                        ) r on false
                      ) p
                    ) u
                  ) p
                ) p
              ) r
              where (select exists (select 1 from "Δ partitions"))
            ) w
          ) p
        ) v
      ) n
    ) k
  ) as f(region, credit, total, place, percent, __row, __ord)
),
changes as (
  select coalesce(t.__row, f.__row) as __key_1, coalesce(t.__ord, f.__ord) as __key_2, t.__row is not null as __existed, t.__at, f.__row is not null as __alive, f.region as __new_1, f.credit as __new_2, f.total as __new_3, f.place as __new_4, f.percent as __new_5, f.__row as __new_6, f.__ord as __new_7, t.region as __old_1, t.credit as __old_2, t.total as __old_3, t.place as __old_4, t.percent as __old_5, row(t.region, t.credit, t.total, t.place, t.percent)::record *<> row(f.region, f.credit, f.total, f.place, f.percent)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from public.grouping_sets_in_windows t
    where (select exists (select 1 from "Δ partitions"))
  ) t on t.__row = f.__row and t.__ord = f.__ord
  where (t.__row is null or f.__row is null or row(t.region, t.credit, t.total, t.place, t.percent, t.__row, t.__ord)::record *<> row(f.region, f.credit, f.total, f.place, f.percent, f.__row, f.__ord)::record)
),
"deleted from grouping_sets_in_windows" as (
  delete from public.grouping_sets_in_windows t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into grouping_sets_in_windows" as (
  insert into public.grouping_sets_in_windows as t (region, credit, total, place, percent, __row, __ord)
  select __new_1, __new_2, __new_3, __new_4, __new_5, __new_6, __new_7
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in grouping_sets_in_windows" as (
  update public.grouping_sets_in_windows t
  set region = __new_1, credit = __new_2, total = __new_3, place = __new_4, percent = __new_5
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
)
