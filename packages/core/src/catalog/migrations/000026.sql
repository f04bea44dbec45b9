-- compatibility: additive
-- A coordinator, or another node, that comes back from an older backup than the others have forgotten collections that
-- these remember. Each collection leaves a word on every node that it concerns, and here: see `cdc/src/citus/epoch.ts`.

create table freshet.shard_epoch (
  stable_name text primary key references freshet.source on delete cascade,
  epoch text not null,
  -- of the rows that have it, beside the shards of the source
  keys text[] not null
);

-- Beside its shards a source has a table more, which those that are captured already get with a capture that is installed
-- anew, and what reads them is computed anew.
