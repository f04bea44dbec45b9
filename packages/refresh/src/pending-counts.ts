import { bufferSizes, CHANGES_SCHEMA, type Queryable, sql } from '@freshet/core'

/**
 * How many change rows wait for each stream table: one statement a source, for all who read it, so that thousands of stream
 * tables over hundreds of sources take hundreds of small statements. They find what waits by its index, for the frontiers
 * are values of a join, by which the planner can not tell how few rows that will be.
 */
export interface PendingCount {
  readonly changes: number
  /** There may be more. */
  readonly bounded: boolean
}

/** Counted up to this many for each source, so that a status stays cheap when a table lags far behind. */
const PENDING_BOUND = 10_000

/** Statements that are sent together. */
const BATCH = 100

interface Readers {
  readonly source: string
  readonly ids: readonly number[]
  readonly frontiers: readonly string[]
}

/** Of all stream tables, or of one; those for which nothing waits may be left out. */
export async function pendingCounts(
  queryable: Queryable,
  id: number | null,
): Promise<ReadonlyMap<number, PendingCount>> {
  const result = new Map<number, PendingCount>()
  const sources = await readersBySource(queryable, id)
  for (let i = 0; i < sources.length; i += BATCH) {
    const counted = await queryable.batch([
      // what the stream has not brought yet is not waited for
      sql`select set_config('freshet.wal', 'behind', true), set_config('enable_seqscan', 'off', true),
        set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true)`,
      ...sources.slice(i, i + BATCH).map(countOf),
    ])
    for (const { id, changes } of counted.slice(1).flat() as { id: number; changes: number }[]) {
      const known = result.get(id) ?? { changes: 0, bounded: false }
      result.set(id, { changes: known.changes + changes, bounded: known.bounded || changes >= PENDING_BOUND })
    }
  }
  return result
}

function countOf({ source, ids, frontiers }: Readers) {
  return sql`select reader.id, sum(waiting.__rows)::float8 as changes
    from unnest(${ids}::int[], ${frontiers}::text[]) as reader (id, frontier)
      cross join lateral (select reader.frontier::pg_snapshot as f) seen
      cross join lateral (
        select __rows from ${bufferSizes(source)}
        where __x >= pg_snapshot_xmin(seen.f) and not pg_visible_in_snapshot(__x, seen.f)
        limit ${PENDING_BOUND}
      ) waiting
    group by reader.id`
}

/**
 * For an immediate stream table nothing waits; one that was never filled has no frontier. And no row is in a table without a
 * page: of thousands of sources most are at rest, and to plan a statement takes longer than to look at the size of a file.
 */
async function readersBySource(queryable: Queryable, id: number | null): Promise<readonly Readers[]> {
  return queryable.query<Readers>(sql`
    with written as materialized (
      -- what the sizes of a source are counted in: its own tables, by the end of their names
      select right(c.relname, 16) as stable_name from pg_catalog.pg_class c
      where c.relnamespace = to_regnamespace(${CHANGES_SCHEMA}) and c.relkind = 'r' and pg_catalog.pg_relation_size(c.oid) > 0
    )
    select d.stable_name as source, array_agg(s.stream_table_id) as ids, array_agg(seen.frontier) as frontiers
    from freshet.dependency d join freshet.stream_table_state s using (stream_table_id)
      join freshet.stream_table t using (stream_table_id)
      cross join lateral (select s.frontier -> d.stable_name -> '0' ->> 'snapshot' as frontier) seen
    where (${id}::int is null or d.stream_table_id = ${id}::int) and t.mode <> 'immediate' and seen.frontier is not null
      and (${id}::int is not null or d.stable_name in (select w.stable_name from written w))
    group by d.stable_name
    having to_regclass(${`${CHANGES_SCHEMA}.sizes_`} || d.stable_name) is not null`)
}
