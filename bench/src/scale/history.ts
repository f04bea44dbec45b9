import type pg from 'pg'
import type { Bench } from '../stand.ts'

/**
 * A month of history: a few stream tables have most of the refreshes (the k-th table in a share that falls with k), the
 * day has its busy hours, one refresh in a hundred is full, one in five hundred failed. Written in the order of time;
 * triggers and foreign keys are not asked, and the indexes are made afterwards, which saves most of the time and leaves
 * them a little smaller than they would be. Beside it the counts of how long changes had waited, as schedulers would have
 * written them for these refreshes: hour after hour.
 */
const DAYS = 30
const SLICES = 30

export async function fillHistory({ say }: Bench, client: pg.Client, rows: number): Promise<void> {
  say(`${rows} rows of history`)
  const { rows: indexes } = await client.query<{ name: string; definition: string }>(`
    select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
    from pg_index where indrelid = 'freshet.refresh_history'::regclass and not indisunique`)
  for (const { name } of indexes) await client.query(`drop index ${name}`)
  await client.query(`set session_replication_role = replica; set synchronous_commit = off;
    create temporary table ranked as
    select stream_table_id, (row_number() over (order by md5(stream_table_id::text)) - 1)::int as rank from freshet.stream_table;
    create unique index on ranked (rank); analyze ranked`)
  for (let slice = 0; slice < SLICES; slice++) {
    await client.query(SLICE, [slice, Math.round(rows / SLICES), SLICES, DAYS])
    if (slice % 5 === 4) say(`${Math.round((rows * (slice + 1)) / SLICES)} rows`)
  }
  for (const { definition } of indexes) await client.query(definition)
  await client.query(FRESHNESS)
  await client.query('drop table ranked; reset session_replication_role; reset synchronous_commit')
  await client.query(BY_DAY)
  await client.query('vacuum (analyze) freshet.refresh_history, freshet.freshness, freshet.freshness_by_day')
}

/** Day and night: the n-th of the slice's rows at a moment that comes sooner where the day is busy. */
const SLICE = `
  insert into freshet.refresh_history
    (stream_table_id, started_at, finished_at, action, initiated_by, change_rows, rows_inserted, rows_deleted, error)
  select r.stream_table_id, made.at, made.at + made.ms * interval '1 millisecond', made.action, 'scheduler', made.changes,
    made.changes / 2, made.changes / 3, case when made.failed then '{"code": "LOCK_TIMEOUT", "message": "a lock was not to be had"}'::jsonb end
  from generate_series(1, $2::int) n
    cross join lateral (
      select
        clock_timestamp() + (($1::int + n / $2::float8 + sin(n / $2::float8 * 2 * pi()) / 8) / $3::int - 1) * $4::int * interval '1 day' as at,
        -- most take a few milliseconds, and some a second
        exp(1 + random_normal() * 1.2) as ms,
        case when random() < 0.01 then 'full' else 'differential' end as action,
        floor(exp(abs(random_normal()) * 2.7))::bigint as changes,
        random() < 0.002 as failed,
        floor((select count(*) from ranked) * random() ^ 3)::int as rank
    ) made
    join ranked r using (rank)`

const FRESHNESS = `
  insert into freshet.freshness (stream_table_id, hour, bucket, refreshes, promised, late)
  select stream_table_id, date_trunc('hour', started_at),
    least(ceil(2 * ln(extract(epoch from finished_at - started_at)::float8 * 1000 + 10) / ln(2::float8)), 60)::int as bucket,
    count(*), case when stream_table_id % 2 = 0 then count(*) else 0 end,
    case when stream_table_id % 2 = 0 then count(*) filter (where finished_at - started_at > interval '2 s') else 0 end
  from freshet.refresh_history where error is null group by 1, 2, 3 order by 2, 1, 3`

const BY_DAY = `
  insert into freshet.freshness_by_day (stream_table_id, day, bucket, refreshes, promised, late)
  select stream_table_id, (hour at time zone 'UTC')::date, bucket, sum(refreshes), sum(promised), sum(late)
  from freshet.freshness group by 1, 2, 3 order by 2, 1, 3`
