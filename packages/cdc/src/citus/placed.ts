import { areColocated, isSharded, type Placement, type Queryable, readPlacement, sql } from '@freshet/core'
import { epochTable, marksTable, shardBuffer } from './shard-names.ts'

/** Where a source is, and whether what its capture needs there is: the marks, and a buffer and an epoch co-located with it. */
export async function readPlaced(
  queryable: Queryable,
  relation: number,
  stableName: string,
): Promise<{ readonly placement: Placement; readonly hasShardLog: boolean }> {
  const placement = await readPlacement(queryable, relation)
  if (placement.kind === 'local' || placement.kind === 'unsupported') return { placement, hasShardLog: true }
  const beside = [shardBuffer(stableName, placement), epochTable(stableName, placement)]
  const tables = isSharded(placement) ? beside.map(({ text }) => sql`to_regclass(${text})`) : []
  const [found] = await queryable.query<{ marks: boolean; colocated: boolean }>(sql`
    select to_regclass(${marksTable(stableName).text}) is not null as marks,
      ${areColocated([sql`${relation}::oid`, ...tables])} as colocated`)
  return { placement, hasShardLog: found?.marks === true && found.colocated }
}
