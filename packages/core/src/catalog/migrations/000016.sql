-- compatibility: additive
-- As it was, over long histories: statement_timestamp() stays the same while the statement runs, so that an index can be
-- asked for what is younger, where clock_timestamp() had to be compared with every row; and counts are added up as float8,
-- which is exact for them, where the sums of bigint are numeric.

-- Of every stream table: its objective, the share of refreshes that met it, how long changes waited at most (the ends of
-- buckets), what is left of the refreshes that may come late, and what to do where more did.
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
      where f.hour >= date_trunc('hour', statement_timestamp() - lookback)
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
