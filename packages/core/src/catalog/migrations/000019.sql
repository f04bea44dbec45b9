-- compatibility: additive
-- A scheduler waits in the server until something was committed: a loop around pg_sleep() costs a small part of what
-- asking over a connection costs, so it can look more often.

-- Ends as soon as pg_current_snapshot() differs from `known`, and after `at_most_ms` in any case; looks every `every_ms`.
-- `held_ms` after the call it was still `known`; null: it was not even then. Each statement of a volatile function has a
-- snapshot of its own, at READ COMMITTED.
create function freshet.await_commit(
  known text, every_ms float8, at_most_ms float8, out snapshot text, out held_ms float8
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  began constant timestamptz := clock_timestamp();
  looked float8;
begin
  loop
    looked := extract(epoch from clock_timestamp() - began) * 1000;
    snapshot := pg_current_snapshot()::text;
    exit when snapshot is distinct from known;
    held_ms := looked;
    exit when looked >= at_most_ms;
    perform pg_sleep(least(every_ms, at_most_ms - looked) / 1000);
  end loop;
end
$$;
