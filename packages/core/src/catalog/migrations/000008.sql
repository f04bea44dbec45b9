-- compatibility: breaking
-- Partitions and children of a source that is captured by WAL: each is published, and each has a replica identity that it
-- is given back.

alter table freshet.source
  -- [{oid, schema, table, identity, index}] of the tables whose replica identity was changed: what it was before
  add column replica_identities jsonb not null default '[]';
update freshet.source
set replica_identities = jsonb_build_array(jsonb_build_object(
  'oid', relation::int8, 'schema', schema_name, 'table', table_name, 'identity', replica_identity,
  'index', replica_identity_index))
where replica_identity is not null;
alter table freshet.source drop column replica_identity, drop column replica_identity_index;

-- A standby that was promoted begins another timeline. Its slot may have been told to have passed changes that its tables
-- do not hold: what was applied and confirmed on the old server, and did not come over in time.
alter table freshet.wal_stream add column timeline bigint;
