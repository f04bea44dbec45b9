-- compatibility: breaking
-- Subscriptions: readers of a stream table that are not stream tables. A program that does not know of them would trim
-- what they have not read.

create table freshet.subscription (
  subscription_id bigint generated always as identity primary key,
  stream_table_id int not null references freshet.stream_table on delete cascade,
  -- of announcements: where they go. Null: a feed, which reads the change buffer
  channel text check (octet_length(channel) between 1 and 63),
  -- of a feed: what has been handled, a pg_snapshot; null while it is set up, and holds everything
  acknowledged text,
  acknowledged_at timestamptz not null default clock_timestamp(),
  -- of announcements: what is held back, up to this refresh; null when nothing is
  refresh_id bigint,
  inserted_count bigint not null default 0,
  deleted_count bigint not null default 0,
  announced_at timestamptz,
  unique (stream_table_id, channel)
);

alter table freshet.source
  -- of a stream table: the transaction since which its output delta has been written without a gap. Who does not see it
  -- may have missed something
  add column began xid8 not null default pg_current_xact_id(),
  -- of a stream table: what was visible in this pg_snapshot may be gone from its change buffer; null when nothing is
  add column trimmed text;

-- Clean-up of a stream table's change buffer, for whoever refreshes. The lock lasts to the end of the transaction: until
-- then nobody begins to read. Null when the source is not a stream table that is read, or somebody else has it.
create function freshet.begin_trim(stable text, retention interval) returns text[]
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from freshet.source s where s.stable_name = stable and s.capture = 'refresh' for update skip locked;
  if not found then
    return null;
  end if;
  delete from freshet.subscription s using freshet.stream_table t
  where t.stream_table_id = s.stream_table_id and t.stable_name = stable
    and s.channel is null and s.acknowledged_at < clock_timestamp() - retention;
  return array(
    select s.frontier -> stable -> '0' ->> 'snapshot'
    from freshet.dependency d join freshet.stream_table_state s using (stream_table_id)
      join freshet.stream_table t using (stream_table_id)
    where d.stable_name = stable and t.mode <> 'immediate'
    union all
    select s.acknowledged
    from freshet.subscription s join freshet.stream_table t using (stream_table_id)
    where t.stable_name = stable and s.channel is null
  );
end
$$;

create function freshet.end_trim(stable text, consumed pg_snapshot) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  update freshet.source set trimmed = consumed::text where stable_name = stable
$$;

-- Announcements: NOTIFY in the transaction of the refresh.

create function freshet.subscribe(name text, channel text) returns bigint
language plpgsql volatile
as $$
#variable_conflict use_variable
declare
  found_table record;
  subscription bigint;
begin
  select t.stream_table_id, t.mode into found_table from freshet.stream_table t where t.relation = to_regclass(name)::oid;
  if not found then
    raise exception using errcode = 'FR005', message = format('there is no stream table %s', name);
  end if;
  if found_table.mode = 'immediate' then
    raise exception using errcode = 'FR006', message = format('%s is immediate: it has no refreshes to announce', name),
      hint = 'Use the library’s subscribe(), or a trigger of yours on its sources.';
  end if;
  insert into freshet.subscription as s (stream_table_id, channel) values (found_table.stream_table_id, channel)
  on conflict on constraint subscription_stream_table_id_channel_key do nothing;
  select s.subscription_id into subscription from freshet.subscription s
  where s.stream_table_id = found_table.stream_table_id and s.channel = channel;
  return subscription;
end
$$;

create function freshet.unsubscribe(name text, channel text) returns boolean
language plpgsql volatile
as $$
#variable_conflict use_variable
begin
  delete from freshet.subscription s using freshet.stream_table t
  where t.stream_table_id = s.stream_table_id and t.relation = to_regclass(name)::oid and s.channel = channel;
  return found;
end
$$;

create function freshet.list_subscriptions()
returns table (subscription_id bigint, name text, channel text, acknowledged pg_snapshot, acknowledged_at timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select s.subscription_id, format('%I.%I', t.schema_name, t.table_name), s.channel, s.acknowledged::pg_snapshot,
    case when s.channel is null then s.acknowledged_at end
  from freshet.subscription s join freshet.stream_table t using (stream_table_id)
  order by 1
$$;

create function freshet.announcement(stream_table int, refresh bigint, inserted bigint, deleted bigint) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select json_build_object('name', format('%I.%I', t.schema_name, t.table_name), 'refresh_id', refresh,
    'inserted_count', inserted, 'deleted_count', deleted)::text
  from freshet.stream_table t where t.stream_table_id = stream_table
$$;

-- Sends what was held back for long enough, of one stream table or (null) of all; true when something is still held.
create function freshet.announce_held(stream_table int) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  pause interval := make_interval(secs => coalesce(
    (select value::text::float8 from freshet.setting where name = 'notify_coalesce_ms'), 250) / 1000);
  announced bigint;
begin
  with due as (
    select s.* from freshet.subscription s
    where s.refresh_id is not null and (stream_table is null or s.stream_table_id = stream_table)
      and (s.announced_at is null or s.announced_at <= clock_timestamp() - pause)
    for update
  ), sent as (
    update freshet.subscription s
    set refresh_id = null, inserted_count = 0, deleted_count = 0, announced_at = clock_timestamp()
    from due where due.subscription_id = s.subscription_id
    returning due.*
  )
  select count(pg_notify(sent.channel,
    freshet.announcement(sent.stream_table_id, sent.refresh_id, sent.inserted_count, sent.deleted_count)))
  from sent into announced;
  return exists (select from freshet.subscription s where s.refresh_id is not null);
end
$$;

create function freshet.announce_refresh() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from freshet.subscription s where s.stream_table_id = new.stream_table_id and s.channel is null) then
    -- wakes feeds, which otherwise look from time to time
    perform pg_notify('freshet_feed', new.stream_table_id::text);
  end if;
  -- Only a scheduler comes back to send what was held. A snapshot that does not move could not even hold it back: a row
  -- that another has written meanwhile would make the refresh fail.
  if new.initiated_by = 'scheduler' and current_setting('transaction_isolation') = 'read committed' then
    update freshet.subscription s
    set refresh_id = new.refresh_id, inserted_count = s.inserted_count + new.rows_inserted,
      deleted_count = s.deleted_count + new.rows_deleted
    where s.stream_table_id = new.stream_table_id and s.channel is not null;
    if found then
      perform freshet.announce_held(new.stream_table_id);
    end if;
  else
    perform pg_notify(s.channel,
      freshet.announcement(new.stream_table_id, new.refresh_id, new.rows_inserted, new.rows_deleted))
    from freshet.subscription s where s.stream_table_id = new.stream_table_id and s.channel is not null;
  end if;
  return null;
end
$$;

create trigger announce after insert on freshet.refresh_history
for each row when (new.error is null and new.rows_inserted + new.rows_deleted > 0)
execute function freshet.announce_refresh();
