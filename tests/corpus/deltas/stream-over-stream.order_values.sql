"Δ o" as (
  select id, customer_id, __w
  from "window of orders"
  where (select go from gate)
),
"Δ l" as (
  select order_id, product_id, quantity, discount, __w
  from "window of order_lines"
  where (select go from gate)
),
"Δ join" as (
  select id, customer_id, order_id, product_id, quantity, discount, l.__w as __w
  from "Δ o" l
  join (
    select order_id, product_id, quantity, discount
    from public.order_lines
  ) r on (order_id = id)
  where (select exists (select 1 from "Δ o"))
  union all
  select id, customer_id, order_id, product_id, quantity, discount, r.__w as __w
  from "Δ l" r
  join (
    select id, customer_id
    from public.orders
  ) l on (order_id = id)
  where (select exists (select 1 from "Δ l"))
  union all
  select id, customer_id, order_id, product_id, quantity, discount, -(l.__w * r.__w) as __w
  from "Δ o" l
  join "Δ l" r on (order_id = id)
  where (select exists (select 1 from "Δ o"))
    and (select exists (select 1 from "Δ l"))
),
"Δ p" as (
  select id as id_2, price, __w
  from "window of products"
  where (select go from gate)
),
"Δ join 2" as (
  select id, customer_id, order_id, product_id, quantity, discount, id_2, price, l.__w as __w
  from "Δ join" l
  join (
    select id as id_2, price
    from public.products
  ) r on (id_2 = product_id)
  where (select exists (select 1 from "Δ join"))
  union all
  select id, customer_id, order_id, product_id, quantity, discount, id_2, price, r.__w as __w
  from "Δ p" r
  join (
    select id, customer_id, order_id, product_id, quantity, discount
    from (
      select id, customer_id
      from public.orders
    ) l
    join (
      select order_id, product_id, quantity, discount
      from public.order_lines
    ) r on (order_id = id)
  ) l on (id_2 = product_id)
  where (select exists (select 1 from "Δ p"))
  union all
  select id, customer_id, order_id, product_id, quantity, discount, id_2, price, -(l.__w * r.__w) as __w
  from "Δ join" l
  join "Δ p" r on (id_2 = product_id)
  where (select exists (select 1 from "Δ join"))
    and (select exists (select 1 from "Δ p"))
),
"Δ project" as (
  select id as id, customer_id as customer_id, (((quantity::numeric * price)) * ((1::numeric - ((COALESCE(discount, 0::numeric)))))) as argument, __w
  from "Δ join 2"
),
"Δ groups" as (
  select id, customer_id, sum(__w) as "__count(*)", sum(case when __w = 1 then argument when __w = -1 then -argument else argument * __w end) as "__sum argument", sum(__w) filter (where argument is not null) as "__count filter (where argu bt06me"
  from "Δ project"
  group by id, customer_id
),
groups as (
  select d.id, d.customer_id, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, case when coalesce(t.__s2, 0) + coalesce(d."__count filter (where argu bt06me", 0)::bigint = 0 then null else (coalesce(t."value", 0) + coalesce(d."__sum argument", 0))::numeric end as __slot_2, coalesce(t.__s2, 0) + coalesce(d."__count filter (where argu bt06me", 0)::bigint as __slot_3, coalesce((coalesce(t."value", 0) + coalesce(d."__sum argument", 0)) = any ('{NaN,Infinity,-Infinity}'::numeric[]), false) as __again
  from (
    select *, substr(sha256(record_send(row(id::integer, customer_id::integer))), 1, 16) as __key_1
    from "Δ groups"
  ) d
  left join public.order_values t on t.__key = d.__key_1
),
"groups again" as (
  select id as __wanted_1, customer_id as __wanted_2
  from groups
  where __again
),
"groups computed again" as (
  select *, substr(sha256(record_send(row(id::integer, customer_id::integer))), 1, 16) as __key_1
  from (
    select id, customer_id, count(*) as __slot_1, (sum(argument))::numeric as __slot_2, count(*) filter (where argument is not null) as __slot_3
    from (
      select r.*
      from "groups again" w
      join (
        select id as id, customer_id as customer_id, (((quantity::numeric * price)) * ((1::numeric - ((COALESCE(discount, 0::numeric)))))) as argument
        from (
          select id, customer_id, order_id, product_id, quantity, discount, id_2, price
          from (
            select id, customer_id, order_id, product_id, quantity, discount
            from (
              select id, customer_id
              from public.orders
            ) l
            join (
              select order_id, product_id, quantity, discount
              from public.order_lines
            ) r on (order_id = id)
          ) l
          join (
            select id as id_2, price
            from public.products
          ) r on (id_2 = product_id)
        ) p
      ) r on r.id = w.__wanted_1 and r.customer_id = w.__wanted_2
      where (select exists (select 1 from "groups again"))
      union all
      select r.*
      from "groups again" w
      join (
        select id as id, customer_id as customer_id, (((quantity::numeric * price)) * ((1::numeric - ((COALESCE(discount, 0::numeric)))))) as argument
        from (
          select id, customer_id, order_id, product_id, quantity, discount, id_2, price
          from (
            select id, customer_id, order_id, product_id, quantity, discount
            from (
              select id, customer_id
              from public.orders
            ) l
            join (
              select order_id, product_id, quantity, discount
              from public.order_lines
            ) r on (order_id = id)
          ) l
          join (
            select id as id_2, price
            from public.products
          ) r on (id_2 = product_id)
        ) p
      ) r on r.id = w.__wanted_1 and (r.customer_id = w.__wanted_2 or (r.customer_id is null and w.__wanted_2 is null))
      where (w.__wanted_2 is null)
        and (select exists (select 1 from "groups again" w where w.__wanted_2 is null))
    ) g
    group by id, customer_id
  ) k
),
"groups after" as (
  select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, (id)::integer as __new_1, (customer_id)::integer as __new_2, (sum)::numeric as __new_3
  from (
    select *, __slot_2 as sum
    from (
      select s.id, s.customer_id, s.__key_1, s.__existed, s.__at, s.__slot_1, s.__slot_2, s.__slot_3
      from groups s
      where not s.__again
      union all
      select s.id, s.customer_id, s.__key_1, s.__existed, s.__at, coalesce(a.__slot_1, 0) as __slot_1, a.__slot_2, coalesce(a.__slot_3, 0) as __slot_3
      from groups s
      left join "groups computed again" a on a.__key_1 = s.__key_1
      where s.__again
    ) s
  ) v
),
"deleted from order_values" as (
  delete from public.order_values t
  using "groups after" c
  where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
  returning 1
),
"inserted into order_values" as (
  insert into public.order_values as t (id, customer_id, "value", __key, __n, __s2)
  select __new_1, __new_2, __new_3, __key_1, __slot_1, __slot_3
  from "groups after"
  where __slot_1 > 0
    and not __existed
  returning 1
),
"updated in order_values" as (
  update public.order_values t
  set id = __new_1, customer_id = __new_2, "value" = __new_3, __n = __slot_1, __s2 = __slot_3
  from "groups after" c
  where t.ctid = c.__at and c.__existed and __slot_1 > 0
  returning 1
)
