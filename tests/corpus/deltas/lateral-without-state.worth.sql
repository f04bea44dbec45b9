"Δ l" as (
  select order_id, line, product_id, quantity, discount, __w
  from "window of order_lines"
  where (select go from gate)
),
"Δ p" as (
  select id, price, __w
  from "window of products"
  where (select go from gate)
),
"Δ join" as (
  select order_id, line, product_id, quantity, discount, id, price, l.__w as __w
  from "Δ l" l
  join (
    select id, price
    from public.products
  ) r on (id = product_id)
  where (select exists (select 1 from "Δ l"))
  union all
  select order_id, line, product_id, quantity, discount, id, price, r.__w as __w
  from "Δ p" r
  join (
    select order_id, line, product_id, quantity, discount
    from public.order_lines
  ) l on (id = product_id)
  where (select exists (select 1 from "Δ p"))
  union all
  select order_id, line, product_id, quantity, discount, id, price, -(l.__w * r.__w) as __w
  from "Δ l" l
  join "Δ p" r on (id = product_id)
  where (select exists (select 1 from "Δ l"))
    and (select exists (select 1 from "Δ p"))
),
"Δ project" as (
  select order_id as order_id, line as line, discount as discount, (quantity::numeric * price) as gross, __w
  from "Δ join"
),
"Δ project 2" as (
  select order_id as order_id, line as line, discount as discount, gross as gross, __w
  from "Δ project"
),
"Δ project 3" as (
  select order_id as order_id, line as line, gross as gross, (gross * ((1::numeric - ((COALESCE(discount, 0::numeric)))))) as net, __w
  from "Δ project 2"
),
"Δ project 4" as (
  select order_id as order_id, line as line, gross as gross, net as net, __w
  from "Δ project 3"
),
"Δ output" as (
  select (order_id)::integer as order_id, (line)::integer as line, (gross)::numeric as gross, (net)::numeric as net, __w
  from "Δ project 4"
),
"Δ net" as (
  select order_id, line, (array_agg(gross))[1] as gross, (array_agg(net))[1] as net, sum(__w) as __w
  from "Δ output"
  group by order_id, line, record_send(row(gross, net))
  having sum(__w) <> 0
),
"Δ keyed" as (
  select *, order_id as __key_1, line as __key_2
  from "Δ net"
),
changes as (
  select coalesce(a.__key_1, l.__key_1) as __key_1, coalesce(a.__key_2, l.__key_2) as __key_2, l.__w is not null as __existed, a.__w is not null as __alive, l.order_id as __old_1, l.line as __old_2, l.gross as __old_3, l.net as __old_4, a.order_id as __new_1, a.line as __new_2, a.gross as __new_3, a.net as __new_4
  from (
    select *
    from "Δ keyed"
    where __w > 0
  ) a
  full join (
    select *
    from "Δ keyed"
    where __w < 0
  ) l on a.__key_1 = l.__key_1 and a.__key_2 = l.__key_2
),
"deleted from worth" as (
  delete from public.worth t
  using changes c
  where t.order_id = c.__key_1 and t.line = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to worth" as (
  insert into public.worth as t (order_id, line, gross, net)
  select __new_1, __new_2, __new_3, __new_4
  from changes
  where __alive
  on conflict (order_id, line) do update set gross = excluded.gross, net = excluded.net
  returning 1
)
