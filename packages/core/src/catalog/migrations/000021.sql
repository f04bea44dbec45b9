-- compatibility: additive
-- What relays do, for a monitor: a row for each consumer. Of what waits in its outbox at most 10,001 rows are looked at.
create function freshet.relay_status()
returns table (
  name text,
  -- of an outbox; null: a stream table
  outbox text,
  -- some relay holds its lease
  working boolean,
  moved_at timestamptz,
  -- messages that it has not passed; null: not known, or not this role's to see
  waiting int,
  waiting_is_lower_bound boolean,
  waiting_since timestamptz,
  dead_letters int
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  bound constant int := 10000;
  consumer_frontier text;
  place regclass;
begin
  for name, outbox, consumer_frontier, working, moved_at, dead_letters in
    select c.name, case when c.outbox_id is not null then format('%I.%I', o.schema_name, o.table_name) end,
      case when c.position is not null then coalesce(c.frontier, '1:1:') end,
      exists (
        select from freshet.lease l
        where l.name = 'relay:' || c.name and l.holder is not null and l.expires_at > clock_timestamp()
      ),
      c.moved_at, (select count(*)::int from freshet.dead_letter d where d.consumer = c.name)
    from freshet.consumer c left join freshet.outbox o using (outbox_id)
    order by c.name
  loop
    waiting := null;
    waiting_is_lower_bound := false;
    waiting_since := null;
    place := to_regclass(outbox);
    if place is not null and consumer_frontier is not null and has_table_privilege(place, 'SELECT') then
      execute format(
        'select count(*)::int, min(created_at) from (
           select created_at from %s
           where __x >= pg_snapshot_xmax($1) or __x = any (array(select pg_snapshot_xip($1)))
           limit $2
         ) seen', place)
      into waiting, waiting_since using consumer_frontier::pg_snapshot, bound + 1;
      waiting_is_lower_bound := waiting > bound;
      waiting := least(waiting, bound);
    end if;
    return next;
  end loop;
end
$$;
