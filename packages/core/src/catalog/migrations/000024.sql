-- compatibility: additive
-- How many rows a source has on the shards that Citus keeps of it: the statistics of the table itself, which the
-- coordinator has, tell nothing of them. Whoever refreshes reads it there now and then: `refresh/src/citus/shard-rows.ts`.

alter table freshet.source add column shard_rows bigint, add column shard_rows_at timestamptz;
