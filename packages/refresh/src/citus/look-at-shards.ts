import { type Queryable, sql } from '@freshet/core'
import { type ShardSize, sizesOnShards } from './shard-rows.ts'

/**
 * What a status has to ask the nodes: of placed stream tables the coordinator has an empty shell, and of changes that
 * nobody has collected it has nothing. One statement for all, and its answer serves for a moment: a status may be looked
 * at all the time. Of a node that is known not to answer, nothing is asked.
 */
export interface OnShards {
  /** Of placed stream tables, by their ids. */
  readonly sizes: ReadonlyMap<number, ShardSize>
  /** Change rows beside the shards of the sources of a stream table, by its id. */
  readonly waiting: ReadonlyMap<number, { readonly changes: number; readonly bounded: boolean }>
}

const NOTHING: OnShards = { sizes: new Map(), waiting: new Map() }

const LASTS_MS = 3_000

const seen = new WeakMap<Queryable, { readonly at: number; readonly look: Promise<OnShards> }>()

/** `reaches`: whether any of the stream tables that are looked at has to do with shards; if none has, nothing is asked. */
export async function lookAtShards(queryable: Queryable, reaches: boolean): Promise<OnShards> {
  if (!reaches) return NOTHING
  const last = seen.get(queryable)
  if (last !== undefined && performance.now() - last.at < LASTS_MS) return last.look
  const look = read(queryable)
  seen.set(queryable, { at: performance.now(), look })
  try {
    return await look
  } catch (error) {
    seen.delete(queryable)
    throw error
  }
}

interface Row {
  readonly id: number
  readonly rows: number | null
  readonly bytes: number | null
  readonly changes: number | null
  readonly bounded: boolean | null
}

async function read(queryable: Queryable): Promise<OnShards> {
  const rows = await queryable.query<Row>(sql`
    with size as materialized (
      ${sizesOnShards(sql`
        select t.relation from freshet.stream_table t
        where t.plan -> 'output' is not null and t.relation is not null
          and not exists (select from freshet.node_health h where h.failures > 0)`)}
    ),
    uncollected as materialized (
      select c.stable_name, sum(c.waiting) as changes, bool_or(c.waiting_is_lower_bound) as bounded
      from freshet.citus_status() c group by c.stable_name
    ),
    waiting as (
      select d.stream_table_id, sum(u.changes)::float8 as changes, bool_or(u.bounded) as bounded
      from freshet.dependency d join uncollected u using (stable_name) where u.changes > 0 group by d.stream_table_id
    )
    select t.stream_table_id as id, size.rows, size.bytes, w.changes, w.bounded
    from freshet.stream_table t left join size on size.relation = t.relation left join waiting w using (stream_table_id)
    where size.relation is not null or w.changes is not null`)
  const sizes = new Map<number, ShardSize>()
  const waiting = new Map<number, { readonly changes: number; readonly bounded: boolean }>()
  for (const { id, rows: count, bytes, changes, bounded } of rows) {
    if (count !== null && bytes !== null) sizes.set(id, { rows: count, bytes })
    if (changes !== null) waiting.set(id, { changes, bounded: bounded === true })
  }
  return { sizes, waiting }
}
