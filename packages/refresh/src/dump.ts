import {
  displayName,
  type Dump,
  type DumpedStreamTable,
  DUMP_FORMAT,
  FreshetError,
  migrate,
  printDuration,
  type Queryable,
  raw,
  requireSchema,
  sql,
  toFreshetError,
  writeSetting,
} from '@freshet/core'
import { pauseStreamTable } from './alter.ts'
import type { RefreshContext } from './context.ts'
import { outputOf } from './citus/output.ts'
import { createStreamTable } from './create.ts'
import { pauseGate } from './gates.ts'
import type { OnProgress } from './progress.ts'

/** One document, in one snapshot; see core's `dump-document.ts`. */
export async function dump({ database }: RefreshContext): Promise<Dump> {
  const schemaVersion = await requireSchema(database)
  return database.transaction(
    async (transaction) => {
      const [about] = await transaction.query<Pick<Dump, 'takenAt' | 'database' | 'server'>>(
        raw(`
        select to_json(clock_timestamp()) #>> '{}' as "takenAt", current_database() as database,
          current_setting('server_version') as server`),
      )
      const settings = await transaction.query<{ name: string; value: unknown }>(
        raw('select name, value from freshet.setting order by name'),
      )
      const pausedSources = await transaction.query<{ schema: string; table: string }>(
        raw('select schema_name as schema, table_name as table from freshet.source where paused order by 1, 2'),
      )
      const walSources = await transaction.query<{ schema: string; table: string }>(
        raw(
          `select schema_name as schema, table_name as table from freshet.source where capture = 'wal' order by 1, 2`,
        ),
      )
      return {
        format: DUMP_FORMAT,
        ...(about ?? { takenAt: '', database: '', server: '' }),
        schemaVersion,
        settings: Object.fromEntries(settings.map(({ name, value }) => [name, value])),
        pausedSources,
        walSources,
        streamTables: await dumpStreamTables(transaction),
      }
    },
    { isolation: 'repeatable read', readOnly: true },
  )
}

/** A stream table is created after those that it reads, and its number is greater; but for one whose query was altered. */
async function dumpStreamTables(transaction: Queryable): Promise<DumpedStreamTable[]> {
  return transaction.query<DumpedStreamTable>(
    raw(`
    with recursive reading (stream_table_id, depth) as (
      select stream_table_id, 0 from freshet.stream_table
      union
      select d.stream_table_id, r.depth + 1
      from reading r join freshet.stream_table u using (stream_table_id) join freshet.dependency d on d.stable_name = u.stable_name
    )
    select t.schema_name as schema, t.table_name as table, t.query, t.definition, t.mode, t.schedule, t.fuse::float8 as fuse, t.sla_ms::float8 as "slaMs", t.tier, t.atomic, t.plan -> 'output' as output,
      t.session_settings as "sessionSettings",
      json_build_object('status', s.status, 'reason', s.status_reason, 'refreshedAt', s.refreshed_at) as state
    from freshet.stream_table t join freshet.stream_table_state s using (stream_table_id)
    where not exists (select from freshet.shadow_build b where b.shadow_id = t.stream_table_id)
    order by (select max(depth) from reading r where r.stream_table_id = t.stream_table_id), t.schema_name, t.table_name`),
  )
}

export interface RestoreReport {
  readonly created: readonly string[]
  /** Were there with the same query already. */
  readonly kept: readonly string[]
  readonly failed: readonly { readonly subject: string; readonly error: FreshetError }[]
}

/**
 * Creates what a dump describes, and fills it from the sources that are there. What exists with the same query is kept,
 * so a restore that was interrupted, or failed on some, is simply repeated. Gates come last: nothing is created in vain.
 */
export async function restore(
  context: RefreshContext,
  document: Dump,
  onProgress?: OnProgress,
): Promise<RestoreReport> {
  const { database } = context
  await migrate(database)
  const created: string[] = []
  const kept: string[] = []
  const failed: { readonly subject: string; readonly error: FreshetError }[] = []
  const attempt = async (subject: string, work: () => Promise<unknown>) => {
    try {
      await work()
    } catch (error) {
      failed.push({ subject, error: toFreshetError(error) })
    }
  }
  const gates = new Set(['enabled', 'cdc_paused'])
  const settings = Object.entries(document.settings)
  for (const [name, value] of settings.filter(([known]) => !gates.has(known)))
    await attempt(name, () => writeSetting(database, name, value))
  for (const table of document.streamTables) {
    const name = displayName(table)
    await attempt(name, async () => {
      if (await isThere(database, table)) {
        kept.push(name)
        return
      }
      const { query, definition, mode, schedule, fuse, slaMs, tier, atomic, output, sessionSettings } = table
      const meaning = { definition, settings: sessionSettings }
      const limits = {
        ...(fuse === null ? {} : { fuse }),
        ...(slaMs === null ? {} : { sla: printDuration(slaMs) }),
        ...(atomic === null ? {} : { atomic }),
        ...outputOf(output === null ? {} : { output }),
      }
      const spec = { name, query, mode, schedule, ...limits, tier, meaning }
      await createStreamTable(context, spec, onProgress)
      created.push(name)
      if (table.state.status === 'paused') await pauseStreamTable(context, name)
    })
  }
  for (const source of document.walSources)
    await attempt(`${displayName(source)} by WAL`, () => captureByWal(context, source))
  for (const source of document.pausedSources)
    await attempt(displayName(source), () => pauseGate(context, { kind: 'source', name: displayName(source) }))
  if (document.settings['cdc_paused'] === true)
    await attempt('cdc_paused', () => pauseGate(context, { kind: 'capture' }))
  if (document.settings['enabled'] === false) await attempt('enabled', () => pauseGate(context, { kind: 'everything' }))
  return { created, kept, failed }
}

/** What its stream tables read of it is captured by triggers already, and goes on without a gap. */
async function captureByWal(
  { database, capture }: RefreshContext,
  source: { readonly schema: string; readonly table: string },
): Promise<void> {
  const [found] = await database.query<{ oid: number; stableName: string }>(sql`
    select relation::int8::float8 as oid, stable_name as "stableName" from freshet.source
    where schema_name = ${source.schema} and table_name = ${source.table} and capture in ('trigger', 'wal')`)
  // nobody reads it, where its stream tables could not be created
  if (found !== undefined) await capture.ensure(database, { ...source, ...found }, [], { via: 'wal' })
}

async function isThere(queryable: Queryable, table: DumpedStreamTable): Promise<boolean> {
  const [found] = await queryable.query<{ query: string; initializing: boolean }>(sql`
    select t.query, s.status = 'initializing' as initializing
    from freshet.stream_table t join freshet.stream_table_state s using (stream_table_id)
    where t.schema_name = ${table.schema} and t.table_name = ${table.table}`)
  if (found === undefined) return false
  const name = displayName(table)
  if (found.initializing)
    throw new FreshetError('DUPLICATE_NAME', `${name} is being created, or its creation was interrupted`, {
      hint: `If it was interrupted: freshet repair, and restore again.`,
    })
  if (found.query === table.query) return true
  throw new FreshetError('DUPLICATE_NAME', `a stream table ${name} with another query exists already`)
}
