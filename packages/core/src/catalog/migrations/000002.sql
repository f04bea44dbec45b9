-- compatibility: additive
-- What AUTO decided and why, and what it learns from.

-- {"action", "reason", "basis", "changeRows", "sourceRows", "differentialMs", "fullMs"}; null where nothing was to decide
alter table freshet.refresh_history
  add column decision jsonb,
  -- rows of the sources by the server's statistics, when a full refresh read them
  add column source_rows bigint;

-- The few that tell most: full refreshes, and large deltas.
create index on freshet.refresh_history (stream_table_id, refresh_id desc) where action <> 'differential';
create index on freshet.refresh_history (stream_table_id, refresh_id desc) where change_rows > 1000;

-- the last decision, with the time when it was made: {"decidedAt", …}
alter table freshet.stream_table_state add column decision jsonb;
