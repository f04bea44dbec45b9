__r as not materialized (
  select t.src_2 as src_2, t.dst_2 as dst_2, t.__key as __known
  from freshet_changes.stage_29ba187de26cb980_1 t
),
"Δ edges" as (
  select src, dst, __w
  from "window of edges"
  where (select go from gate)
),
"Δ project" as (
  select src as src_2, dst as dst_2, __w
  from "Δ edges"
),
"Δ e" as (
  select src as src_4, dst as dst_4, __w
  from "window of edges"
  where (select go from gate)
),
"Δ join" as (
  select src_3, dst_3, src_4, dst_4, r.__w as __w
  from "Δ e" r
  join (
    select src_2 as src_3, dst_2 as dst_3
    from __r
  ) l on (src_4 = dst_3)
  where (select go from gate)
),
"Δ project 2" as (
  select src_3 as src_2, dst_4 as dst_2, __w
  from "Δ join"
),
"Δ seeds" as (
  select src_2, dst_2, __w
  from "Δ project"
  union all
  select src_2, dst_2, __w
  from "Δ project 2"
),
"Δ lost" as materialized (
  with recursive __r (src_2, dst_2) as (
    select src_2, dst_2
    from (
      select *, substr(sha256(record_send(row(src_2::integer, dst_2::integer))), 1, 16) as __known
      from (
        select src_2, dst_2
        from "Δ seeds"
        where __w < 0
      ) s
    ) k
    where (select true from freshet_changes.stage_29ba187de26cb980_1 t where t.__key = __known)
    union
    select src_2, dst_2
    from (
      select *, substr(sha256(record_send(row(src_2::integer, dst_2::integer))), 1, 16) as __known
      from (
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
      ) s
    ) k
    where (select true from freshet_changes.stage_29ba187de26cb980_1 t where t.__key = __known)
  )
  select src_2, dst_2, substr(sha256(record_send(row(src_2::integer, dst_2::integer))), 1, 16) as __known
  from __r
  limit (select greatest(reltuples, 0)::bigint + 1000 from pg_catalog.pg_class where oid = 'freshet_changes.stage_29ba187de26cb980_1'::regclass) + 1
),
"Δ candidates" as (
  select src_2, dst_2
  from "Δ lost"
  union
  select src_2, dst_2
  from "Δ seeds"
  where __w > 0
),
"kept __r" as not materialized (
  select src_2, dst_2
  from __r
  where not __known in (select l.__known from "Δ lost" l)
),
"Δ ways" as materialized (
  select src_2, dst_2
  from (
    select src as src_2, dst as dst_2
    from (
      select src, dst
      from public.edges
    ) p
  ) w
  where (select exists (select 1 from "Δ lost"))
    and (src_2, dst_2) in (select src_2, dst_2 from "Δ candidates")
  union all
  select src_2, dst_2
  from (
    select src_3 as src_2, dst_4 as dst_2
    from (
      select src_3, dst_3, src_4, dst_4
      from (
        select src_2 as src_3, dst_2 as dst_3
        from "kept __r"
      ) l
      join (
        select src as src_4, dst as dst_4
        from public.edges
      ) r on (src_4 = dst_3)
    ) p
  ) w
  where (select exists (select 1 from "Δ lost"))
    and (src_2, dst_2) in (select src_2, dst_2 from "Δ candidates")
  union all
  select src_2, dst_2
  from "Δ seeds"
  where not (select exists (select 1 from "Δ lost"))
  group by src_2, dst_2
  having sum(__w) > 0
),
"Δ gained" as materialized (
  with recursive __r (src_2, dst_2) as (
    select src_2, dst_2
    from (
      select *, substr(sha256(record_send(row(src_2::integer, dst_2::integer))), 1, 16) as __known
      from (
        select src_2, dst_2
        from "Δ ways"
      ) s
    ) k
    where ((select true from freshet_changes.stage_29ba187de26cb980_1 t where t.__key = __known) is null or __known in (select l.__known from "Δ lost" l))
    union
    select src_2, dst_2
    from (
      select *, substr(sha256(record_send(row(src_2::integer, dst_2::integer))), 1, 16) as __known
      from (
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
      ) s
    ) k
    where ((select true from freshet_changes.stage_29ba187de26cb980_1 t where t.__key = __known) is null or __known in (select l.__known from "Δ lost" l))
  )
  select src_2, dst_2
  from __r
  limit (select greatest(reltuples, 0)::bigint + 1000 from pg_catalog.pg_class where oid = 'freshet_changes.stage_29ba187de26cb980_1'::regclass) + 1
),
again as (
  select
  where (select count(*) from "Δ lost") > (select greatest(reltuples, 0)::bigint + 1000 from pg_catalog.pg_class where oid = 'freshet_changes.stage_29ba187de26cb980_1'::regclass)
    or (select count(*) from "Δ gained") > (select greatest(reltuples, 0)::bigint + 1000 from pg_catalog.pg_class where oid = 'freshet_changes.stage_29ba187de26cb980_1'::regclass)
    or ((select exists (select 1 from "Δ lost")) and exists (select 1 from "Δ candidates" where src_2 is null or dst_2 is null))
),
"Δ recursion" as (
  select (src_2)::integer as src_2, (dst_2)::integer as dst_2, __w
  from (
    select src_2, dst_2, 1 as __w
    from "Δ gained"
    union all
    select src_2, dst_2, -1 as __w
    from "Δ lost"
  ) r
  where not (select exists (select 1 from again))
  union all
  select (src_2)::integer as src_2, (dst_2)::integer as dst_2, __w
  from (
    select *, 1 as __w
    from (
      with recursive __r (src_2, dst_2) as (
        select src_2, dst_2
        from (
          select src as src_2, dst as dst_2
          from (
            select src, dst
            from public.edges
          ) p
        ) b
        where num_nulls(src_2, dst_2) between (select 0) and (select 1664)
          and num_nonnulls(src_2, dst_2) between (select 0) and (select 1664)
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
  ) r
  where (select exists (select 1 from again))
    and num_nulls(src_2, dst_2) between (select 0) and (select 1664)
    and num_nonnulls(src_2, dst_2) between (select 0) and (select 1664)
  union all
  select src_2, dst_2, -1 as __w
  from freshet_changes.stage_29ba187de26cb980_1
  where (select exists (select 1 from again))
    and num_nulls(src_2, dst_2) between (select 0) and (select 1664)
    and num_nonnulls(src_2, dst_2) between (select 0) and (select 1664)
),
"Δ net" as (
  select src_2, dst_2, sum(__w) as __w
  from "Δ recursion"
  group by src_2, dst_2
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, substr(sha256(record_send(row(src_2::integer, dst_2::integer))), 1, 16) as __key_1
  from "Δ net"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.src_2 as __old_1, l.dst_2 as __old_2, a.src_2 as __new_1, a.dst_2 as __new_2
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
"Δ stage" as (
  select __old_1 as src_2, __old_2 as dst_2, -1 as __w
  from changes
  where __existed
    and true
  union all
  select __new_1 as src_2, __new_2 as dst_2, 1 as __w
  from changes
  where __alive
    and true
),
"deleted from stage_29ba187de26cb980_1" as (
  delete from freshet_changes.stage_29ba187de26cb980_1 t
  using changes c
  where t.__key = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to stage_29ba187de26cb980_1" as (
  insert into freshet_changes.stage_29ba187de26cb980_1 as t (src_2, dst_2, __key)
  select __new_1, __new_2, __key_1
  from changes
  where __alive
  on conflict (__key) do update set src_2 = excluded.src_2, dst_2 = excluded.dst_2
  returning 1
),
"Δ project 3" as (
  select src_2 as src_5, __w
  from "Δ stage"
),
"Δ project 4" as (
  select src_5 as src_5, __w
  from "Δ project 3"
),
"Δ groups" as (
  select src_5, sum(__w) as "__count(*)"
  from "Δ project 4"
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
"Δ net 2" as (
  select src, n, sum(__w) as __w
  from "Δ output"
  group by src, n
  having sum(__w) <> 0
),
"Δ keyed 2" as (
  select *, substr(sha256(record_send(row(src::integer))), 1, 16) as __key_1
  from "Δ net 2"
),
"changes 2" as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.src as __old_1, l.n as __old_2, a.src as __new_1, a.n as __new_2
  from (
    select *
    from "Δ keyed 2"
    where __w > 0
  ) a
  full join (
    select *
    from "Δ keyed 2"
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
