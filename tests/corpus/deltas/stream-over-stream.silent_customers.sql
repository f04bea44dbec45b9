"Δ c" as (
  select id, "name", __w
  from "window of customers"
  where (select go from gate)
),
"Δ v" as (
  select customer_id, "value", __w
  from "window of customer_values"
  where (select go from gate)
),
touched as (
  select *, row_number() over () as __i
  from (
    select id, "name", 1 as __w
    from (
      select id, "name"
      from public.customers
    ) l
    where exists (select 1 from "Δ v" r where (customer_id = id))
    union all
    select id, "name", -l.__w as __w
    from "Δ c" l
    where exists (select 1 from "Δ v" r where (customer_id = id))
  ) l
),
crossings as (
  select id, "name", __w, __n > __m as __was, __n > 0 as __is
  from (
    select l.id, l."name", l.__w, d.__m, n.__n
    from touched l
    join (
      select l.__i, sum(r.__w) as __m
      from touched l
      join "Δ v" r on (customer_id = id)
      group by l.__i
      having sum(r.__w) <> 0
    ) d on d.__i = l.__i
    cross join lateral (
      select count(*) as __n
      from (
        select 1
        from (
          select customer_id, "value"
          from public.customer_values
        ) r
        where (customer_id = id)
        limit greatest(d.__m, 0) + 1
      ) m
    ) n
  ) j
  where (__n > __m) <> (__n > 0)
),
"Δ without a match" as (
  select id, "name", __w
  from "Δ c" l
  where not exists (
    select 1
    from (
      select customer_id, "value"
      from public.customer_values
    ) r
    where (customer_id = id)
  )
  union all
  select id, "name", case when __is then -__w else __w end as __w
  from crossings
),
"Δ join" as (
  select id, "name", customer_id, "value", l.__w as __w
  from "Δ c" l
  join (
    select customer_id, "value"
    from public.customer_values
  ) r on (customer_id = id)
  where (select exists (select 1 from "Δ c"))
  union all
  select id, "name", customer_id, "value", r.__w as __w
  from "Δ v" r
  join (
    select id, "name"
    from public.customers
  ) l on (customer_id = id)
  where (select exists (select 1 from "Δ v"))
  union all
  select id, "name", customer_id, "value", -(l.__w * r.__w) as __w
  from "Δ c" l
  join "Δ v" r on (customer_id = id)
  where (select exists (select 1 from "Δ c"))
    and (select exists (select 1 from "Δ v"))
  union all
  select id, "name", customer_id, "value", l.__w
  from "Δ without a match" l
  left join "Δ v" r on false
),
"Δ filter" as (
  select id, "name", customer_id, "value", __w
  from "Δ join"
  where (value IS NULL)
),
"Δ output" as (
  select (id)::integer as id, (name)::text as "name", __w
  from "Δ filter"
),
"Δ net" as (
  select (array_agg(id))[1] as id, (array_agg("name"))[1] as "name", __row, sum(__w) as __w
  from (
    select id, "name", substr(sha256(record_send(row(id::integer, "name"::text))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.silent_customers t where t.__row = n.__row) as __have
  from "Δ net" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, id as __value_1, "name" as __value_2
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from silent_customers" as (
  delete from public.silent_customers t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to silent_customers" as (
  insert into public.silent_customers as t (id, "name", __row, __ord)
  select __value_1, __value_2, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set id = excluded.id, "name" = excluded."name"
  returning 1
)
