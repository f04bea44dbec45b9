"Δ edges" as (
  select src, dst, __w
  from "window of edges"
  where (select go from gate)
),
"Δ e" as (
  select src as src_4, dst as dst_4, __w
  from "window of edges"
  where (select go from gate)
),
"Δ below" as (
  select where exists (select 1 from "Δ edges") or exists (select 1 from "Δ e")
),
fresh as materialized (
  select * from (
    select src_2, dst_2, __key
    from (
      select *, substr(sha256(record_send(row(src_2::integer, dst_2::integer))), 1, 16) as __key
      from (
        select __item_1 as src_2, __item_2 as dst_2
        from (
          select (src_2)::integer as __item_1, (dst_2)::integer as __item_2
          from (
            select *
            from (
              with recursive __r (src_2, dst_2) as (
                select src as src_2, dst as dst_2
                from (
                  select src, dst
                  from public.edges
                ) p
                union
                select src_3 as src_2, dst_4 as dst_2
                from (
                  select src_3, dst_3, src_4, dst_4
                  from (
                    select src_2 as src_3, dst_2 as dst_3
                    from __r
                  ) l
                  join (
                    select src as src_4, dst as dst_4
                    from public.edges
                  ) r on (src_4 = dst_3)
                ) p
              )
              select src_2, dst_2
              from __r
            ) r
            where (select exists (select 1 from "Δ below"))
          ) p
        ) v
      ) n
    ) k
  ) as f(src_2, dst_2, __key)
),
changes as (
  select coalesce(t.__key, f.__key) as __key_1, t.__key is not null as __existed, t.__at, f.__key is not null as __alive, f.src_2 as __new_1, f.dst_2 as __new_2, f.__key as __new_3, t.src_2 as __old_1, t.dst_2 as __old_2, row(t.src_2, t.dst_2)::record *<> row(f.src_2, f.dst_2)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from freshet_changes.stage_29ba187de26cb980_1 t
    where (select exists (select 1 from "Δ below"))
  ) t on t.__key = f.__key
  where (t.__key is null or f.__key is null or row(t.src_2, t.dst_2, t.__key)::record *<> row(f.src_2, f.dst_2, f.__key)::record)
),
"Δ stage" as (
  select __old_1 as src_2, __old_2 as dst_2, -1 as __w
  from changes
  where __existed
    and (not __existed or not (__alive) or __differs)
  union all
  select __new_1 as src_2, __new_2 as dst_2, 1 as __w
  from changes
  where __alive
    and (not __existed or not (__alive) or __differs)
),
"deleted from stage_29ba187de26cb980_1" as (
  delete from freshet_changes.stage_29ba187de26cb980_1 t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into stage_29ba187de26cb980_1" as (
  insert into freshet_changes.stage_29ba187de26cb980_1 as t (src_2, dst_2, __key)
  select __new_1, __new_2, __new_3
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in stage_29ba187de26cb980_1" as (
  update freshet_changes.stage_29ba187de26cb980_1 t
  set src_2 = __new_1, dst_2 = __new_2
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
),
"Δ project" as (
  select src_2 as src_5, __w
  from "Δ stage"
),
"Δ project 2" as (
  select src_5 as src_5, __w
  from "Δ project"
),
"Δ groups" as (
  select src_5, sum(__w) as "__count(*)"
  from "Δ project 2"
  group by src_5
),
groups as (
  select d.src_5, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.count, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, t.src_5 as __old_1, t.count as __old_2
  from (
    select *, substr(sha256(record_send(row(src_5::integer))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_29ba187de26cb980_2 t on t.__key = d.__key_1
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __old_1, __old_2, (src_5)::integer as __new_1, (count)::bigint as __new_2
  from (
    select *, __slot_1 as count
    from (
      select * from groups
    ) s
  ) v
),
"Δ stage 2" as (
  select __old_1 as src_5, __old_2 as count, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as src_5, __new_2 as count, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_29ba187de26cb980_2" as (
  delete from freshet_changes.stage_29ba187de26cb980_2 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_29ba187de26cb980_2" as (
  insert into freshet_changes.stage_29ba187de26cb980_2 as t (src_5, count, __key)
  select __new_1, __new_2, __key_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_29ba187de26cb980_2" as (
  update freshet_changes.stage_29ba187de26cb980_2 t
  set src_5 = __new_1, count = __new_2
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ filter" as (
  select src_5, count, __w
  from "Δ stage 2"
  where (count > 1)
),
"Δ output" as (
  select (src_5)::integer as src, (count)::bigint as n, __w
  from "Δ filter"
),
"Δ net" as (
  select src, n, sum(__w) as __w
  from "Δ output"
  group by src, n
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, substr(sha256(record_send(row(src::integer))), 1, 16) as __key_1
  from "Δ net"
),
"changes 2" as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.src as __old_1, l.n as __old_2, a.src as __new_1, a.n as __new_2
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
"deleted from sizes" as (
  delete from public.sizes t
  using "changes 2" c
  where t.__key = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to sizes" as (
  insert into public.sizes as t (src, n, __key)
  select __new_1, __new_2, __key_1
  from "changes 2"
  where __alive
  on conflict (__key) do update set src = excluded.src, n = excluded.n
  returning 1
)
