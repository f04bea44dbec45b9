import {
  type Capture,
  type Database,
  displayName,
  markGatedImmediate,
  type FreshetError,
  mendCapture,
  settleUnits,
  sql,
  toFreshetError,
} from '@freshet/core'
import type { TableRef } from './events.ts'

/**
 * Captures are looked at from time to time, because nothing else would notice a trigger that somebody dropped: to a
 * refresh, a source without triggers is a source at rest. What can be mended is mended, and its stream tables are
 * recomputed; where it can not, they are suspended with the reason, before anybody takes them for fresh. The same goes
 * for the hooks of immediate stream tables, and for what a query refers to: a view or a function that was replaced makes
 * no change row either.
 */
export interface Inspection {
  readonly mended: readonly string[]
  readonly suspended: readonly { readonly table: TableRef; readonly error: FreshetError; readonly reason: string }[]
}

export async function inspectSources(database: Database, capture: Capture): Promise<Inspection> {
  const sources = await database.query<{ name: string; schema: string; table: string }>(sql`
    select stable_name as name, schema_name as schema, table_name as table
    from freshet.source where capture in ('trigger', 'wal') order by 1`)
  await markUnhooked(database)
  await markGatedImmediate(database)
  await markChanged(database)
  await settleUnits(database)
  const mended: string[] = []
  const suspended: Inspection['suspended'][number][] = []
  for (const source of sources) {
    try {
      if ((await mendCapture(database, capture, source.name)) === 'mended') mended.push(displayName(source))
    } catch (cause) {
      const error = toFreshetError(cause)
      if (error.retry === 'retry' || error.retry === 'reconnect') throw error
      suspended.push(...(await suspendReaders(database, source.name, error)))
    }
  }
  return { mended, suspended }
}

/** An immediate stream table without all of its hooks is filled anew, by a refresh that mends them first. */
async function markUnhooked(database: Database): Promise<void> {
  await database.query(sql`
    update freshet.stream_table_state s set reinitialize = 'CAPTURE_BROKEN', version = freshet.next_version(s.version)
    where s.reinitialize is null
      and s.stream_table_id in (select f.stream_table_id from freshet.immediate_fault f)`)
}

/** Their next refresh compiles them again, or says why it can not. */
async function markChanged(database: Database): Promise<void> {
  await database.query(sql`
    update freshet.stream_table_state s set reinitialize = 'SOURCE_CHANGED', version = freshet.next_version(s.version)
    where s.reinitialize is null and s.status in ('active', 'paused') and freshet.query_changed(s.stream_table_id)`)
}

async function suspendReaders(
  database: Database,
  stableName: string,
  error: FreshetError,
): Promise<Inspection['suspended']> {
  const reason = `${error.code}: ${error.message}`
  const tables = await database.query<{ id: number; schema: string; table: string }>(sql`
    update freshet.stream_table_state s
    set status = 'suspended', status_reason = ${reason}, last_error = ${JSON.stringify(error)}::jsonb,
      reinitialize = 'CAPTURE_BROKEN', version = freshet.next_version(s.version)
    from freshet.stream_table t
    where t.stream_table_id = s.stream_table_id and s.status = 'active'
      and exists (select from freshet.dependency d where d.stream_table_id = s.stream_table_id and d.stable_name = ${stableName})
    returning s.stream_table_id as id, t.schema_name as schema, t.table_name as table`)
  return tables.map((table) => ({ table: { id: table.id, name: displayName(table) }, error, reason }))
}
