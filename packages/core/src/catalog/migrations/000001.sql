-- compatibility: breaking
-- Freshet's control tables. One row a fact; hot rows apart from cold ones.

-- The same value as core's stableName(): FNV-1a, 64 bits, over the canonical `schema.table` in UTF-8.
-- Not quote_ident: its keywords change between major versions. The ranges mean ASCII, whatever the collation.
create function freshet.canon(name text) returns text
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select case
    when name collate "C" ~ '^[a-z_][a-z0-9_$]*$' then name
    else '"' || replace(name, '"', '""') || '"'
  end
$$;

create function freshet.stable_name(schema_name text, table_name text) returns text
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  bytes bytea := convert_to(freshet.canon(schema_name) || '.' || freshet.canon(table_name), 'UTF8');
  hash numeric := 14695981039346656037;
  low int;
begin
  for i in 0 .. length(bytes) - 1 loop
    low := mod(hash, 256)::int;
    hash := mod((hash - low + (low # get_byte(bytes, i))) * 1099511628211, 18446744073709551616);
  end loop;
  return lpad(to_hex(div(hash, 4294967296)::bigint), 8, '0') || lpad(to_hex(mod(hash, 4294967296)::bigint), 8, '0');
end
$$;

create table freshet.installation (
  only_row boolean primary key default true check (only_row),
  system_identifier text,
  database_name text not null default current_database(),
  installed_at timestamptz not null default clock_timestamp()
);
insert into freshet.installation default values;

create table freshet.setting (
  name text primary key,
  value jsonb not null,
  changed_at timestamptz not null default clock_timestamp()
);

-- A relation that stream tables read. Its stable name is fixed when tracking begins; the oid is a cache.
create table freshet.source (
  stable_name text primary key check (stable_name ~ '^[0-9a-f]{16}$'),
  relation oid not null,
  schema_name text not null,
  table_name text not null,
  kind text not null check (kind in ('table', 'partitioned', 'stream_table', 'foreign', 'materialized_view')),
  -- trigger: statement triggers; refresh: the source is a stream table and its own refresh writes the buffer; none: not captured
  capture text not null check (capture in ('trigger', 'refresh', 'none')),
  -- [{"name", "type"}], in the order in which they came
  captured_columns jsonb not null default '[]',
  -- the relation with its partitions and children, when the triggers were put on them
  members oid[] not null default '{}',
  installed_at timestamptz not null default clock_timestamp(),
  unique (schema_name, table_name)
);

create table freshet.stream_table (
  stream_table_id int generated always as identity primary key,
  schema_name text not null,
  table_name text not null,
  relation oid,
  stable_name text not null unique check (stable_name ~ '^[0-9a-f]{16}$'),
  -- as the user wrote it, and as PostgreSQL resolved it
  query text not null,
  definition text not null,
  -- what was asked for, and what was found possible, with the reason where they differ
  mode text not null check (mode in ('auto', 'differential', 'full')),
  effective_mode text not null check (effective_mode in ('differential', 'full')),
  mode_reason text,
  mode_detail text,
  -- a duration ('5s'), 'live' or 'manual'
  schedule text not null default 'live',
  storage text not null check (storage in ('keyed', 'bag', 'single')),
  key_columns text[] not null default '{}',
  -- the compiled plan: stages, statements, sources
  plan jsonb not null,
  -- session settings under which the query means what it meant when it was created
  session_settings jsonb not null default '{}',
  -- output deltas are written only while someone consumes them
  emits_changes boolean not null default false,
  created_at timestamptz not null default clock_timestamp(),
  altered_at timestamptz not null default clock_timestamp(),
  unique (schema_name, table_name)
);

-- The hot row of a stream table: a refresh locks it, and its version fences stale refreshers.
create table freshet.stream_table_state (
  stream_table_id int primary key references freshet.stream_table on delete cascade,
  version bigint not null default 1,
  status text not null default 'initializing' check (status in ('initializing', 'active', 'paused', 'suspended')),
  status_reason text,
  -- {"<stable name>": {"<node>": {"kind": "snapshot", "snapshot": "xmin:xmax:xip"}}}
  frontier jsonb not null default '{}',
  -- set when only a full refresh can make the table right again, with the reason code
  reinitialize text,
  refreshed_at timestamptz,
  consecutive_errors int not null default 0,
  last_error jsonb,
  retry_at timestamptz
) with (fillfactor = 50);

create table freshet.dependency (
  stream_table_id int not null references freshet.stream_table on delete cascade,
  -- not a foreign key: a dependency is recorded before its capture is installed, and outlives a broken one
  stable_name text not null,
  columns text[] not null,
  primary key (stream_table_id, stable_name)
);
create index on freshet.dependency (stable_name);

create table freshet.refresh_history (
  refresh_id bigint generated always as identity primary key,
  stream_table_id int not null references freshet.stream_table on delete cascade,
  started_at timestamptz not null,
  finished_at timestamptz not null default clock_timestamp(),
  action text not null check (action in ('initial', 'differential', 'full')),
  reason text,
  initiated_by text not null,
  change_rows bigint not null default 0,
  rows_inserted bigint not null default 0,
  rows_deleted bigint not null default 0,
  error jsonb
);
create index on freshet.refresh_history (started_at);
create index on freshet.refresh_history (stream_table_id, refresh_id desc);

-- Refuses direct writes to stream tables. Fires after the statement, so that a refresh, which is one statement, can
-- announce itself within it: no session state is needed, and none is left behind.
create function freshet.guard_stream_table() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('freshet.apply', true) = 'on' then
    return null;
  end if;
  raise exception using
    errcode = 'FR001',
    message = format('%I.%I is a stream table and can not be written to', tg_table_schema, tg_table_name),
    hint = 'Write to its sources. To override in this session: set freshet.apply = on, and refresh with --full afterwards.';
end
$$;
