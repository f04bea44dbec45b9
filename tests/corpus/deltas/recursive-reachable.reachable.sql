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
    select src, dst, __key
    from (
      select *, substr(sha256(record_send(row(src::integer, dst::integer))), 1, 16) as __key
      from (
        select __item_1 as src, __item_2 as dst
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
  ) as f(src, dst, __key)
),
changes as (
  select coalesce(t.__key, f.__key) as __key_1, t.__key is not null as __existed, t.__at, f.__key is not null as __alive, f.src as __new_1, f.dst as __new_2, f.__key as __new_3, t.src as __old_1, t.dst as __old_2, row(t.src, t.dst)::record *<> row(f.src, f.dst)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from public.reachable t
    where (select exists (select 1 from "Δ below"))
  ) t on t.__key = f.__key
  where (t.__key is null or f.__key is null or row(t.src, t.dst, t.__key)::record *<> row(f.src, f.dst, f.__key)::record)
),
"deleted from reachable" as (
  delete from public.reachable t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into reachable" as (
  insert into public.reachable as t (src, dst, __key)
  select __new_1, __new_2, __new_3
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in reachable" as (
  update public.reachable t
  set src = __new_1, dst = __new_2
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
)
