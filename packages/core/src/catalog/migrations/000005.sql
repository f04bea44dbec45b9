-- compatibility: breaking
-- Capture by WAL: changes are read from a replication slot and written to the log of their source.

alter table freshet.source
  drop constraint source_capture_check,
  -- wal: the transactions' changes come from the stream
  add constraint source_capture_check check (capture in ('trigger', 'wal', 'refresh', 'none')),
  -- of a source captured by WAL: what its replica identity was before; null when it was not changed
  add column replica_identity text check (replica_identity in ('d', 'n', 'i')),
  add column replica_identity_index text;

-- The stream of this database. One slot serves all its sources, and is its lock: the server lets one process read it.
create table freshet.wal_stream (
  only_row boolean primary key default true check (only_row),
  slot_name text not null,
  -- raised whenever the slot is created anew
  generation int not null,
  -- the transaction that began this generation: who does not see it may have missed changes that no slot has
  since xid8 not null default pg_current_xact_id(),
  -- transactions whose commit ends here or earlier have been applied; written with their rows
  applied_lsn pg_lsn not null
);

-- Waits until every transaction visible in `seen` has been applied by the stream; then the changes of some of them may
-- be in rows that this statement's snapshot does not show yet, and the answer is true.
--
-- It must be volatile: each of its queries, and each of its caller's, then has a snapshot of its own, newer than that of
-- the statement that calls it. freshet.wal says how to read: `behind` without waiting, for who only wants to know whether
-- something came; `handed over` for a transaction that was given those rows.
create function freshet.await_wal(seen pg_snapshot) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  reading text := current_setting('freshet.wal', true);
  target pg_lsn;
  stream record;
  forced boolean := false;
  patience interval := make_interval(
    secs => coalesce(nullif(current_setting('freshet.wal_patience', true), ''), '5')::float8);
  began timestamptz := clock_timestamp();
  read_at timestamptz := began;
begin
  if reading in ('behind', 'handed over') then
    return false;
  end if;
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception using errcode = 'FR003', message = 'changes captured by WAL can only be read in READ COMMITTED';
  end if;
  if current_setting('freshet.wal_seen', true) = seen::text then
    return true;
  end if;
  -- Later than the snapshot: the commit records of all that it shows lie before.
  target := pg_current_wal_insert_lsn();
  loop
    select w.slot_name, w.since, s.confirmed_flush_lsn, s.active into stream
    from freshet.wal_stream w left join pg_replication_slots s on s.slot_name = w.slot_name;
    if stream.slot_name is not null and not pg_visible_in_snapshot(stream.since, seen) then
      raise exception using errcode = 'FR002', message = 'the stream of changes was begun anew meanwhile';
    end if;
    exit when stream.confirmed_flush_lsn >= target;
    if stream.active then
      read_at := clock_timestamp();
    end if;
    -- Longer while somebody reads it: a large transaction may be on its way.
    if clock_timestamp() > read_at + patience or clock_timestamp() > began + 12 * patience then
      raise exception using errcode = 'FR002',
        message = case
          when stream.slot_name is null then 'there is no stream of changes'
          when stream.confirmed_flush_lsn is null then format('the replication slot %s is gone', stream.slot_name)
          when not stream.active then format('nobody reads the replication slot %s', stream.slot_name)
          else format('the stream of changes is at %s, and %s is not reached', stream.confirmed_flush_lsn, target)
        end;
    end if;
    -- The stream carries what is flushed, and a transaction with synchronous_commit = off is visible before.
    if not forced then
      perform pg_logical_emit_message(false, 'freshet', '', true);
      forced := true;
    end if;
    perform pg_sleep(0.0005);
  end loop;
  perform set_config('freshet.wal_seen', seen::text, true);
  return true;
end
$$;
