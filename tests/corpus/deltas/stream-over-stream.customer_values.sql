"Δ order_values" as (
  select customer_id, "value", __w
  from "window of order_values"
  where (select go from gate)
),
"Δ project" as (
  select customer_id as customer_id, value as "value", __w
  from "Δ order_values"
),
"Δ groups" as (
  select customer_id, sum(__w) as "__count(*)", sum(case when __w = 1 then "value" when __w = -1 then -"value" else "value" * __w end) as "__sum ""value""", sum(__w) filter (where "value" is not null) as "__count filter (where ""value"" is not null)"
  from "Δ project"
  group by customer_id
),
groups as (
  select d.customer_id, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.orders, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, case when coalesce(t.__s2, 0) + coalesce(d."__count filter (where ""value"" is not null)", 0)::bigint = 0 then null else (coalesce(t."value", 0) + coalesce(d."__sum ""value""", 0))::numeric end as __slot_2, coalesce(t.__s2, 0) + coalesce(d."__count filter (where ""value"" is not null)", 0)::bigint as __slot_3, coalesce((coalesce(t."value", 0) + coalesce(d."__sum ""value""", 0)) = any ('{NaN,Infinity,-Infinity}'::numeric[]), false) as __again
  from (
    select *, substr(sha256(record_send(row(customer_id::integer))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join public.customer_values t on t.__key = d.__key_1
),
"groups again" as (
  select customer_id as __wanted_1
  from groups
  where __again
),
"groups computed again" as (
  select *, substr(sha256(record_send(row(customer_id::integer))), 1, 16) as __key_1
  from (
    select customer_id, count(*) as __slot_1, (sum("value"))::numeric as __slot_2, count(*) filter (where "value" is not null) as __slot_3
    from (
      select r.*
      from "groups again" w
      join (
        select customer_id as customer_id, value as "value"
        from (
          select customer_id, "value"
          from public.order_values
        ) p
      ) r on r.customer_id = w.__wanted_1
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select customer_id as customer_id, value as "value"
        from (
          select customer_id, "value"
          from public.order_values
        ) p
      ) r on (r.customer_id = w.__wanted_1 or (r.customer_id is null and w.__wanted_1 is null))
      where (w.__wanted_1 is null)
        and (select exists (select 1 from "groups again" w where w.__wanted_1 is null))
    ) g
    group by customer_id
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, (customer_id)::integer as __new_1, (count)::bigint as __new_2, (sum)::numeric as __new_3
  from (
    select *, __slot_1 as count, __slot_2 as sum
    from (
      select s.customer_id, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__slot_3
      from groups s
      where not s.__again
      union all
      select s.customer_id, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, coalesce(a.__slot_3, 0) as __slot_3
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"deleted from customer_values" as (
  delete from public.customer_values t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into customer_values" as (
  insert into public.customer_values as t (customer_id, orders, "value", __key, __s2)
  select __new_1, __new_2, __new_3, __key_1, __slot_3
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in customer_values" as (
  update public.customer_values t
  set customer_id = __new_1, orders = __new_2, "value" = __new_3, __s2 = __slot_3
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
)
