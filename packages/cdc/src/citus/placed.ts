import { isSharded, type Placement, type Queryable, readPlacement, sql } from '@freshet/core'
import { epochTable, marksTable, shardBuffer } from './shard-names.ts'

/** Where a source is, and whether what its capture needs there is: the marks, and a buffer and an epoch co-located with it. */
export async function readPlaced(
  queryable: Queryable,
  relation: number,
  stableName: string,
): Promise<{ readonly placement: Placement; readonly hasShardLog: boolean }> {
  const placement = await readPlacement(queryable, relation)
  if (placement.kind === 'local' || placement.kind === 'unsupported') return { placement, hasShardLog: true }
  const [beside] = await queryable.query<{ marks: boolean; colocation: number | null }>(sql`
    select to_regclass(${marksTable(stableName).text}) is not null as marks,
      (select min(p.colocationid) from pg_catalog.pg_dist_partition p
        where p.logicalrelid in (to_regclass(${shardBuffer(stableName, placement).text}), to_regclass(${epochTable(stableName, placement).text}))
        having count(*) = 2 and count(distinct p.colocationid) = 1) as colocation`)
  const colocated = !isSharded(placement) || beside?.colocation === placement.colocation
  return { placement, hasShardLog: beside?.marks === true && colocated }
}
