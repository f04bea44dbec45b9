import { bufferSizes, type Database, type Fragment, join, type Queryable, raw, type Sql, sql } from '@freshet/core'
import type { Definition } from './definition.ts'

/** The sizes of what a frontier has not seen of a source, as FROM and WHERE: of transactions that it does not show. */
function fromPendingChanges(source: string, frontier: string | null): Fragment {
  return sql`from ${bufferSizes(source)}
    where __x >= pg_snapshot_xmin(${frontier}::pg_snapshot) and not pg_visible_in_snapshot(__x, ${frontier}::pg_snapshot)`
}

interface Sources {
  readonly plan: Pick<Definition['plan'], 'sources'>
  readonly snapshots: Definition['snapshots']
}

function windows({ plan, snapshots }: Sources): Fragment[] {
  return plan.sources.map((source, i) => fromPendingChanges(source.stableName, snapshots[i] ?? null))
}

function anyPending(definition: Sources): Fragment {
  return join([raw('false'), ...windows(definition).map((window) => sql`exists (select ${window})`)], ' or ')
}

/** Whether any source has changes that the frontier has not seen. */
export async function isPending(queryable: Queryable, definition: Sources): Promise<boolean> {
  if (definition.plan.sources.length === 0) return false
  const [row] = await queryable.query<{ pending: boolean }>(sql`select ${anyPending(definition)} as pending`, {
    prepared: true,
  })
  return row?.pending === true
}

/** Whether a refresh would find nothing to do: what is remembered is right, and no source has changed. */
export async function isIdle(queryable: Queryable, definition: Definition): Promise<boolean> {
  const [row] = await queryable.query<{ idle: boolean }>(
    sql`select not (${anyPending(definition)}) and not freshet.query_changed(${definition.id})
      and exists (select from freshet.stream_table_state where stream_table_id = ${definition.id}
        and version = ${definition.version}) as idle`,
    { prepared: true },
  )
  return row?.idle === true
}

/** What AUTO looks at, in one statement. */
export interface Pending {
  /** Change rows that wait: of all sources, and of each, in order. */
  readonly changeRows: number
  readonly waiting: readonly number[]
  /** There may be more: they were counted up to a bound. */
  readonly bounded: boolean
  /** Rows of the sources by the server's statistics; 0 where it has none. */
  readonly sourceRows: number
  /** The stream table's version now; null when it was dropped. */
  readonly version: string | null
  readonly forced: boolean
}

/** `bound`: of each source, no more sizes are added up; null adds them all. */
export async function measurePending(
  queryable: Queryable,
  definition: Definition,
  bound: number | null,
): Promise<Pending> {
  const [row] = await queryable.query<Pending>(pendingStatement(definition, bound), { prepared: true })
  return row ?? NOTHING_KNOWN
}

/**
 * The same in a transaction of its own, and planned once: to plan it takes longer than to run it. Without the frontiers the
 * planner can not tell how few rows wait; they are found by the index.
 */
export async function measurePendingApart(
  database: Database,
  definition: Definition,
  bound: number | null,
): Promise<Pending> {
  const [, rows = []] = await database.batch([PLANNED_ONCE, pendingStatement(definition, bound)], { prepared: true })
  const [row] = rows as unknown as Pending[]
  return row ?? NOTHING_KNOWN
}

const PLANNED_ONCE = sql`select set_config('plan_cache_mode', 'force_generic_plan', true),
  set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true)`

const NOTHING_KNOWN: Pending = {
  changeRows: 0,
  waiting: [],
  bounded: false,
  sourceRows: 0,
  version: null,
  forced: false,
}

function pendingStatement(definition: Definition, bound: number | null): Sql {
  const sizes = windows(definition).map(
    (window, i) => sql`select ${i}::int as at, coalesce(sum(greatest(__rows, 1)), 0) as rows,
        count(*) >= ${bound}::bigint as bounded
      from (select __rows ${window} limit ${bound}::bigint) w`,
  )
  const names = definition.plan.sources.map((source) => source.stableName)
  return sql`
    select coalesce(sum(rows), 0)::float8 as "changeRows", coalesce(array_agg(rows order by at) filter (where at >= 0), '{}')::float8[] as waiting,
      coalesce(bool_or(bounded), false) as bounded,
      ${sourceRows(names)} as "sourceRows",
      (select version::text from freshet.stream_table_state where stream_table_id = ${definition.id}) as version,
      exists (select from freshet.setting where name = 'force_full_refresh' and value = 'true') as forced
    from (${join([sql`select -1 as at, 0 as rows, false as bounded`, ...sizes], ' union all ')}) as w`
}

/**
 * Rows of the sources, those of partitions included, by the server's statistics; of placed ones, by those of their shards.
 * Of an array the planner looks up each by index, where it would read the whole catalog for a join.
 */
export function sourceRows(stableNames: readonly string[]): Fragment {
  const tracked = sql`freshet.source s where s.stable_name = any(${stableNames}::text[])`
  return sql`coalesce((
      select sum(s.shard_rows) from ${tracked}
    ), 0)::float8 + coalesce((
      select sum(greatest(c.reltuples, 0)) from pg_catalog.pg_class c
      where c.relkind <> 'p' and c.oid = any(array(
        select s.relation from ${tracked}
        union
        select i.relid from freshet.source s cross join lateral pg_catalog.pg_partition_tree(s.relation) i
        where i.isleaf and s.stable_name = any(${stableNames}::text[])
      ))
    ), 0)::float8`
}
