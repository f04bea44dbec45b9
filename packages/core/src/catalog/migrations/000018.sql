-- compatibility: breaking
-- Where a source's rows are, on a Citus cluster: see `core/src/citus/placement.ts`. Older programs would read a table whose
-- rows are on other nodes as if they were here.

alter table freshet.source
  add column placement jsonb not null default '{"kind": "local"}' check (placement ->> 'kind' in ('local', 'managed', 'reference', 'distributed', 'single'));
alter table freshet.source
  -- null: on this server, as without Citus
  add column placed text generated always as (nullif(placement ->> 'kind', 'local')) stored;
