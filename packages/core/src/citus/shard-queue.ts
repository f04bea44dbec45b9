import { CHANGES_SCHEMA } from '../names.ts'
import { type Fragment, identifier } from '../sql.ts'

/** Where stream tables whose refreshes run on the workers find the changes of one of their sources. */
export function shardQueue(queueId: number, stableName: string): Fragment {
  return identifier(CHANGES_SCHEMA, `queue_${stableName}_${queueId}`)
}
