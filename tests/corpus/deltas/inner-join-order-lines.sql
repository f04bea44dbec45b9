"Δ o" as (
  select id, customer_id, __w
  from "window of orders"
  where (select go from gate)
),
"Δ l" as (
  select order_id, line, product_id, quantity, __w
  from "window of order_lines"
  where (select go from gate)
),
"Δ join" as (
  select id, customer_id, order_id, line, product_id, quantity, l.__w as __w
  from "Δ o" l
  join (
    select order_id, line, product_id, quantity
    from public.order_lines
  ) r on (order_id = id)
  where (select exists (select 1 from "Δ o"))
  union all
  select id, customer_id, order_id, line, product_id, quantity, r.__w as __w
  from "Δ l" r
  join (
    select id, customer_id
    from public.orders
  ) l on (order_id = id)
  where (select exists (select 1 from "Δ l"))
  union all
  select id, customer_id, order_id, line, product_id, quantity, -(l.__w * r.__w) as __w
  from "Δ o" l
  join "Δ l" r on (order_id = id)
  where (select exists (select 1 from "Δ o"))
    and (select exists (select 1 from "Δ l"))
),
"Δ p" as (
  select id as id_2, "name", price, __w
  from "window of products"
  where (select go from gate)
),
"Δ join 2" as (
  select id, customer_id, order_id, line, product_id, quantity, id_2, "name", price, l.__w as __w
  from "Δ join" l
  join (
    select id as id_2, "name", price
    from public.products
  ) r on (id_2 = product_id)
  where (select exists (select 1 from "Δ join"))
  union all
  select id, customer_id, order_id, line, product_id, quantity, id_2, "name", price, r.__w as __w
  from "Δ p" r
  join (
    select id, customer_id, order_id, line, product_id, quantity
    from (
      select id, customer_id
      from public.orders
    ) l
    join (
      select order_id, line, product_id, quantity
      from public.order_lines
    ) r on (order_id = id)
  ) l on (id_2 = product_id)
  where (select exists (select 1 from "Δ p"))
  union all
  select id, customer_id, order_id, line, product_id, quantity, id_2, "name", price, -(l.__w * r.__w) as __w
  from "Δ join" l
  join "Δ p" r on (id_2 = product_id)
  where (select exists (select 1 from "Δ join"))
    and (select exists (select 1 from "Δ p"))
),
"Δ c" as (
  select id as id_3, "name" as name_2, __w
  from "window of customers"
  where (select go from gate)
),
"Δ join 3" as (
  select id, customer_id, order_id, line, product_id, quantity, id_2, "name", price, id_3, name_2, l.__w as __w
  from "Δ join 2" l
  join (
    select id as id_3, "name" as name_2
    from public.customers
  ) r on (id_3 = customer_id)
  where (select exists (select 1 from "Δ join 2"))
  union all
  select id, customer_id, order_id, line, product_id, quantity, id_2, "name", price, id_3, name_2, r.__w as __w
  from "Δ c" r
  join (
    select id, customer_id, order_id, line, product_id, quantity, id_2, "name", price
    from (
      select id, customer_id, order_id, line, product_id, quantity
      from (
        select id, customer_id
        from public.orders
      ) l
      join (
        select order_id, line, product_id, quantity
        from public.order_lines
      ) r on (order_id = id)
    ) l
    join (
      select id as id_2, "name", price
      from public.products
    ) r on (id_2 = product_id)
  ) l on (id_3 = customer_id)
  where (select exists (select 1 from "Δ c"))
  union all
  select id, customer_id, order_id, line, product_id, quantity, id_2, "name", price, id_3, name_2, -(l.__w * r.__w) as __w
  from "Δ join 2" l
  join "Δ c" r on (id_3 = customer_id)
  where (select exists (select 1 from "Δ join 2"))
    and (select exists (select 1 from "Δ c"))
),
"Δ output" as (
  select (id)::integer as id, (line)::integer as line, (name_2)::text as customer, (name)::text as product, ((quantity::numeric * price))::numeric as "value", __w
  from "Δ join 3"
),
"Δ net" as (
  select (array_agg(id))[1] as id, (array_agg(line))[1] as line, (array_agg(customer))[1] as customer, (array_agg(product))[1] as product, (array_agg("value"))[1] as "value", __row, sum(__w) as __w
  from (
    select id, line, customer, product, "value", substr(sha256(record_send(row(id::integer, line::integer, customer::text, product::text, "value"::numeric))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.inner_join_order_lines t where t.__row = n.__row) as __have
  from "Δ net" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, id as __value_1, line as __value_2, customer as __value_3, product as __value_4, "value" as __value_5
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from inner_join_order_lines" as (
  delete from public.inner_join_order_lines t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to inner_join_order_lines" as (
  insert into public.inner_join_order_lines as t (id, line, customer, product, "value", __row, __ord)
  select __value_1, __value_2, __value_3, __value_4, __value_5, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set id = excluded.id, line = excluded.line, customer = excluded.customer, product = excluded.product, "value" = excluded."value"
  returning 1
)
