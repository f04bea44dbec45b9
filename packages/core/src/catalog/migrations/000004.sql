-- compatibility: additive
-- Gates: capture that is off on purpose, of one source or of all, and who is to be filled anew when it goes on.

alter table freshet.source
  -- what a person asked for; the settings cdc_paused and enabled ask it of every source
  add column paused boolean not null default false,
  -- what the trigger functions do: open, they capture; shut, they return at once
  add column gate text not null default 'open' check (gate in ('open', 'shut')),
  -- the transaction that opened the gate again: what was written before it may not have been captured
  add column resumed xid8;

create function freshet.capture_is_paused() returns boolean
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from freshet.setting
    where (name = 'cdc_paused' and value = 'true') or (name = 'enabled' and value = 'false')
  )
$$;

-- Stream tables that can not follow their sources, because a gate is shut. No scheduler refreshes them; a refresh by
-- hand computes them in full, and they stay marked.
create view freshet.gated_stream_table as
select t.stream_table_id,
  coalesce(
    (select array_agg(format('%I.%I', s.schema_name, s.table_name) order by s.schema_name, s.table_name)
      from freshet.dependency d join freshet.source s using (stable_name)
      where d.stream_table_id = t.stream_table_id and s.gate = 'shut'),
    '{}') as sources
from freshet.stream_table t
where exists (
    select from freshet.dependency d join freshet.source s using (stable_name)
    where d.stream_table_id = t.stream_table_id and s.gate = 'shut'
  )
  or (t.mode = 'immediate' and freshet.capture_is_paused());
