import { CHANGES_SCHEMA } from '../names.ts'
import { type Fragment, identifier, raw, sql } from '../sql.ts'

/** Where stream tables whose refreshes run on the workers find the changes of one of their sources. */
export function shardQueue(queueId: number, stableName: string): Fragment {
  return identifier(CHANGES_SCHEMA, `queue_${stableName}_${queueId}`)
}

/** The same of a row of the catalog that has both, by its alias; null where it is gone. */
export function shardQueueOf(alias: string): Fragment {
  const [name, id] = ['stable_name', 'queue_id'].map((column) => raw(`${alias}.${column}`))
  return sql`to_regclass(format('freshet_changes.%I', 'queue_' || ${name} || '_' || ${id}))`
}
