-- compatibility: additive
-- What a monitor asks, in SQL. Reads no change buffer, and of the history one row of each stream table, by its index:
-- neither grows with what was refreshed.

create view freshet.stream_tables_status as
select t.stream_table_id, format('%I.%I', t.schema_name, t.table_name) as name, t.mode, t.effective_mode, t.mode_reason,
  t.schedule, t.tier, t.sla_ms, t.unit, s.status, s.status_reason, g.sources as paused_sources, s.refreshed_at,
  clock_timestamp() - s.refreshed_at as age, s.consecutive_errors, s.last_error ->> 'code' as error_code,
  s.last_error ->> 'message' as error_message, s.retry_at, h.refresh_id as last_refresh_id, h.action as last_action,
  h.started_at as last_started_at, h.finished_at - h.started_at as last_duration, h.change_rows as last_change_rows,
  h.rows_inserted as last_rows_inserted, h.rows_deleted as last_rows_deleted
from freshet.stream_table t join freshet.stream_table_state s using (stream_table_id)
  left join freshet.gated_stream_table g using (stream_table_id)
  left join lateral (
    -- A range of one, ordered by both: so only by the index of both. By equality the planner may as well walk back through
    -- the refreshes of all, and far, for one that was refreshed long ago.
    select * from freshet.refresh_history h
    where h.stream_table_id between t.stream_table_id and t.stream_table_id
    order by h.stream_table_id, h.refresh_id desc limit 1
  ) h on true
-- what is being built for a new query is no stream table yet
where not exists (select from freshet.shadow_build b where b.shadow_id = t.stream_table_id);

-- Who reads what: a row for each relation that a stream table reads directly.
create view freshet.dependency_edge as
select t.stream_table_id, format('%I.%I', t.schema_name, t.table_name) as name, d.stable_name as reads_stable_name,
  u.stream_table_id as reads_stream_table_id,
  coalesce(
    case when u.stream_table_id is not null then format('%I.%I', u.schema_name, u.table_name) end,
    (select format('%I.%I', o.schema_name, o.table_name) from freshet.source o where o.stable_name = d.stable_name),
    -- what an immediate one reads need not be captured
    (
      select format('%I.%I', p ->> 'schema', p ->> 'table') from jsonb_array_elements(t.plan -> 'sources') p
      where p ->> 'stableName' = d.stable_name limit 1
    )
  ) as reads
from freshet.stream_table t join freshet.dependency d using (stream_table_id)
  left join freshet.stream_table u on u.stable_name = d.stable_name
where not exists (select from freshet.shadow_build b where b.shadow_id = t.stream_table_id);

-- What a stream table reads, what that reads, and so on (null: of all that nobody reads): depth first, a row for each way
-- to get there.
create function freshet.dependency_tree(name text default null)
returns table (depth int, relation text, stream_table_id int, path text[])
language plpgsql stable
as $$
#variable_conflict use_column
declare
  root int;
begin
  if dependency_tree.name is not null then
    select t.stream_table_id into root from freshet.stream_table t
    where t.relation = to_regclass(dependency_tree.name)::oid;
    if not found then
      raise exception using errcode = 'FR005', message = format('there is no stream table %s', dependency_tree.name);
    end if;
  end if;
  return query
    with recursive tree as (
      select 0 as depth, format('%I.%I', t.schema_name, t.table_name) as relation, t.stream_table_id,
        array[format('%I.%I', t.schema_name, t.table_name)] as path
      from freshet.stream_table t
      where t.stream_table_id = root or root is null
        and not exists (select from freshet.shadow_build b where b.shadow_id = t.stream_table_id) and not exists (
        select from freshet.dependency_edge e where e.reads_stream_table_id = t.stream_table_id
      )
      union all
      select tree.depth + 1, e.reads, e.reads_stream_table_id, tree.path || e.reads
      from tree join freshet.dependency_edge e using (stream_table_id)
    )
    select tree.depth, tree.relation, tree.stream_table_id, tree.path from tree order by tree.path collate "C";
end
$$;

-- All of it as a picture: the text of a mermaid flowchart, or of a graph for Graphviz.
create function freshet.explain_dag(format text default 'mermaid') returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  if format is null or format not in ('mermaid', 'dot') then
    raise exception using errcode = 'invalid_parameter_value',
      message = pg_catalog.format('there is no format %L', format), hint = 'There are mermaid and dot.';
  end if;
  return (
    with node as (
      select 't' || t.stream_table_id as id, pg_catalog.format('%I.%I', t.schema_name, t.table_name) as label,
        case when s.status = 'active' then t.schedule else s.status end as note, true as is_stream_table
      from freshet.stream_table t join freshet.stream_table_state s using (stream_table_id)
      where not exists (select from freshet.shadow_build b where b.shadow_id = t.stream_table_id)
      union all
      select distinct 's' || e.reads_stable_name, e.reads, null, false
      from freshet.dependency_edge e where e.reads_stream_table_id is null
    ),
    edge as (
      select coalesce('t' || e.reads_stream_table_id, 's' || e.reads_stable_name) as tail, 't' || e.stream_table_id as head
      from freshet.dependency_edge e
    ),
    line (part, sort, text) as (
      select 1, n.label,
        case format
          when 'mermaid' then
            '  ' || n.id || case when n.is_stream_table then '["' else '[("' end
              || replace(replace(replace(n.label, '#', '#35;'), '"', '#quot;'), '<', '#lt;')
              || coalesce('<br/>' || n.note, '') || case when n.is_stream_table then '"]' else '")]' end
          else
            '  ' || n.id || ' [label="' || replace(replace(n.label, '\', '\\'), '"', '\"')
              || coalesce('\n' || n.note, '') || '", shape=' || case when n.is_stream_table then 'box' else 'cylinder' end || '];'
        end
      from node n
      union all
      select 2, e.tail || ' ' || e.head,
        case format when 'mermaid' then '  ' || e.tail || ' --> ' || e.head else '  ' || e.tail || ' -> ' || e.head || ';' end
      from edge e
    )
    select case format when 'mermaid' then 'flowchart LR' else E'digraph freshet {\n  rankdir=LR;' end
      || coalesce(E'\n' || string_agg(l.text, E'\n' order by l.part, l.sort collate "C"), '')
      || case format when 'mermaid' then '' else E'\n}' end
    from line l
  );
end
$$;
