import {
  bufferSizes,
  bufferTable,
  type Database,
  displayName,
  FreshetError,
  isRead,
  mendCapture,
  type Queryable,
  sourceIdentifier,
  sql,
} from '@freshet/core'
import type { CompiledSource } from '@freshet/dvm'
import type { RefreshContext } from '../context.ts'
import type { Definition } from '../definition.ts'
import { startEmitting } from '../emission.ts'

/** What brings changes to stream tables: captures, and the output deltas of stream tables that others read. */

/** Triggers, their functions, log and buffer, or all of it when its row in the catalog is gone. */
export async function repairCapture(
  context: RefreshContext,
  { source }: { readonly source: CompiledSource },
): Promise<readonly string[]> {
  const { database, capture } = context
  const { stableName } = source
  const [recorded] = await database.query<{ capture: string }>(
    sql`select capture from freshet.source where stable_name = ${stableName}`,
  )
  if (recorded !== undefined) {
    const faults = ['trigger', 'wal'].includes(recorded.capture) ? await capture.inspect(database, stableName) : []
    if (faults.length > 0) await mendCapture(database, capture, stableName)
    return faults.map(({ kind, detail }) => `${kind.replaceAll('_', ' ')}: ${detail}`)
  }
  const [found] = await database.query<{ oid: number | null; columns: string[] }>(sql`
    select to_regclass(format('%I.%I', ${source.schema}::text, ${source.table}::text))::oid::int8::float8 as oid,
      array(
        select distinct c from freshet.dependency d cross join unnest(d.columns) c where d.stable_name = ${stableName} order by c
      ) as columns`)
  const oid = found?.oid ?? null
  if (oid === null) throw new FreshetError('SOURCE_DROPPED', `the source ${displayName(source)} was dropped`)
  // Before: whatever a refresh finds in the new buffer is not all. After: it may have been filled before that was there.
  await markReaders(database, stableName)
  await capture.ensure(
    database,
    { ...sourceIdentifier(oid, source.schema, source.table), stableName },
    found?.columns ?? [],
  )
  await markReaders(database, stableName)
  return ['that it is captured was not recorded']
}

/** The change buffer of a stream table that others read. */
export async function repairOutput(database: Database, definition: Definition): Promise<readonly string[]> {
  const { stableName } = definition
  const [found] = await database.query<{ buffer: boolean; recorded: boolean }>(sql`
    select to_regclass(${bufferTable(stableName).text}) is not null and to_regclass(${bufferSizes(stableName).text}) is not null as buffer,
      exists (select from freshet.source where stable_name = ${stableName} and capture = 'refresh') as recorded`)
  const whole = found?.buffer === true && found.recorded && definition.emits
  if (found === undefined || whole || !(await isRead(database, stableName))) return []
  await database.transaction(async (transaction) => {
    await startEmitting(transaction, definition)
    await markReaders(transaction, stableName)
  })
  return [found.buffer ? 'that others read it was not recorded' : 'its change buffer was missing']
}

async function markReaders(queryable: Queryable, stableName: string): Promise<void> {
  await queryable.query(sql`
    update freshet.stream_table_state set reinitialize = 'REPAIRED', version = freshet.next_version(version)
    where stream_table_id in (select stream_table_id from freshet.dependency where stable_name = ${stableName})`)
}
