"Δ payments" as (
  select paid_on, amount, method, __w
  from "window of payments"
  where (select go from gate)
),
"Δ project" as (
  select amount as amount, paid_on as paid_on, (method = 'cash'::text) as argument, __w
  from "Δ payments"
),
"Δ net" as (
  select (array_agg(amount))[1] as amount, paid_on, argument, sum(__w) as __w
  from "Δ project"
  group by paid_on, argument, record_send(row(amount))
  having sum(__w) <> 0
),
"Δ groups" as (
  select sum(__w) as "__count(*)", sum(case when __w = 1 then amount when __w = -1 then -amount else amount * __w end) as "__sum amount", sum(__w) filter (where amount is not null) as "__count filter (where amount is not null)", min(paid_on) filter (where __w > 0) as "__arrived min(paid_on)", min(paid_on) filter (where __w < 0) as "__left min(paid_on)", sum(__w) filter (where argument) as "__count filter (where argument)", sum(__w) filter (where argument is not null) as "__count filter (where argu bt06me"
  from "Δ net"
  having count(*) > 0
),
groups as (
  select d.__key_1, t.__one is not null as __existed, t.ctid as __at, coalesce(t.n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, case when coalesce(t.__s2, 0) + coalesce(d."__count filter (where amount is not null)", 0)::bigint = 0 then null else (coalesce(t.total, 0) + coalesce(d."__sum amount", 0))::numeric end as __slot_2, coalesce(t.__s2, 0) + coalesce(d."__count filter (where amount is not null)", 0)::bigint as __slot_3, least(t.first, d."__arrived min(paid_on)") as __slot_4, coalesce(t.__s4, 0) + coalesce(d."__count filter (where argument)", 0)::bigint as __slot_5, coalesce(t.__s5, 0) + coalesce(d."__count filter (where argu bt06me", 0)::bigint as __slot_6, coalesce((coalesce(t.total, 0) + coalesce(d."__sum amount", 0)) = any ('{NaN,Infinity,-Infinity}'::numeric[]) or d."__left min(paid_on)" <= least(t.first, d."__arrived min(paid_on)"), false) as __again
  from (
    select *, true as __key_1
    from "Δ groups"
  ) d
  left join public.aggregate_whole_table t on t.__one = d.__key_1
),
"groups again" as (
  select
  from groups
  where __again
),
"groups computed again" as (
  select *, true as __key_1
  from (
    select count(*) as __slot_1, (sum(amount))::numeric as __slot_2, count(*) filter (where amount is not null) as __slot_3, min(paid_on) as __slot_4, count(*) filter (where argument) as __slot_5, count(*) filter (where argument is not null) as __slot_6
    from (
      select *
      from (
        select amount as amount, paid_on as paid_on, (method = 'cash'::text) as argument
        from (
          select paid_on, amount, method
          from public.payments
        ) p
      ) r
      where (select exists (select 1 from "groups again"))
    ) g
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, __slot_4, __slot_5, __slot_6, (count)::bigint as __new_1, (sum)::numeric as __new_2, (min)::date as __new_3, (bool_or)::boolean as __new_4
  from (
    select *, __slot_1 as count, __slot_2 as sum, __slot_4 as min, case when __slot_6 > 0 then __slot_5 > 0 end as bool_or
    from (
      select s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__slot_3, s.__slot_4, s.__slot_5, s.__slot_6
      from groups s
      where not s.__again
      union all
      select s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, coalesce(a.__slot_3, 0) as __slot_3, a.__slot_4, coalesce(a.__slot_5, 0) as __slot_5, coalesce(a.__slot_6, 0) as __slot_6
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"deleted from aggregate_whole_table" as (
  delete from public.aggregate_whole_table t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (true)
  returning 1
),
"inserted into aggregate_whole_table" as (
  insert into public.aggregate_whole_table as t (n, total, first, any_cash, __one, __s2, __s4, __s5)
  select __new_1, __new_2, __new_3, __new_4, __key_1, __slot_3, __slot_5, __slot_6
  from "groups after"
  where true
    and not __existed
  returning 1
),
"updated in aggregate_whole_table" as (
  update public.aggregate_whole_table t
  set n = __new_1, total = __new_2, first = __new_3, any_cash = __new_4, __s2 = __slot_3, __s4 = __slot_5, __s5 = __slot_6
  from "groups after" c
  where t.ctid = c.__at and c.__existed and true
  returning 1
)
