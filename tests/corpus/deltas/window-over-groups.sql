"Δ customers" as (
  select region, __w
  from "window of customers"
  where (select go from gate)
),
"Δ project" as (
  select region as region, __w
  from "Δ customers"
),
"Δ groups" as (
  select region, sum(__w) as "__count(*)"
  from "Δ project"
  group by region
),
groups as (
  select d.region, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.count, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, t.region as __old_1, t.count as __old_2
  from (
    select *, substr(sha256(record_send(row(region::text))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_b87d9eedeec860d2_1 t on t.__key = d.__key_1
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __old_1, __old_2, (region)::text as __new_1, (count)::bigint as __new_2
  from (
    select *, __slot_1 as count
    from (
      select * from groups
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as region, __old_2 as count, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as region, __new_2 as count, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_b87d9eedeec860d2_1" as (
  delete from freshet_changes.stage_b87d9eedeec860d2_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_b87d9eedeec860d2_1" as (
  insert into freshet_changes.stage_b87d9eedeec860d2_1 as t (region, count, __key)
  select __new_1, __new_2, __key_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_b87d9eedeec860d2_1" as (
  update freshet_changes.stage_b87d9eedeec860d2_1 t
  set region = __new_1, count = __new_2
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ project 2" as (
  select region as region, count as count, __w
  from "Δ stage"
),
"Δ partitions" as (
  select
  from "Δ project 2"
  limit 1
),
fresh as materialized (
  select * from (
    select region, customers, place, percent, __key
    from (
      select *, substr(sha256(record_send(row(region::text))), 1, 16) as __key
      from (
        select __item_1 as region, __item_2 as customers, __item_3 as place, __item_4 as percent
        from (
          select (region)::text as __item_1, (count)::bigint as __item_2, (dense_rank)::bigint as __item_3, ((CAST((count * 100) AS numeric) / sum))::numeric as __item_4
          from (
            select region, count, dense_rank() OVER (ORDER BY count DESC) as dense_rank, sum(count) OVER () as sum
            from (
              select *
              from (
                select region as region, count as count
                from (
                  select t.region, t.count
                  from freshet_changes.stage_b87d9eedeec860d2_1 t
                  where (t.__key) not in (select c.__key_1 from "groups after" c)
                ) p
              ) r
              where (select exists (select 1 from "Δ partitions"))
              union all
              select *
              from (
                select region as region, count as count
                from (
                  select __new_1 as region, __new_2 as count
                  from "groups after"
                  where __slot_1 > 0
                ) p
              ) r
              where (select exists (select 1 from "Δ partitions"))
            ) w
          ) p
        ) v
      ) n
    ) k
  ) as f(region, customers, place, percent, __key)
),
changes as (
  select coalesce(t.__key, f.__key) as __key_1, t.__key is not null as __existed, t.__at, f.__key is not null as __alive, f.region as __new_1, f.customers as __new_2, f.place as __new_3, f.percent as __new_4, f.__key as __new_5, t.region as __old_1, t.customers as __old_2, t.place as __old_3, t.percent as __old_4, row(t.region, t.customers, t.place, t.percent)::record *<> row(f.region, f.customers, f.place, f.percent)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from public.window_over_groups t
    where (select exists (select 1 from "Δ partitions"))
  ) t on t.__key = f.__key
  where (t.__key is null or f.__key is null or row(t.region, t.customers, t.place, t.percent, t.__key)::record *<> row(f.region, f.customers, f.place, f.percent, f.__key)::record)
),
"deleted from window_over_groups" as (
  delete from public.window_over_groups t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into window_over_groups" as (
  insert into public.window_over_groups as t (region, customers, place, percent, __key)
  select __new_1, __new_2, __new_3, __new_4, __new_5
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in window_over_groups" as (
  update public.window_over_groups t
  set region = __new_1, customers = __new_2, place = __new_3, percent = __new_4
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
)
