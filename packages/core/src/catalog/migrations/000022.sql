-- compatibility: breaking
-- Stream tables whose refreshes run on the workers of a Citus cluster read changes from queues of their own, beside the
-- shards: see `cdc/src/citus/queues.ts`. Older programs would collect changes past them.

create table freshet.shard_queue (
  stream_table_id int not null references freshet.stream_table on delete cascade,
  stable_name text not null,
  -- of the queue, named as in the source when it was made; the first one distributes it
  columns text[] not null,
  -- as they were captured then
  types text[] not null,
  primary key (stream_table_id, stable_name)
);
create index on freshet.shard_queue (stable_name);
