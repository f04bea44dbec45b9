import { CHANGES_SCHEMA } from '../names.ts'
import { type Fragment, identifier } from '../sql.ts'

/** Where a stream table whose refreshes run on the workers finds the changes of one of its sources. */
export function shardQueue(streamTable: number, stableName: string): Fragment {
  return identifier(CHANGES_SCHEMA, `queue_${streamTable}_${stableName}`)
}
