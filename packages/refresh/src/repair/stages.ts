import { type Database, displayName, sql } from '@freshet/core'
import { createState } from '../create-tables.ts'
import { pushDown, takeFromWorkers } from '../citus/push-down.ts'
import type { Definition } from '../definition.ts'
import { markReinitialize } from '../recompile.ts'

/** The inner stages' state tables; the next full refresh fills them. */
export async function rebuildStages(database: Database, definition: Definition): Promise<readonly string[]> {
  const stages = definition.plan.tables.slice(0, -1)
  const rebuilt: string[] = []
  for (const stage of stages) {
    const [found] = await database.query<{ present: boolean }>(
      sql`select to_regclass(format('%I.%I', ${stage.schema}::text, ${stage.table}::text)) is not null as present`,
    )
    if (found?.present === true) continue
    await database.transaction(async (transaction) => {
      await markReinitialize(transaction, definition.id, 'REPAIRED')
      // where they are beside the shards, all of them are made anew, below
      if (definition.pushed.length === 0) await createState(transaction, stage)
    })
    rebuilt.push(`the state table ${displayName(stage)} was missing`)
  }
  if (rebuilt.length > 0 && definition.pushed.length > 0) {
    await takeFromWorkers(database, definition.id)
    await pushDown(database, definition.id)
  }
  return rebuilt
}
