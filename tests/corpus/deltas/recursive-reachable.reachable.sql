__r as not materialized (
  select t.src as src_2, t.dst as dst_2, t.__key as __known
  from public.reachable t
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
    where (select true from public.reachable t where t.__key = __known)
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
    where (select true from public.reachable t where t.__key = __known)
  )
  select src_2, dst_2, substr(sha256(record_send(row(src_2::integer, dst_2::integer))), 1, 16) as __known
  from __r
  limit (select greatest(reltuples, 0)::bigint + 1000 from pg_catalog.pg_class where oid = 'public.reachable'::regclass) + 1
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
    where ((select true from public.reachable t where t.__key = __known) is null or __known in (select l.__known from "Δ lost" l))
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
    where ((select true from public.reachable t where t.__key = __known) is null or __known in (select l.__known from "Δ lost" l))
  )
  select src_2, dst_2
  from __r
  limit (select greatest(reltuples, 0)::bigint + 1000 from pg_catalog.pg_class where oid = 'public.reachable'::regclass) + 1
),
again as (
  select
  where (select count(*) from "Δ lost") > (select greatest(reltuples, 0)::bigint + 1000 from pg_catalog.pg_class where oid = 'public.reachable'::regclass)
    or (select count(*) from "Δ gained") > (select greatest(reltuples, 0)::bigint + 1000 from pg_catalog.pg_class where oid = 'public.reachable'::regclass)
    or ((select exists (select 1 from "Δ lost")) and exists (select 1 from "Δ candidates" where src_2 is null or dst_2 is null))
),
"Δ recursion" as (
  select (src_2)::integer as src, (dst_2)::integer as dst, __w
  from (
    select src_2, dst_2, 1 as __w
    from "Δ gained"
    union all
    select src_2, dst_2, -1 as __w
    from "Δ lost"
  ) r
  where not (select exists (select 1 from again))
  union all
  select (src_2)::integer as src, (dst_2)::integer as dst, __w
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
  select src, dst, -1 as __w
  from public.reachable
  where (select exists (select 1 from again))
    and num_nulls(src, dst) between (select 0) and (select 1664)
    and num_nonnulls(src, dst) between (select 0) and (select 1664)
),
"Δ net" as (
  select src, dst, sum(__w) as __w
  from "Δ recursion"
  group by src, dst
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, substr(sha256(record_send(row(src::integer, dst::integer))), 1, 16) as __key_1
  from "Δ net"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.src as __old_1, l.dst as __old_2, a.src as __new_1, a.dst as __new_2
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
"deleted from reachable" as (
  delete from public.reachable t
  using changes c
  where t.__key = c.__key_1 and c.__existed and not (__alive)
  returning 1
),
"written to reachable" as (
  insert into public.reachable as t (src, dst, __key)
  select __new_1, __new_2, __key_1
  from changes
  where __alive
  on conflict (__key) do update set src = excluded.src, dst = excluded.dst
  returning 1
)
