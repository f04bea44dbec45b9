"Δ events" as (
  select user_id, kind, at, __w
  from "window of events"
  where (select go from gate)
),
"Δ project" as (
  select user_id as user_id, kind as kind, at as at, __w
  from "Δ events"
),
"Δ net" as (
  select user_id, kind, at, sum(__w) as __w
  from "Δ project"
  group by user_id, kind, at
  having sum(__w) <> 0
),
"Δ groups" as (
  select user_id, kind, sum(__w) as "__count(*)", max(at) filter (where __w > 0) as "__arrived max(at)", max(at) filter (where __w < 0) as "__left max(at)"
  from "Δ net"
  group by user_id, kind
),
groups as (
  select d.user_id, d.kind, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.count, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, greatest(t.max, d."__arrived max(at)") as __slot_2, t.user_id as __old_1, t.kind as __old_2, t.count as __old_3, t.max as __old_4, coalesce((d."__left max(at)" >= greatest(t.max, d."__arrived max(at)") and coalesce(t.count, 0) + coalesce(d."__count(*)", 0)::bigint > 0), false) as __again
  from (
    select *, substr(sha256(record_send(row(user_id::integer, kind::text))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join freshet_changes.stage_d82a70df0978b9d7_1 t on t.__key = d.__key_1
),
"groups again" as (
  select user_id as __wanted_1, kind as __wanted_2
  from groups
  where __again
),
"groups computed again" as (
  select *, substr(sha256(record_send(row(user_id::integer, kind::text))), 1, 16) as __key_1
  from (
    select user_id, kind, count(*) as __slot_1, max(at) as __slot_2
    from (
      select r.*
      from "groups again" w
      join (
        select user_id as user_id, kind as kind, at as at
        from (
          select user_id, kind, at
          from public.events
        ) p
      ) r on r.user_id = w.__wanted_1 and r.kind = w.__wanted_2
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select user_id as user_id, kind as kind, at as at
        from (
          select user_id, kind, at
          from public.events
        ) p
      ) r on (r.user_id = w.__wanted_1 or (r.user_id is null and w.__wanted_1 is null)) and (r.kind = w.__wanted_2 or (r.kind is null and w.__wanted_2 is null))
      where (w.__wanted_1 is null or w.__wanted_2 is null)
        and (select exists (select 1 from "groups again" w where w.__wanted_1 is null or w.__wanted_2 is null))
    ) g
    group by user_id, kind
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __old_1, __old_2, __old_3, __old_4, (user_id)::integer as __new_1, (kind)::text as __new_2, (count)::bigint as __new_3, (max)::timestamp with time zone as __new_4
  from (
    select *, __slot_1 as count, __slot_2 as max
    from (
      select s.user_id, s.kind, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__old_1, s.__old_2, s.__old_3, s.__old_4
      from groups s
      where not s.__again
      union all
      select s.user_id, s.kind, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, s.__old_1, s.__old_2, s.__old_3, s.__old_4
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage" as (
  select __old_1 as user_id, __old_2 as kind, __old_3 as count, __old_4 as max, -1 as __w
  from "groups after"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3, __new_4)::record *<> row(__old_1, __old_2, __old_3, __old_4)::record)
  union all
  select __new_1 as user_id, __new_2 as kind, __new_3 as count, __new_4 as max, 1 as __w
  from "groups after"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3, __new_4)::record *<> row(__old_1, __old_2, __old_3, __old_4)::record)
),
"deleted from stage_d82a70df0978b9d7_1" as (
  delete from freshet_changes.stage_d82a70df0978b9d7_1 t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_d82a70df0978b9d7_1" as (
  insert into freshet_changes.stage_d82a70df0978b9d7_1 as t (user_id, kind, count, max, __key)
  select __new_1, __new_2, __new_3, __new_4, __key_1
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_d82a70df0978b9d7_1" as (
  update freshet_changes.stage_d82a70df0978b9d7_1 t
  set user_id = __new_1, kind = __new_2, count = __new_3, max = __new_4
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ project 2" as (
  select kind as kind, at as at, __w
  from "Δ events"
),
"Δ net 2" as (
  select kind, at, sum(__w) as __w
  from "Δ project 2"
  group by kind, at
  having sum(__w) <> 0
),
"Δ groups 2" as (
  select kind, sum(__w) as "__count(*)", max(at) filter (where __w > 0) as "__arrived max(at)", max(at) filter (where __w < 0) as "__left max(at)"
  from "Δ net 2"
  group by kind
),
"groups 2" as (
  select d.kind, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.count_2, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, greatest(t.max_2, d."__arrived max(at)") as __slot_2, t.kind as __old_1, t.count_2 as __old_2, t.max_2 as __old_3, coalesce((d."__left max(at)" >= greatest(t.max_2, d."__arrived max(at)") and coalesce(t.count_2, 0) + coalesce(d."__count(*)", 0)::bigint > 0), false) as __again
  from (
    select *, substr(sha256(record_send(row(kind::text))), 1, 16) as __key_1
    from "Δ groups 2"
  ) d
  left join freshet_changes.stage_d82a70df0978b9d7_2 t on t.__key = d.__key_1
),
"groups again 2" as (
  select kind as __wanted_1
  from "groups 2"
  where __again
),
"groups computed again 2" as (
  select *, substr(sha256(record_send(row(kind::text))), 1, 16) as __key_1
  from (
    select kind, count(*) as __slot_1, max(at) as __slot_2
    from (
      select r.*
      from "groups again 2" w
      join (
        select kind as kind, at as at
        from (
          select user_id, kind, at
          from public.events
        ) p
      ) r on r.kind = w.__wanted_1
      where (select exists (select 1 from "groups again 2"))
      union all
      select r.*
      from "groups again 2" w
      join (
        select kind as kind, at as at
        from (
          select user_id, kind, at
          from public.events
        ) p
      ) r on (r.kind = w.__wanted_1 or (r.kind is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again 2" w where w.__wanted_1 is null))
    ) g
    group by kind
  ) k
),
"groups after 2" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __old_1, __old_2, __old_3, (kind)::text as __new_1, (count_2)::bigint as __new_2, (max_2)::timestamp with time zone as __new_3
  from (
    select *, __slot_1 as count_2, __slot_2 as max_2
    from (
      select s.kind, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__old_1, s.__old_2, s.__old_3
      from "groups 2" s
      where not s.__again
      union all
      select s.kind, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, s.__old_1, s.__old_2, s.__old_3
      from "groups 2" s
      left join "groups computed again 2" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage 2" as (
  select __old_1 as kind, __old_2 as count_2, __old_3 as max_2, -1 as __w
  from "groups after 2"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
  union all
  select __new_1 as kind, __new_2 as count_2, __new_3 as max_2, 1 as __w
  from "groups after 2"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
),
"deleted from stage_d82a70df0978b9d7_2" as (
  delete from freshet_changes.stage_d82a70df0978b9d7_2 t
  using "groups after 2" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_d82a70df0978b9d7_2" as (
  insert into freshet_changes.stage_d82a70df0978b9d7_2 as t (kind, count_2, max_2, __key)
  select __new_1, __new_2, __new_3, __key_1
  from "groups after 2"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_d82a70df0978b9d7_2" as (
  update freshet_changes.stage_d82a70df0978b9d7_2 t
  set kind = __new_1, count_2 = __new_2, max_2 = __new_3
  from "groups after 2" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ project 3" as (
  select user_id as user_id, at as at, __w
  from "Δ events"
),
"Δ net 3" as (
  select user_id, at, sum(__w) as __w
  from "Δ project 3"
  group by user_id, at
  having sum(__w) <> 0
),
"Δ groups 3" as (
  select user_id, sum(__w) as "__count(*)", max(at) filter (where __w > 0) as "__arrived max(at)", max(at) filter (where __w < 0) as "__left max(at)"
  from "Δ net 3"
  group by user_id
),
"groups 3" as (
  select d.user_id, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.count_3, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, greatest(t.max_3, d."__arrived max(at)") as __slot_2, t.user_id as __old_1, t.count_3 as __old_2, t.max_3 as __old_3, coalesce((d."__left max(at)" >= greatest(t.max_3, d."__arrived max(at)") and coalesce(t.count_3, 0) + coalesce(d."__count(*)", 0)::bigint > 0), false) as __again
  from (
    select *, substr(sha256(record_send(row(user_id::integer))), 1, 16) as __key_1
    from "Δ groups 3"
  ) d
  left join freshet_changes.stage_d82a70df0978b9d7_3 t on t.__key = d.__key_1
),
"groups again 3" as (
  select user_id as __wanted_1
  from "groups 3"
  where __again
),
"groups computed again 3" as (
  select *, substr(sha256(record_send(row(user_id::integer))), 1, 16) as __key_1
  from (
    select user_id, count(*) as __slot_1, max(at) as __slot_2
    from (
      select r.*
      from "groups again 3" w
      join (
        select user_id as user_id, at as at
        from (
          select user_id, kind, at
          from public.events
        ) p
      ) r on r.user_id = w.__wanted_1
      where (select exists (select 1 from "groups again 3"))
      union all
      select r.*
      from "groups again 3" w
      join (
        select user_id as user_id, at as at
        from (
          select user_id, kind, at
          from public.events
        ) p
      ) r on (r.user_id = w.__wanted_1 or (r.user_id is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again 3" w where w.__wanted_1 is null))
    ) g
    group by user_id
  ) k
),
"groups after 3" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __old_1, __old_2, __old_3, (user_id)::integer as __new_1, (count_3)::bigint as __new_2, (max_3)::timestamp with time zone as __new_3
  from (
    select *, __slot_1 as count_3, __slot_2 as max_3
    from (
      select s.user_id, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__old_1, s.__old_2, s.__old_3
      from "groups 3" s
      where not s.__again
      union all
      select s.user_id, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, s.__old_1, s.__old_2, s.__old_3
      from "groups 3" s
      left join "groups computed again 3" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage 3" as (
  select __old_1 as user_id, __old_2 as count_3, __old_3 as max_3, -1 as __w
  from "groups after 3"
  where __existed
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
  union all
  select __new_1 as user_id, __new_2 as count_3, __new_3 as max_3, 1 as __w
  from "groups after 3"
  where __slot_1 > 0
    and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
),
"deleted from stage_d82a70df0978b9d7_3" as (
  delete from freshet_changes.stage_d82a70df0978b9d7_3 t
  using "groups after 3" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into stage_d82a70df0978b9d7_3" as (
  insert into freshet_changes.stage_d82a70df0978b9d7_3 as t (user_id, count_3, max_3, __key)
  select __new_1, __new_2, __new_3, __key_1
  from "groups after 3"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in stage_d82a70df0978b9d7_3" as (
  update freshet_changes.stage_d82a70df0978b9d7_3 t
  set user_id = __new_1, count_3 = __new_2, max_3 = __new_3
  from "groups after 3" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
),
"Δ project 4" as (
  select at as at, __w
  from "Δ events"
),
"Δ net 4" as (
  select at, sum(__w) as __w
  from "Δ project 4"
  group by at
  having sum(__w) <> 0
),
"Δ groups 4" as (
  select sum(__w) as "__count(*)", max(at) filter (where __w > 0) as "__arrived max(at)", max(at) filter (where __w < 0) as "__left max(at)"
  from "Δ net 4"
  having count(*) > 0
),
"groups 4" as (
  select d.__key_1, t.__one is not null as __existed, t.ctid as __at, coalesce(t.count_4, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, greatest(t.max_4, d."__arrived max(at)") as __slot_2, t.count_4 as __old_1, t.max_4 as __old_2, coalesce(d."__left max(at)" >= greatest(t.max_4, d."__arrived max(at)"), false) as __again
  from (
    select *, true as __key_1
    from "Δ groups 4"
  ) d
  left join freshet_changes.stage_d82a70df0978b9d7_4 t on t.__one = d.__key_1
),
"groups again 4" as (
  select
  from "groups 4"
  where __again
),
"groups computed again 4" as (
  select *, true as __key_1
  from (
    select count(*) as __slot_1, max(at) as __slot_2
    from (
      select *
      from (
        select at as at
        from (
          select user_id, kind, at
          from public.events
        ) p
      ) r
      where (select exists (select 1 from "groups again 4"))
    ) g
  ) k
),
"groups after 4" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __old_1, __old_2, (count_4)::bigint as __new_1, (max_4)::timestamp with time zone as __new_2
  from (
    select *, __slot_1 as count_4, __slot_2 as max_4
    from (
      select s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__old_1, s.__old_2
      from "groups 4" s
      where not s.__again
      union all
      select s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, s.__old_1, s.__old_2
      from "groups 4" s
      left join "groups computed again 4" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"Δ stage 4" as (
  select __old_1 as count_4, __old_2 as max_4, -1 as __w
  from "groups after 4"
  where __existed
    and (not __existed or not (true) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
  union all
  select __new_1 as count_4, __new_2 as max_4, 1 as __w
  from "groups after 4"
  where true
    and (not __existed or not (true) or row(__new_1, __new_2)::record *<> row(__old_1, __old_2)::record)
),
"deleted from stage_d82a70df0978b9d7_4" as (
  delete from freshet_changes.stage_d82a70df0978b9d7_4 t
  using "groups after 4" c
  where t.ctid = c.__at and c.__existed and not (true)
  returning 1
),
"inserted into stage_d82a70df0978b9d7_4" as (
  insert into freshet_changes.stage_d82a70df0978b9d7_4 as t (count_4, max_4, __one)
  select __new_1, __new_2, __key_1
  from "groups after 4"
  where true
    and not __existed
  returning 1
),
"updated in stage_d82a70df0978b9d7_4" as (
  update freshet_changes.stage_d82a70df0978b9d7_4 t
  set count_4 = __new_1, max_4 = __new_2
  from "groups after 4" c
  where t.ctid = c.__at and c.__existed and true
  returning 1
),
"Δ filter" as (
  select user_id, kind, count, max, __w
  from "Δ stage"
  where (count > 1)
),
"Δ project 5" as (
  select user_id as user_id_2, kind as kind_2, count as n, max as latest, __w
  from "Δ filter"
),
"Δ filter 2" as (
  select kind, count_2, max_2, __w
  from "Δ stage 2"
  where (count_2 > 1)
),
"Δ project 6" as (
  select user_id as left_out, __w
  from "Δ events"
),
"Δ join" as (
  select kind, count_2, max_2, left_out, l.__w
  from "Δ filter 2" l
  left join "Δ project 6" r on false
),
"Δ project 7" as (
  select left_out as user_id_2, kind as kind_2, count_2 as n, max_2 as latest, __w
  from "Δ join"
),
"Δ filter 3" as (
  select user_id, count_3, max_3, __w
  from "Δ stage 3"
  where (count_3 > 1)
),
"Δ project 8" as (
  select kind as left_out_2, __w
  from "Δ events"
),
"Δ join 2" as (
  select user_id, count_3, max_3, left_out_2, l.__w
  from "Δ filter 3" l
  left join "Δ project 8" r on false
),
"Δ project 9" as (
  select user_id as user_id_2, left_out_2 as kind_2, count_3 as n, max_3 as latest, __w
  from "Δ join 2"
),
"Δ filter 4" as (
  select count_4, max_4, __w
  from "Δ stage 4"
  where (count_4 > 1)
),
"Δ project 10" as (
  select user_id as left_out_3, kind as left_out_4, __w
  from "Δ events"
),
"Δ join 3" as (
  select count_4, max_4, left_out_3, left_out_4, l.__w
  from "Δ filter 4" l
  left join "Δ project 10" r on false
),
"Δ project 11" as (
  select left_out_3 as user_id_2, left_out_4 as kind_2, count_4 as n, max_4 as latest, __w
  from "Δ join 3"
),
"Δ union all" as (
  select user_id_2, kind_2, n, latest, __w
  from "Δ project 5"
  union all
  select user_id_2, kind_2, n, latest, __w
  from "Δ project 7"
  union all
  select user_id_2, kind_2, n, latest, __w
  from "Δ project 9"
  union all
  select user_id_2, kind_2, n, latest, __w
  from "Δ project 11"
),
"Δ output" as (
  select (user_id_2)::integer as user_id, (kind_2)::text as kind, (n)::bigint as n, (latest)::timestamp with time zone as latest, __w
  from "Δ union all"
),
"Δ net 5" as (
  select (array_agg(user_id))[1] as user_id, (array_agg(kind))[1] as kind, (array_agg(n))[1] as n, (array_agg(latest))[1] as latest, __row, sum(__w) as __w
  from (
    select user_id, kind, n, latest, substr(sha256(record_send(row(user_id::integer, kind::text, n::bigint, latest::timestamp with time zone))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.cube_of_events t where t.__row = n.__row) as __have
  from "Δ net 5" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, user_id as __value_1, kind as __value_2, n as __value_3, latest as __value_4
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from cube_of_events" as (
  delete from public.cube_of_events t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to cube_of_events" as (
  insert into public.cube_of_events as t (user_id, kind, n, latest, __row, __ord)
  select __value_1, __value_2, __value_3, __value_4, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set user_id = excluded.user_id, kind = excluded.kind, n = excluded.n, latest = excluded.latest
  returning 1
)
