import { type Database, type Fragment, type Queryable, raw, sql } from '@freshet/core'
import type { RosterTable } from './roster.ts'

/**
 * How long changes had waited when a refresh ended: counted here by table and bucket, and added to the hour's counts in
 * the database now and then, so that a refresh pays nothing for it.
 *
 * Bucket b ends at 2^(b/2) ms, and begins where the one before it ends: a time is told to within a half of itself, in few
 * rows however many refreshes there are.
 */
export interface Observed {
  readonly streamTable: number
  readonly bucket: number
  readonly refreshes: number
  /** Of them, those made under an objective; and of these, those that came after it. */
  readonly promised: number
  readonly late: number
}

export interface FreshnessLedger {
  add(table: Pick<RosterTable, 'id' | 'catalog'>, waitedMs: number): void
  readonly empty: boolean
  /** Hands over what was counted, and begins anew. */
  take(): readonly Observed[]
  /** It could not be written: it counts with what came since. */
  giveBack(observed: readonly Observed[]): void
}

/** Some twelve days; what waited longer is in the last one. */
const LAST_BUCKET = 60

export function bucketOf(waitedMs: number): number {
  return waitedMs <= 1 ? 0 : Math.min(Math.ceil(2 * Math.log2(waitedMs)), LAST_BUCKET)
}

export function freshnessLedger(): FreshnessLedger {
  let counts = new Map<string, Observed>()
  const count = (more: Observed) => {
    const key = `${more.streamTable} ${more.bucket}`
    const known = counts.get(key)
    counts.set(key, {
      ...more,
      refreshes: more.refreshes + (known?.refreshes ?? 0),
      promised: more.promised + (known?.promised ?? 0),
      late: more.late + (known?.late ?? 0),
    })
  }
  return {
    add: ({ id, catalog: { slaMs } }, waitedMs) =>
      count({
        streamTable: id,
        bucket: bucketOf(waitedMs),
        refreshes: 1,
        promised: slaMs === null ? 0 : 1,
        late: slaMs !== null && waitedMs > slaMs ? 1 : 0,
      }),
    get empty() {
      return counts.size === 0
    },
    take: () => {
      const taken = [...counts.values()]
      counts = new Map()
      return taken
    },
    giveBack: (observed) => {
      for (const each of observed) count(each)
    },
  }
}

/** The hour is the server's. In the order of the key, so that schedulers do not wait for each other in a circle. */
export async function recordFreshness(database: Database, observed: readonly Observed[]): Promise<void> {
  if (observed.length === 0) return
  const column = (name: keyof Observed) => observed.map((each) => each[name])
  await database.query(
    sql`
    insert into freshet.freshness as f (stream_table_id, hour, bucket, refreshes, promised, late)
    select o.stream_table_id, date_trunc('hour', clock_timestamp()), o.bucket, o.refreshes, o.promised, o.late
    from unnest(${column('streamTable')}::int[], ${column('bucket')}::int[], ${column('refreshes')}::bigint[],
        ${column('promised')}::bigint[], ${column('late')}::bigint[]) as o (stream_table_id, bucket, refreshes, promised, late)
      join freshet.stream_table t using (stream_table_id)
    order by o.stream_table_id, o.bucket
    on conflict (stream_table_id, hour, bucket) do update
    set refreshes = f.refreshes + excluded.refreshes, promised = f.promised + excluded.promised, late = f.late + excluded.late`,
    { prepared: true },
  )
}

/** Removes hours and days older than `retentionMs`, at most `limit` rows; returns how many. */
export async function pruneFreshness(database: Queryable, retentionMs: number, limit: number): Promise<number> {
  const before = sql`(statement_timestamp() - ${retentionMs}::float8 * interval '1 millisecond')`
  const hours = await prune(database, raw('freshet.freshness'), sql`hour`, before, limit)
  if (hours === limit) return hours
  const firstDay = sql`(${before} at time zone 'UTC')::date`
  return hours + (await prune(database, raw('freshet.freshness_by_day'), sql`day`, firstDay, limit - hours))
}

/** Oldest first, along the index on the period, and past rows that another scheduler is removing. */
async function prune(
  database: Queryable,
  table: Fragment,
  period: Fragment,
  before: Fragment,
  limit: number,
): Promise<number> {
  const [row] = await database.query<{ pruned: number }>(
    sql`with expired as materialized (
        select stream_table_id, ${period}, bucket from ${table}
        where ${period} < ${before}
        order by ${period}
        limit ${limit}
        for update skip locked
      ),
      pruned as (delete from ${table} f using expired e
        where (f.stream_table_id, f.${period}, f.bucket) = (e.stream_table_id, e.${period}, e.bucket) returning 1)
      select count(*)::int as pruned from pruned`,
    { prepared: true },
  )
  return row?.pruned ?? 0
}
