import { type Fragment, isSharded, join, literal, type Placement, raw, sql } from '@freshet/core'
import { newColumn, oldColumn } from '../capture-log.ts'
import type { SourceColumn } from '../source-facts.ts'
import { hasSameText } from './key-text.ts'
import { bufferSchema, epochTable, marksTable, shardBuffer, shardBufferName } from './shard-names.ts'

/**
 * What the capture of a placed source needs beside the log on the coordinator, into which all of it is collected:
 *
 *   marks_<stable name>    a reference table: TRUNCATE fires on the node that was asked, and no other
 *   shards_<stable name>   where the source is cut into shards: a table co-located with it, of the columns of the log and
 *                          the distribution column as `__k`
 *   epoch_<stable name>    there as well: a table of the witnesses of the last collection (`epoch.ts`)
 *
 * Co-located, a change row is written by the same node in the same local transaction as the row it tells of, goes with
 * the shard when that is moved or split, and is read in the snapshot in which the shard is read. REPLICA IDENTITY FULL,
 * for Citus moves no shard whose neighbour has no identity: the user's rebalance would fail.
 */
export function createShardLog(
  stableName: string,
  source: Fragment,
  placement: Placement,
  columns: readonly SourceColumn[],
): readonly Fragment[] {
  if (placement.kind === 'local') return []
  const marks = marksTable(stableName)
  const create = [
    sql`create table ${marks} (marked_at timestamptz not null default pg_catalog.clock_timestamp())`,
    sql`select pg_catalog.create_reference_table(${literal(marks.text)})`,
  ]
  if (!isSharded(placement)) return create
  const buffer = shardBuffer(stableName, placement)
  const key = placement.kind === 'distributed' ? sql`, __k ${raw(placement.type)} not null` : sql``
  const epoch = epochTable(stableName, placement)
  const distribute = (table: Fragment) =>
    placement.kind === 'distributed'
      ? [
          sql`select pg_catalog.create_distributed_table(${literal(table.text)}, '__k', colocate_with => ${literal(source.text)})`,
        ]
      : placement.schema === null
        ? [
            sql`select pg_catalog.create_distributed_table(${literal(table.text)}, null, colocate_with => ${literal(source.text)})`,
          ]
        : [] // by its schema, from the beginning
  return [
    ...create,
    sql`create table ${buffer} (__new boolean not null, __old boolean not null${key})
      with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000)`,
    ...distribute(buffer),
    sql`alter table ${buffer} replica identity full`,
    sql`create table ${epoch} (epoch text not null, before text${key}) with (fillfactor = 50)`,
    ...distribute(epoch),
    sql`alter table ${epoch} replica identity full`,
    ...growShardLog(stableName, placement, columns, 0),
  ]
}

/** Adds the columns from position `from` on. */
export function growShardLog(
  stableName: string,
  placement: Placement,
  columns: readonly SourceColumn[],
  from: number,
): readonly Fragment[] {
  if (!isSharded(placement) || columns.length <= from) return []
  const added = columns.flatMap(({ type }, position) =>
    position < from
      ? []
      : [newColumn(position), oldColumn(position)].map((name) => sql`add column ${name} ${raw(type)}`),
  )
  return [sql`alter table ${shardBuffer(stableName, placement)} ${join(added)}`]
}

export function dropShardLog(stableName: string, placement: Placement): readonly Fragment[] {
  if (placement.kind === 'local') return []
  return [
    sql`drop table if exists ${shardBuffer(stableName, placement)}`,
    ...(isSharded(placement) ? [sql`drop table if exists ${epochTable(stableName, placement)}`] : []),
    sql`delete from freshet.shard_epoch where stable_name = ${stableName}`,
    sql`drop table if exists ${marksTable(stableName)}`,
  ]
}

/**
 * A query of one row: the shard of the buffer beside the one that the trigger fired on, and what the distribution column is
 * called. Never by arithmetic on shard ids, for moves and splits give new ones.
 */
export function siblingShard(stableName: string, placement: Placement): Fragment {
  const name = `${shardBufferName(stableName, placement)}_`
  return sql`
    select format('%I.%I', ${literal(bufferSchema(placement))}, ${literal(name)} || b.shardid) as shard,
      quote_ident(column_to_column_name(p.logicalrelid, p.partkey)) as key
    from pg_dist_shard s
      join pg_dist_partition p using (logicalrelid)
      join pg_dist_shard b on b.shardminvalue is not distinct from s.shardminvalue
        and b.shardmaxvalue is not distinct from s.shardmaxvalue
    where s.shardid = substring(tg_table_name from '_(\\d+)$')::bigint
      and b.logicalrelid = to_regclass(${literal(shardBuffer(stableName, placement).text)})`
}

/**
 * The same shard for a row with this value of the distribution column, null where the value is, or where that shard is not
 * on this node. Citus keeps its tables in memory, and finds the shard of a value in 1 µs, without a query; but it converts
 * the value to text and back, so it is asked only where that is the same in every session.
 */
export function shardOf(key: Fragment | null, stableName: string, placement: Placement): Fragment {
  if (!hasSameText(placement)) {
    const beside = sql`(select b.shard from (${siblingShard(stableName, placement)}) as b)`
    return key === null ? beside : sql`case when ${key} is not null then ${beside} end`
  }
  const buffer = shardBuffer(stableName, placement).text
  const relation = sql`pg_catalog.to_regclass(${literal(buffer)})`
  const known = key === null ? sql`` : sql` and ${key} is not null`
  return sql`case when ${relation} is not null${known} then pg_catalog.to_regclass(pg_catalog.concat(${literal(`${buffer}_`)},
      pg_catalog.get_shard_id_for_distribution_column(${relation}, ${key ?? sql`null::text`})))::text end`
}
