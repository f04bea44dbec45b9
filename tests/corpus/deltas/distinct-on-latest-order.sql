"Δ orders" as (
  select id, customer_id, placed_on, status, __w
  from "window of orders"
  where (select go from gate)
),
"Δ project" as (
  select customer_id as customer_id_2, id as id_2, placed_on as placed_on_2, status as status_2, __w
  from "Δ orders"
),
"Δ partitions" as (
  select customer_id_2 as __wanted_1
  from "Δ project"
  group by customer_id_2
),
fresh as materialized (
  select * from (
    select customer_id, id, placed_on, status, __key, __part
    from (
      select *, substr(sha256(record_send(row(customer_id::integer))), 1, 16) as __key
      from (
        select __item_1 as customer_id, __item_2 as id, __item_3 as placed_on, __item_4 as status, __part
        from (
          select (customer_id_2)::integer as __item_1, (id_2)::integer as __item_2, (placed_on_2)::date as __item_3, (status_2)::text as __item_4, substr(sha256(record_send(row(customer_id_2::integer))), 1, 16) as __part
          from (
            select distinct on (customer_id_2) customer_id_2, id_2, placed_on_2, status_2
            from (
              select r.*
              from "Δ partitions" w
              join (
                select customer_id as customer_id_2, id as id_2, placed_on as placed_on_2, status as status_2
                from (
                  select id, customer_id, placed_on, status
                  from public.orders
                ) p
              ) r on r.customer_id_2 = w.__wanted_1
              where (select exists (select 1 from "Δ partitions"))
              union all
              select r.*
              from "Δ partitions" w
              join (
                select customer_id as customer_id_2, id as id_2, placed_on as placed_on_2, status as status_2
                from (
                  select id, customer_id, placed_on, status
                  from public.orders
                ) p
              ) r on (r.customer_id_2 = w.__wanted_1 or (r.customer_id_2 is null and w.__wanted_1 is null))
              where (w.__wanted_1 is null)
                and (select exists (select 1 from "Δ partitions" w where w.__wanted_1 is null))
            ) w
            order by customer_id_2, customer_id_2, placed_on_2 desc, id_2 desc
          ) p
        ) v
      ) n
    ) k
  ) as f(customer_id, id, placed_on, status, __key, __part)
),
changes as (
  select coalesce(t.__key, f.__key) as __key_1, t.__key is not null as __existed, t.__at, f.__key is not null as __alive, f.customer_id as __new_1, f.id as __new_2, f.placed_on as __new_3, f.status as __new_4, f.__key as __new_5, f.__part as __new_6, t.customer_id as __old_1, t.id as __old_2, t.placed_on as __old_3, t.status as __old_4, row(t.customer_id, t.id, t.placed_on, t.status)::record *<> row(f.customer_id, f.id, f.placed_on, f.status)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from public.distinct_on_latest_order t
    join (
      select substr(sha256(record_send(row(customer_id_2::integer))), 1, 16) as __part
      from (
        select __wanted_1 as customer_id_2
        from "Δ partitions"
      ) k
    ) p using (__part)
  ) t on t.__key = f.__key
  where (t.__key is null or f.__key is null or row(t.customer_id, t.id, t.placed_on, t.status, t.__key, t.__part)::record *<> row(f.customer_id, f.id, f.placed_on, f.status, f.__key, f.__part)::record)
),
"deleted from distinct_on_latest_order" as (
  delete from public.distinct_on_latest_order t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into distinct_on_latest_order" as (
  insert into public.distinct_on_latest_order as t (customer_id, id, placed_on, status, __key, __part)
  select __new_1, __new_2, __new_3, __new_4, __new_5, __new_6
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in distinct_on_latest_order" as (
  update public.distinct_on_latest_order t
  set customer_id = __new_1, id = __new_2, placed_on = __new_3, status = __new_4, __part = __new_6
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
)
