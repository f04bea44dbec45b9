"Δ a" as (
  select id, "name", department, __w
  from "window of employees"
  where (select go from gate)
),
"Δ b" as (
  select id as id_2, "name" as name_2, department as department_2, __w
  from "window of employees"
  where (select go from gate)
),
"Δ join" as (
  select id, "name", department, id_2, name_2, department_2, l.__w as __w
  from "Δ a" l
  join (
    select id as id_2, "name" as name_2, department as department_2
    from public.employees
  ) r on (department = department_2) and (id < id_2)
  where (select exists (select 1 from "Δ a"))
  union all
  select id, "name", department, id_2, name_2, department_2, r.__w as __w
  from "Δ b" r
  join (
    select id, "name", department
    from public.employees
  ) l on (department = department_2) and (id < id_2)
  where (select exists (select 1 from "Δ b"))
  union all
  select id, "name", department, id_2, name_2, department_2, -(l.__w * r.__w) as __w
  from "Δ a" l
  join "Δ b" r on (department = department_2) and (id < id_2)
  where (select exists (select 1 from "Δ a"))
    and (select exists (select 1 from "Δ b"))
),
"Δ output" as (
  select (name)::text as one, (name_2)::text as other, __w
  from "Δ join"
),
"Δ net" as (
  select (array_agg(one))[1] as one, (array_agg(other))[1] as other, __row, sum(__w) as __w
  from (
    select one, other, substr(sha256(record_send(row(one::text, other::text))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.self_join_colleagues t where t.__row = n.__row) as __have
  from "Δ net" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, one as __value_1, other as __value_2
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from self_join_colleagues" as (
  delete from public.self_join_colleagues t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to self_join_colleagues" as (
  insert into public.self_join_colleagues as t (one, other, __row, __ord)
  select __value_1, __value_2, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set one = excluded.one, other = excluded.other
  returning 1
)
