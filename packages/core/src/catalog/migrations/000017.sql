-- compatibility: additive
-- Outboxes, who relays them and stream tables and how far, and the messages that nobody would take.

-- An application's outbox: a table of its own, with the transaction that wrote each row in __x.
create table freshet.outbox (
  outbox_id int generated always as identity primary key,
  schema_name text not null,
  table_name text not null,
  stable_name text not null unique,
  payload text not null check (payload in ('jsonb', 'bytea')),
  -- how long, in milliseconds, rows stay after every consumer has passed them, so that they can be relayed again
  keep_ms bigint not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  unique (schema_name, table_name)
);

-- A consumer that is forgotten and begins anew has another generation than before.
create sequence freshet.consumer_generation as int;

-- Who reads an outbox (outbox_id), or a stream table (none: its feed holds what it needs), outside of the database.
create table freshet.consumer (
  name text primary key,
  outbox_id int references freshet.outbox on delete cascade,
  -- what the consumer goes on from; null where it has to be told
  position text,
  -- of an outbox, a snapshot: what is visible here it will not ask for again
  frontier text,
  -- grows whenever somebody else says where it goes on: what was delivered under a lower one moves nothing any more
  generation int not null default nextval('freshet.consumer_generation'),
  moved_at timestamptz not null default clock_timestamp()
);
create index on freshet.consumer (outbox_id);

create table freshet.dead_letter (
  dead_letter_id bigint generated always as identity primary key,
  consumer text not null references freshet.consumer (name) on delete cascade,
  event_id text not null,
  topic text not null,
  key text,
  headers jsonb not null,
  value bytea,
  code text not null,
  error text not null,
  died_at timestamptz not null default clock_timestamp(),
  -- somebody asked for it to be delivered again
  requested_at timestamptz,
  unique (consumer, event_id)
);
