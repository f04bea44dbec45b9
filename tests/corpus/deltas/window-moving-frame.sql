"Δ orders" as (
  select id, placed_on, shipping, __w
  from "window of orders"
  where (select go from gate)
),
"Δ project" as (
  select id as id, placed_on as placed_on, shipping as shipping, __w
  from "Δ orders"
),
"Δ partitions" as (
  select
  from "Δ project"
  limit 1
),
fresh as materialized (
  select * from (
    select id, placed_on, lately, around, first_id
    from (
      select *
      from (
        select __item_1 as id, __item_2 as placed_on, __item_3 as lately, __item_4 as around, __item_5 as first_id
        from (
          select (id)::integer as __item_1, (placed_on)::date as __item_2, (count)::bigint as __item_3, (sum)::numeric as __item_4, (first_value)::integer as __item_5
          from (
            select id, placed_on, shipping, count(*) OVER (ORDER BY placed_on RANGE BETWEEN '20 days'::interval PRECEDING AND CURRENT ROW) as count, sum(shipping) OVER (ORDER BY placed_on GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) as sum, first_value(id) OVER (ORDER BY placed_on, id) as first_value
            from (
              select *
              from (
                select id as id, placed_on as placed_on, shipping as shipping
                from (
                  select id, placed_on, shipping
                  from public.orders
                ) p
              ) r
              where (select exists (select 1 from "Δ partitions"))
            ) w
          ) p
        ) v
      ) n
    ) k
  ) as f(id, placed_on, lately, around, first_id)
),
changes as (
  select coalesce(t.id, f.id) as __key_1, t.id is not null as __existed, t.__at, f.id is not null as __alive, f.id as __new_1, f.placed_on as __new_2, f.lately as __new_3, f.around as __new_4, f.first_id as __new_5, t.id as __old_1, t.placed_on as __old_2, t.lately as __old_3, t.around as __old_4, t.first_id as __old_5, row(t.id, t.placed_on, t.lately, t.around, t.first_id)::record *<> row(f.id, f.placed_on, f.lately, f.around, f.first_id)::record as __differs
  from fresh f
  full join (
    select t.*, t.ctid as __at
    from public.window_moving_frame t
    where (select exists (select 1 from "Δ partitions"))
  ) t on t.id = f.id
  where (t.id is null or f.id is null or row(t.id, t.placed_on, t.lately, t.around, t.first_id)::record *<> row(f.id, f.placed_on, f.lately, f.around, f.first_id)::record)
),
"deleted from window_moving_frame" as (
  delete from public.window_moving_frame t
  using changes c
  where t.ctid = c.__at and c.__existed and not (__alive)
  returning 1
),
"inserted into window_moving_frame" as (
  insert into public.window_moving_frame as t (id, placed_on, lately, around, first_id)
  select __new_1, __new_2, __new_3, __new_4, __new_5
  from changes
  where __alive
    and not __existed
  returning 1
),
"updated in window_moving_frame" as (
  update public.window_moving_frame t
  set placed_on = __new_2, lately = __new_3, around = __new_4, first_id = __new_5
  from changes c
  where t.ctid = c.__at and c.__existed and __alive
  returning 1
)
