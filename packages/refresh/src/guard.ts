import { identifier, type Queryable, sql } from '@freshet/core'
import { UNSAFE_TRIGGERS } from './citus/output.ts'
import type { OutputPlacement } from './definition.ts'

/** A refresh announces itself; for it the guard costs one look at a setting. */
const unannounced = sql`when (current_setting('freshet.apply', true) is distinct from 'on')`

export async function guard(
  transaction: Queryable,
  target: { readonly schema: string; readonly table: string },
  output: OutputPlacement | undefined,
): Promise<void> {
  if (output !== undefined) await transaction.query(UNSAFE_TRIGGERS)
  const table = identifier(target.schema, target.table)
  await transaction.query(sql`
    create trigger freshet_guard after insert or update or delete on ${table}
    for each statement ${unannounced} execute function freshet.guard_stream_table()`)
  await transaction.query(sql`
    create trigger freshet_guard_truncate after truncate on ${table}
    for each statement ${unannounced} execute function freshet.guard_stream_table()`)
}
