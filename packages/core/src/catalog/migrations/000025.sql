-- compatibility: breaking
-- Stream tables that read the same columns of a source share a queue on the workers, and each has a position in it: see
-- `cdc/src/citus/queues.ts`. Older programs would fill queues by other names.

-- Of the collections of all sources; on Citus only.
create sequence freshet.collection_number;

alter table freshet.shard_queue add column queue_id int generated always as identity;

create table freshet.shard_queue_reader (
  stream_table_id int not null references freshet.stream_table on delete cascade,
  stable_name text not null,
  queue_id int not null,
  -- the number of the last collection of the source that the stream table has had
  position bigint not null,
  primary key (stream_table_id, stable_name)
);
create index on freshet.shard_queue_reader (queue_id);

-- Each had its own: all that is in it, it has not had.
insert into freshet.shard_queue_reader (stream_table_id, stable_name, queue_id, position)
select stream_table_id, stable_name, queue_id, -1 from freshet.shard_queue;

do $$
declare
  queue record;
begin
  for queue in
    select format('queue_%s_%s', stream_table_id, stable_name) as before, format('queue_%s_%s', stable_name, queue_id) as name
    from freshet.shard_queue
  loop
    perform set_config('citus.multi_shard_modify_mode', 'sequential', true);
    execute format('alter table freshet_changes.%I rename to %I', queue.before, queue.name);
    execute format('alter table freshet_changes.%I add column __c bigint not null default 0', queue.name);
    execute format('alter table freshet_changes.%I alter column __c drop default', queue.name);
    execute format('create index on freshet_changes.%I (__c)', queue.name);
  end loop;
end
$$;

-- with it goes the key
alter table freshet.shard_queue drop column stream_table_id;
alter table freshet.shard_queue add primary key (queue_id);
alter table freshet.shard_queue_reader add foreign key (queue_id) references freshet.shard_queue;

-- as before, but for the queues
create or replace function freshet.citus_status()
returns table (
  stable_name text,
  source text,
  placement text,
  group_id int,
  -- host:port
  node text,
  active boolean,
  shards int,
  -- buffer and queues are where the shards are; false: capture is installed anew before the next refresh
  in_order boolean,
  -- change rows on that node that nobody has collected, and of those that are collected, what waits in queues there; null: not known
  waiting bigint,
  waiting_is_lower_bound boolean,
  queued bigint,
  collected_at timestamptz,
  -- in a row, to reach the node; 0: it answers, as far as is known
  failures int,
  failing_since timestamptz,
  failures_total bigint,
  last_failed_at timestamptz,
  last_error jsonb,
  -- whoever collects has the log to itself: the server process, since when, and how many wait for their turn
  collector int,
  collecting_since timestamptz,
  waiting_collectors int
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  bound constant int := 10000;
  count_shard constant text := format('select count(*) from (select from %%s limit %s) seen', bound + 1);
  tracked record;
  buffer regclass;
  beside regclass[];
  reachable boolean;
  ordered boolean;
  counts jsonb;
  queue_counts jsonb;
begin
  if not exists (select from pg_extension e where e.extname = 'citus') then
    return;
  end if;
  for tracked in
    select s.stable_name, format('%I.%I', s.schema_name, s.table_name) as source, s.placed,
      -- Citus makes another table of one that it places otherwise
      coalesce((select c.oid from pg_class c where c.oid = s.relation), to_regclass(format('%I.%I', s.schema_name, s.table_name))) as relation,
      s.placed in ('distributed', 'single') as sharded,
      case when s.placement ->> 'schema' is null then format('freshet_changes.%I', 'shards_' || s.stable_name)
        else format('%I.%I', s.placement ->> 'schema', 'freshet_shards_' || s.stable_name) end as buffer,
      array(
        select to_regclass(format('freshet_changes.%I', 'queue_' || q.stable_name || '_' || q.queue_id))
        from freshet.shard_queue q where q.stable_name = s.stable_name
          and exists (select from freshet.shard_queue_reader r where r.queue_id = q.queue_id)
      ) as queues
    from freshet.source s where s.placed is not null and s.capture = 'trigger' order by 2
  loop
    buffer := case when tracked.sharded then to_regclass(tracked.buffer) end;
    beside := case when tracked.sharded then tracked.queues || buffer else '{}' end;
    ordered := case when tracked.sharded
      then (
        select count(*) = cardinality(beside) + 1 and count(distinct p.colocationid) = 1
        from pg_dist_partition p where p.logicalrelid = any (beside || tracked.relation::regclass)
      )
      else exists (
        select from pg_dist_shard s join pg_dist_placement p using (shardid)
        where s.logicalrelid = tracked.relation and p.groupid = 0
      ) end;
    reachable := not exists (
      select from pg_dist_shard s join pg_dist_placement p using (shardid) join freshet.node_health h on h.group_id = p.groupid
      where s.logicalrelid = tracked.relation and h.failures > 0
    );
    counts := null;
    queue_counts := null;
    if buffer is not null and reachable then
      select jsonb_object_agg(groupid, counted) into counts from (
        select p.groupid, sum(least(r.result::bigint, bound)) as rows, bool_or(r.result::bigint > bound) as more
        from run_command_on_shards(buffer, count_shard) r join pg_dist_placement p using (shardid)
        group by p.groupid having bool_and(r.success)
      ) counted;
      select jsonb_object_agg(groupid, rows) into queue_counts from (
        select p.groupid, sum(least(r.result::bigint, bound)) as rows
        from unnest(tracked.queues) as queue cross join lateral run_command_on_shards(queue, count_shard) r
          join pg_dist_placement p using (shardid)
        where queue is not null
        group by p.groupid having bool_and(r.success)
      ) counted;
    end if;
    return query
      select tracked.stable_name, tracked.source, tracked.placed, n.groupid, n.nodename || ':' || n.nodeport, n.isactive,
        placed.shards, ordered,
        case when not tracked.sharded then 0 else (counts -> n.groupid::text ->> 'rows')::bigint end,
        coalesce((counts -> n.groupid::text ->> 'more')::boolean, false),
        case when not tracked.sharded or tracked.queues = '{}' then 0 else (queue_counts ->> n.groupid::text)::bigint end,
        c.collected_at, coalesce(h.failures, 0), h.failing_since, coalesce(h.failures_total, 0), h.last_failed_at,
        h.last_error, turn.collector, turn.since, coalesce(turn.waiting, 0)
      from (
          select p.groupid, count(*)::int as shards from pg_dist_shard s join pg_dist_placement p using (shardid)
          where s.logicalrelid = tracked.relation group by p.groupid
        ) placed
        join pg_dist_node n on n.groupid = placed.groupid and n.noderole = 'primary'
        left join freshet.collection c on c.stable_name = tracked.stable_name
        left join freshet.node_health h on h.group_id = n.groupid
        cross join (
          select min(l.pid) filter (where l.granted) as collector, min(a.xact_start) filter (where l.granted) as since,
            count(*) filter (where not l.granted)::int as waiting
          from pg_locks l left join pg_stat_activity a using (pid)
          where l.locktype = 'relation' and l.mode = 'ShareUpdateExclusiveLock'
            and l.database = (select d.oid from pg_database d where d.datname = current_database())
            and l.relation = to_regclass(format('freshet_changes.%I', 'changes_' || tracked.stable_name))
        ) turn
      order by n.groupid;
  end loop;
end
$$;
