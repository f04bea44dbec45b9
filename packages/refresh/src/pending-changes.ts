import { bufferTable, type Fragment, sql } from '@freshet/core'

/** The change rows of a source that a frontier has not seen, as FROM and WHERE: those of transactions it does not show. */
export function fromPendingChanges(source: string, frontier: string | null): Fragment {
  return sql`from ${bufferTable(source)}
    where __x >= pg_snapshot_xmin(${frontier}::pg_snapshot) and not pg_visible_in_snapshot(__x, ${frontier}::pg_snapshot)`
}
