-- compatibility: breaking
-- Immediate stream tables: kept in the transactions of those who write to their sources.

alter table freshet.stream_table
  drop constraint stream_table_mode_check,
  add constraint stream_table_mode_check check (mode in ('auto', 'differential', 'full', 'immediate')),
  drop constraint stream_table_effective_mode_check,
  add constraint stream_table_effective_mode_check
    check (effective_mode in ('differential', 'full', 'immediate'));

-- The transaction whose turn it is, or was last, to change an immediate stream table. Taking the turn is updating the
-- row: others wait for it, and who has an older snapshot learns it by a serialization failure.
alter table freshet.stream_table_state add column turn xid8;

-- Sources of immediate stream tables whose triggers are not all there and enabled, partitions and children included;
-- and relations that have such triggers though they are no longer a part of a source.
create view freshet.immediate_fault as
with recursive
hook as (
  select t.stream_table_id, (s ->> 'oid')::oid as relation, s ->> 'schema' as schema_name, s ->> 'table' as table_name,
    case when jsonb_array_length(s -> 'columns') = 0 then 4 else 5 end as triggers
  from freshet.stream_table t cross join lateral jsonb_array_elements(t.plan -> 'sources') s
  where t.mode = 'immediate'
  union
  select h.stream_table_id, i.inhrelid, h.schema_name, h.table_name, h.triggers
  from hook h join pg_catalog.pg_inherits i on i.inhparent = h.relation
),
present as (
  select substring(g.tgname from 19 for 10)::int as stream_table_id, g.tgrelid as relation,
    count(*) filter (where g.tgenabled in ('O', 'A')) as triggers
  from pg_catalog.pg_trigger g
  where starts_with(g.tgname::text, 'freshet_immediate_') and substring(g.tgname from 19 for 10) ~ '^[0-9]{10}$'
  group by 1, 2
)
select h.stream_table_id, h.schema_name, h.table_name,
  format('triggers are missing or disabled on %s', h.relation::regclass) as detail
from hook h left join present p using (stream_table_id, relation)
where p.triggers is distinct from h.triggers
union all
select p.stream_table_id, n.nspname::text, c.relname::text, 'it is no longer a part of a source'
from present p
join freshet.stream_table t on t.stream_table_id = p.stream_table_id and t.mode = 'immediate'
join pg_catalog.pg_class c on c.oid = p.relation
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where not exists (select from hook h where h.stream_table_id = p.stream_table_id and h.relation = p.relation);
