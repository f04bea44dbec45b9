import { type Database, type Fragment, literal, type Queryable, raw, sql } from '@freshet/core'

/**
 * How many rows a placed table has, and how many bytes they take. The coordinator's own statistics of it are those of an
 * empty table, so the nodes are asked for those of its shards: all nodes for all tables in one round trip, each by one look
 * into its catalog. Where a shard was never analyzed, its size tells.
 *
 * What refreshes need of their sources is kept in the catalog, and read anew when it is a minute old: `noteShardRows`.
 */
export function sizesOnShards(relations: Fragment): Fragment {
  return sql`
    with part as (
      select r.relation, format('%I.%I', n.nspname, c.relname) as name, p.partmethod = 'n' and p.repmodel = 't' as everywhere
      from (${relations}) r (relation)
        cross join lateral (
          select r.relation as relid union select t.relid from pg_catalog.pg_partition_tree(r.relation) t where t.isleaf
        ) leaf
        join pg_catalog.pg_class c on c.oid = leaf.relid and c.relkind = 'r'
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        join pg_catalog.pg_dist_partition p on p.logicalrelid = leaf.relid
    ),
    asked as (
      select format(${literal(OF_A_NODE)}, array_agg(distinct name)) as command from part having count(*) > 0
    ),
    told as (
      -- null: a node did not answer, and then there is no sum
      select case when n.success then n.result::jsonb end as sizes
      from asked cross join lateral run_command_on_all_nodes(asked.command, give_warning_for_connection_errors => true) n
    ),
    counted as (
      select p.relation, p.name,
        case when p.everywhere then max(size.rows) else sum(size.rows) end as rows,
        case when p.everywhere then max(size.bytes) else sum(size.bytes) end as bytes
      from part p cross join told t
        cross join lateral (
          select (t.sizes -> p.name ->> 0)::float8 as rows, (t.sizes -> p.name ->> 1)::float8 as bytes
        ) size
      group by p.relation, p.name, p.everywhere
    )
    select relation, coalesce(sum(rows), 0)::float8 as rows, coalesce(sum(bytes), 0)::float8 as bytes from counted
    where not exists (select from told where sizes is null) group by relation`
}

/** Rows and bytes by the names that are asked for, of the shards that are on this node; `shard_name` knows how long names are cut. */
const OF_A_NODE = `select coalesce(jsonb_object_agg(name, jsonb_build_array(rows, bytes)), '{}') from (
  select asked.name, sum(case when c.reltuples < 0 then pg_catalog.pg_relation_size(c.oid) / 50 else c.reltuples end) as rows,
    sum(pg_catalog.pg_total_relation_size(c.oid)) as bytes
  from unnest(%L::text[]) asked (name)
    join pg_catalog.pg_dist_shard s on s.logicalrelid = asked.name::regclass
    join pg_catalog.pg_dist_placement p on p.shardid = s.shardid
      and p.groupid = (select groupid from pg_catalog.pg_dist_local_group)
    join pg_catalog.pg_class t on t.oid = s.logicalrelid
    join pg_catalog.pg_class c on c.relnamespace = t.relnamespace
      and c.relname = (select part[cardinality(part)] from parse_ident(shard_name(s.logicalrelid, s.shardid)) part)
  group by asked.name) found`

export interface ShardSize {
  readonly rows: number
  readonly bytes: number
}

/** By the tables' oids; those that nobody knows of are left out. */
export async function readShardSizes(
  queryable: Queryable,
  relations: readonly number[],
): Promise<ReadonlyMap<number, ShardSize>> {
  if (relations.length === 0) return new Map()
  const sizes = await queryable.query<ShardSize & { readonly relation: number }>(
    sql`select f.relation::int8::float8 as relation, f.rows, f.bytes
      from (${sizesOnShards(sql`select unnest(${[...relations]}::oid[])`)}) f`,
  )
  return new Map(sizes.map(({ relation, ...size }) => [relation, size]))
}

/** Has the catalog know of these sources how many rows they have, unless it has learnt it within the last minute. */
export async function noteShardRows(database: Database, stableNames: readonly string[]): Promise<void> {
  const known = noted.get(database) ?? new Map<string, number>()
  noted.set(database, known)
  const now = performance.now()
  const due = stableNames.filter((name) => now - (known.get(name) ?? -Infinity) > LASTS_MS)
  if (due.length === 0) return
  for (const name of due) known.set(name, now)
  const old = raw(`s.shard_rows_at > clock_timestamp() - interval '${LASTS_MS} ms'`)
  await database.query(sql`
    with due as materialized (
      select s.stable_name, s.relation from freshet.source s
      where s.stable_name = any(${due}::text[]) and s.placed is not null and ${old} is not true
      for no key update skip locked
    )
    update freshet.source s set shard_rows = f.rows::bigint, shard_rows_at = clock_timestamp()
    from due join (${sizesOnShards(sql`select relation from due`)}) f on f.relation = due.relation
    where s.stable_name = due.stable_name`)
}

const LASTS_MS = 60_000

/** When this process has last asked, so that most refreshes ask nothing. */
const noted = new WeakMap<Database, Map<string, number>>()
