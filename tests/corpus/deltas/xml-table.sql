"Δ d" as (
  select id, body, __w
  from "window of documents"
  where (select go from gate)
),
"Δ expand" as (
  select id, body, "position", q, text, e.__w
  from "Δ d" e
  left join LATERAL XMLTABLE(('/r/i'::text) PASSING (body) COLUMNS "position" FOR ORDINALITY, q int PATH ('@q'::text) DEFAULT (0), text text PATH ('.'::text)) AS __call("position", q, text) on true
),
"Δ output" as (
  select (id)::integer as id, ("position")::integer as "position", (q)::integer as q, (text)::text as text, __w
  from "Δ expand"
),
"Δ net" as (
  select (array_agg(id))[1] as id, (array_agg("position"))[1] as "position", (array_agg(q))[1] as q, (array_agg(text))[1] as text, __row, sum(__w) as __w
  from (
    select id, "position", q, text, substr(sha256(record_send(row(id::integer, "position"::integer, q::integer, text::text))), 1, 16) as __row, __w
    from "Δ output"
  ) h
  group by __row
  having sum(__w) <> 0
),
copies as (
  select n.*, (select coalesce(max(t.__ord), 0) from public.xml_table t where t.__row = n.__row) as __have
  from "Δ net" n
),
changes as (
  select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, id as __value_1, "position" as __value_2, q as __value_3, text as __value_4
  from copies c
  cross join lateral generate_series(
    (__have + least(__w, 0) + 1)::bigint,
    (__have + greatest(__w, 0))::bigint
  ) copy(__n)
  where copy.__n between (select 1) and (select 9223372036854775807)
),
"deleted from xml_table" as (
  delete from public.xml_table t
  using changes c
  where t.__row = c.__key_1 and t.__ord = c.__key_2 and c.__existed and not (__alive)
  returning 1
),
"written to xml_table" as (
  insert into public.xml_table as t (id, "position", q, text, __row, __ord)
  select __value_1, __value_2, __value_3, __value_4, __key_1, __key_2
  from changes
  where __alive
  on conflict (__row, __ord) do update set id = excluded.id, "position" = excluded."position", q = excluded.q, text = excluded.text
  returning 1
)
