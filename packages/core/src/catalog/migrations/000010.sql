-- compatibility: additive

-- The fuse: how many change rows may wait for a refresh that nobody asked for; null: any number.
alter table freshet.stream_table add column fuse bigint check (fuse > 0);
-- The version that the next refresh need not measure: somebody resumed the table. Each refresh makes another version.
alter table freshet.stream_table_state add column fuse_lifted bigint;
