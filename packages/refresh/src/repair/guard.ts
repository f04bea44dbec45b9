import { type Database, DEFAULT_PATIENCE, identifier, type Queryable, sql, withPatience } from '@freshet/core'
import { UNSAFE_TRIGGERS } from '../citus/output.ts'
import { guard } from '../guard.ts'
import type { Definition } from '../definition.ts'
import { markReinitialize } from '../recompile.ts'

/** The triggers that keep everybody but a refresh from writing to a stream table. */
const TRIGGERS = ['freshet_guard', 'freshet_guard_truncate']

/** Those that are missing or disabled. */
export async function missingGuards(queryable: Queryable, definition: Definition): Promise<readonly string[]> {
  const missing = await queryable.query<{ name: string }>(sql`
    select name from freshet.stream_table t cross join unnest(${TRIGGERS}::text[]) name
    where t.stream_table_id = ${definition.id}
      and exists (select from pg_catalog.pg_class c where c.oid = t.relation)
      and not exists (
        select from pg_catalog.pg_trigger g
        where g.tgrelid = t.relation and g.tgname = name and g.tgenabled in ('O', 'A')
          and g.tgfoid = to_regproc('freshet.guard_stream_table')
      )`)
  return missing.map(({ name }) => name)
}

/** Somebody may have written to the table while it had none. */
export async function rebuildGuard(database: Database, definition: Definition): Promise<readonly string[]> {
  const missing = await missingGuards(database, definition)
  if (missing.length === 0) return []
  const table = identifier(definition.schema, definition.table)
  await withPatience(database, DEFAULT_PATIENCE, async (transaction) => {
    if (definition.plan.output !== undefined) await transaction.query(UNSAFE_TRIGGERS)
    for (const name of TRIGGERS) await transaction.query(sql`drop trigger if exists ${identifier(name)} on ${table}`)
    await guard(transaction, definition, definition.plan.output)
    await markReinitialize(transaction, definition.id, 'REPAIRED')
  })
  return missing.map((name) => `its trigger ${name} was missing or disabled`)
}
