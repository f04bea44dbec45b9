import { CHANGES_SCHEMA, type Fragment, identifier, type Placement } from '@freshet/core'

/** The objects that the capture of a source on a Citus cluster has beside those of any source. */

/**
 * Where the triggers on the shards write: a table placed like the source, so that each of its shards lies beside the
 * shard whose changes it takes. Citus places a tenant's tables by their schema, so there it has to be in that.
 */
export function shardBuffer(stableName: string, placement: Placement): Fragment {
  return identifier(bufferSchema(placement), shardBufferName(stableName, placement))
}

export function bufferSchema(placement: Placement): string {
  return placement.kind === 'single' && placement.schema !== null ? placement.schema : CHANGES_SCHEMA
}

export function shardBufferName(stableName: string, placement: Placement): string {
  return bufferSchema(placement) === CHANGES_SCHEMA ? `shards_${stableName}` : `freshet_shards_${stableName}`
}

/** The witnesses of its epoch (`epoch.ts`), beside the shards as well. */
export function epochTable(stableName: string, placement: Placement): Fragment {
  const schema = bufferSchema(placement)
  return identifier(schema, schema === CHANGES_SCHEMA ? `epoch_${stableName}` : `freshet_epoch_${stableName}`)
}

/** A row for each TRUNCATE, whichever node it was given to: a reference table, which every node can write. */
export function marksTable(stableName: string): Fragment {
  return identifier(CHANGES_SCHEMA, `marks_${stableName}`)
}
