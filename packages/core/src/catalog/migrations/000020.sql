-- compatibility: additive
-- How long changes waited, by day as well as by hour: a week of it is answered from a twentieth of the rows.

create table freshet.freshness_by_day (
  stream_table_id int not null references freshet.stream_table on delete cascade,
  -- in UTC
  day date not null,
  bucket int not null,
  refreshes bigint not null,
  promised bigint not null,
  late bigint not null,
  primary key (stream_table_id, day, bucket)
);
create index on freshet.freshness_by_day (day);

-- The sums follow the hours' counts, also those that an older program writes; and go by themselves, like the hours.
create function freshet.count_by_day() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    insert into freshet.freshness_by_day as d (stream_table_id, day, bucket, refreshes, promised, late)
    select stream_table_id, (hour at time zone 'UTC')::date, bucket, sum(refreshes), sum(promised), sum(late)
    from added
    group by 1, 2, 3
    order by 1, 2, 3
    on conflict (stream_table_id, day, bucket) do update
    set refreshes = d.refreshes + excluded.refreshes, promised = d.promised + excluded.promised,
      late = d.late + excluded.late;
  else
    insert into freshet.freshness_by_day as d (stream_table_id, day, bucket, refreshes, promised, late)
    select stream_table_id, (hour at time zone 'UTC')::date, bucket,
      sum(sign * refreshes), sum(sign * promised), sum(sign * late)
    from (select 1 as sign, * from added union all select -1, * from removed) changed
    group by 1, 2, 3
    order by 1, 2, 3
    on conflict (stream_table_id, day, bucket) do update
    set refreshes = d.refreshes + excluded.refreshes, promised = d.promised + excluded.promised,
      late = d.late + excluded.late;
  end if;
  return null;
end
$$;

create trigger freshness_inserted after insert on freshet.freshness
  referencing new table as added for each statement execute function freshet.count_by_day();
create trigger freshness_updated after update on freshet.freshness
  referencing new table as added old table as removed for each statement execute function freshet.count_by_day();

insert into freshet.freshness_by_day (stream_table_id, day, bucket, refreshes, promised, late)
select stream_table_id, (hour at time zone 'UTC')::date, bucket, sum(refreshes), sum(promised), sum(late)
from freshet.freshness
group by 1, 2, 3;

-- Who prunes the hours prunes the days.
do $$
declare
  pruner name;
begin
  for pruner in
    select pg_get_userbyid(a.grantee)
    from pg_class c cross join lateral aclexplode(c.relacl) a
    where c.oid = 'freshet.freshness'::regclass and a.privilege_type = 'DELETE' and a.grantee not in (0, c.relowner)
  loop
    execute format('grant select, update, delete on freshet.freshness_by_day to %I', pruner);
  end loop;
end
$$;

-- As it was, but that from two days on it counts whole days of UTC.
create or replace function freshet.sla_summary(lookback interval default '7 days', target float8 default 0.99)
returns table (
  stream_table_id int, name text, sla interval, tier text, schedule text, refreshes bigint, share_met float8,
  p50 interval, p95 interval, p99 interval, budget_left float8, recommendation text
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  if target is null or target <= 0 or target >= 1 then
    raise exception using errcode = 'invalid_parameter_value',
      message = format('a target of %s is none', coalesce(target::text, 'null')),
      hint = 'It is the share of refreshes that are to be in time: more than 0, and less than 1, such as 0.99.';
  end if;
  return query
    with counted as (
      select f.stream_table_id, f.bucket, sum(f.refreshes::float8) as refreshes, sum(f.promised::float8) as promised,
        sum(f.late::float8) as late
      from freshet.freshness f
      where lookback < interval '2 days' and f.hour >= date_trunc('hour', statement_timestamp() - lookback)
      group by f.stream_table_id, f.bucket
      union all
      select f.stream_table_id, f.bucket, sum(f.refreshes::float8), sum(f.promised::float8), sum(f.late::float8)
      from freshet.freshness_by_day f
      where lookback >= interval '2 days' and f.day >= ((statement_timestamp() - lookback) at time zone 'UTC')::date
      group by f.stream_table_id, f.bucket
    ),
    cumulated as (
      select c.*,
        sum(c.refreshes) over (partition by c.stream_table_id order by c.bucket) as reached,
        sum(c.refreshes) over (partition by c.stream_table_id) as total
      from counted c
    ),
    waited as (
      select c.stream_table_id, sum(c.refreshes)::bigint as refreshes, sum(c.promised) as promised, sum(c.late) as late,
        -- as freshet.freshness_bound, which is a call for each
        power(2::float8, min(c.bucket) filter (where c.reached >= 0.5 * c.total) / 2.0::float8) as p50,
        power(2::float8, min(c.bucket) filter (where c.reached >= 0.95 * c.total) / 2.0::float8) as p95,
        power(2::float8, min(c.bucket) filter (where c.reached >= 0.99 * c.total) / 2.0::float8) as p99
      from cumulated c
      group by c.stream_table_id
    )
    select t.stream_table_id, format('%I.%I', t.schema_name, t.table_name), t.sla_ms * interval '1 millisecond', t.tier,
      t.schedule, coalesce(w.refreshes, 0), 1 - w.late / nullif(w.promised, 0),
      w.p50 * interval '1 millisecond', w.p95 * interval '1 millisecond', w.p99 * interval '1 millisecond',
      1 - w.late / nullif((1 - target) * w.promised, 0),
      case when t.sla_ms is null or w.late is null or w.late <= (1 - target) * w.promised then null else (
        select case
          when t.tier = 'frozen' or t.schedule = 'manual' then 'nothing refreshes it: give it a schedule and a tier'
          when took.p95 > t.sla_ms then format(
            'its refreshes alone take %s: a longer SLA (%s would be met), or a query that is cheaper to maintain',
            freshet.option_of_ms(took.p95, true), attainable.text)
          when t.tier <> 'hot' then format('the tier hot, or an SLA of %s', attainable.text)
          when beat.ms + took.p95 > t.sla_ms and t.sla_ms - took.p95 < 100 then format('the schedule live, or an SLA of %s', attainable.text)
          when beat.ms + took.p95 > t.sla_ms then format(
            'a schedule of at most %s, or an SLA of %s', freshet.option_of_ms(t.sla_ms - took.p95, false), attainable.text)
          when t.schedule like 'cron:%' then format('live or a duration for a schedule, or an SLA of %s', attainable.text)
          when t.schedule = 'calculated' then format('a shorter schedule of what reads it, or an SLA of %s', attainable.text)
          else format(
            'its refreshes are quick enough, and wait for what it reads or for others: raise max_concurrent_refreshes, or an SLA of %s',
            attainable.text)
        end
        from (
            -- of the last ones: by the index, however long the history is
            select coalesce(
              percentile_disc(0.95) within group (order by extract(epoch from r.finished_at - r.started_at)::float8 * 1000), 0) as p95
            from (
              select h.started_at, h.finished_at from freshet.refresh_history h
              where h.stream_table_id = t.stream_table_id and h.error is null and h.action <> 'initial'
              order by h.refresh_id desc limit 100
            ) r
          ) took,
          (
            select case when t.schedule ~ '^\d+(ms|s|m|h|d)$' then extract(epoch from t.schedule::interval)::float8 * 1000 else 0 end as ms
          ) beat,
          (select freshet.option_of_ms(w.p99, true) as text) attainable
      ) end
    from freshet.stream_table t left join waited w using (stream_table_id)
    order by t.schema_name, t.table_name;
end
$$;
