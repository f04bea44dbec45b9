import {
  displayName,
  hasEventTriggers,
  isInstalledHere,
  quoteIdentifier,
  raw,
  readSettings,
  requireSchema,
  isFreshetError,
  unreadSources,
} from '@freshet/core'
import { examineCitus } from './citus/findings.ts'
import type { RefreshContext } from './context.ts'
import { COMPILER_VERSION, listDefinitions, nameOf } from './definition.ts'
import type { Finding } from './finding.ts'
import { LENT } from './immediate/disengage.ts'
import { faultsOf } from './immediate/refresh-immediate.ts'
import { findMissingIndexes } from './indexes.ts'
import { missingGuards } from './repair/guard.ts'
import { hintOf } from './refresh-reasons.ts'
import { secured } from './resolve/row-security.ts'
import { abandonedBuilds } from './shadow/abandoned.ts'
import { describeStreamTables } from './status.ts'
import { isBeingMade, strayDependencies } from './unfinished.ts'

/** Looks for what is wrong, or soon will be, and says what to do. Reads only. */
export async function examine(context: RefreshContext): Promise<readonly Finding[]> {
  const { database } = context
  const [server] = await database.query<{ version: string; user: string }>(
    raw(`select current_setting('server_version') as version, current_user as user`),
  )
  const findings: Finding[] = [ok('server', `PostgreSQL ${server?.version ?? ''}, connected as ${server?.user ?? ''}`)]
  try {
    await requireSchema(database)
  } catch (error) {
    if (!isFreshetError(error)) throw error
    return [...findings, { level: 'error', subject: 'schema', message: error.message, hint: error.hint ?? null }]
  }
  findings.push(ok('schema', 'installed and current'))
  const cluster = await examineCitus(database)
  findings.push(...cluster)
  // too old: nothing that is placed can be looked at
  if (cluster.some(({ subject, level }) => subject === 'citus' && level === 'error')) return findings
  if (!(await isInstalledHere(database))) {
    findings.push({
      level: 'error',
      subject: 'cluster',
      message: 'the catalog was written in another cluster (a restored dump?)',
      hint: 'Run `freshet init`: it marks every stream table to be filled anew.',
    })
  }
  return [
    ...findings,
    ...(await examineSources(context)),
    ...(await examineStream(context)),
    ...(await examineLeftovers(context)),
    ...(await examineRowSecurity(context)),
    ...(await examineTables(context)),
    ...(await examineIndexes(context)),
    ...(await examineSettings(context)),
    ...(await examineServer(context)),
  ]
}

async function examineSources({ database, capture }: RefreshContext): Promise<Finding[]> {
  const sources = await database.query<{ stable_name: string; schema: string; table: string; how: string | null }>(
    raw(
      `select stable_name, schema_name as schema, table_name as table,
        case when gate = 'shut' then case when paused then '--source' else '--capture' end end as how
      from freshet.source where capture in ('trigger', 'wal') order by 2, 3`,
    ),
  )
  const findings: Finding[] = []
  for (const source of sources) {
    const faults = await capture.inspect(database, source.stable_name)
    const subject = displayName(source)
    if (faults.length === 0)
      findings.push(source.how === null ? ok(subject, 'changes are captured') : paused(subject, source.how))
    for (const fault of faults) {
      findings.push({
        level: 'error',
        subject,
        message: `${fault.kind.replaceAll('_', ' ')}: ${fault.detail}`,
        hint: fault.kind === 'column_changed' ? 'Alter the stream tables that read it.' : 'freshet repair',
      })
    }
  }
  return findings
}

function paused(subject: string, how: string): Finding {
  return {
    level: 'warning',
    subject,
    message: 'its capture is paused; what reads it does not follow',
    hint: how === '--source' ? `freshet resume --source ${subject}` : 'freshet resume --capture (or --everything)',
  }
}

/** The retained log of a slot that nobody reads fills the server's disk. */
const RETAINED = { warning: 256 * 2 ** 20, error: 2 ** 30 }

async function examineStream({ database, capture }: RefreshContext): Promise<Finding[]> {
  const stream = await capture.stream(database)
  if (stream === null) return []
  const { slot: subject, active, usable, retainedBytes, lagBytes, safeBytes } = stream
  const megabytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`
  if (!usable) {
    const message = 'the replication slot is gone, or the server gave it up'
    const hint = 'A scheduler (`freshet serve`) replaces it; stream tables over its sources are then recomputed.'
    return [{ level: 'error', subject, message, hint }]
  }
  const kept = `the server keeps ${megabytes(retainedBytes)} of its log for it, ${megabytes(lagBytes)} of them not read`
  const { wal_retained_limit_mb: limit } = await readSettings(database)
  const untilReplaced = limit === 0 ? null : Math.max(0, limit * 2 ** 20 - retainedBytes)
  const nearlyLost = [safeBytes, untilReplaced].some((bytes) => bytes !== null && bytes < retainedBytes)
  if (retainedBytes > RETAINED.error || nearlyLost) {
    const left =
      (safeBytes === null ? '' : `, and gives it up after ${megabytes(safeBytes)} more`) +
      (untilReplaced === null ? '' : `; after ${megabytes(untilReplaced)} more it is replaced`)
    const hint = active ? 'Look for a long transaction in pg_stat_activity.' : 'Let a scheduler run: freshet serve'
    return [{ level: 'error', subject, message: `${kept}${left}`, hint }]
  }
  if (!active) {
    const hint = 'Let a scheduler run: freshet serve. Until somebody does, the log grows.'
    return [{ level: 'warning', subject, message: `nobody reads the stream of changes; ${kept}`, hint }]
  }
  if (retainedBytes > RETAINED.warning)
    return [{ level: 'warning', subject, message: kept, hint: 'Look for a long transaction in pg_stat_activity.' }]
  return [ok(subject, `read; ${kept}`)]
}

/** What a process left that ended in the middle of something. */
async function examineLeftovers({ database, capture }: RefreshContext): Promise<Finding[]> {
  const finding = (subject: string, message: string): Finding => ({
    level: 'warning',
    subject,
    message,
    hint: 'freshet repair',
  })
  const unread = await unreadSources(database)
  const stray: Finding[] = []
  for (const definition of await listDefinitions(database)) {
    const sources = await strayDependencies(database, definition)
    if (sources.length === 0 || (await isBeingMade(database, definition))) continue
    const message = `an alteration was interrupted, and the changes of ${sources.join(', ')} are kept for it`
    stray.push(finding(nameOf(definition), message))
  }
  return [
    ...unread.map(({ subject }) => finding(subject, 'its changes are captured, and nothing reads them')),
    ...(await capture.leftovers(database)).map((what) => finding('stream', `${what} is left, and serves no source`)),
    ...stray,
    ...(await abandonedBuilds(database)).map((name) =>
      finding(name, 'an alteration was interrupted, and what was made of its new query is left'),
    ),
  ]
}

async function examineTables({ database }: RefreshContext): Promise<Finding[]> {
  const described = await describeStreamTables(database)
  const definitions = new Map((await listDefinitions(database)).map((definition) => [definition.id, definition]))
  const gone = await database.query<{ id: number }>(
    raw(`select t.stream_table_id as id from freshet.stream_table t
      where not exists (select from pg_catalog.pg_class c where c.oid = t.relation)`),
  )
  const dropped = new Set(gone.map((row) => row.id))
  const unguarded = new Set<number>()
  for (const definition of definitions.values())
    if ((await missingGuards(database, definition)).length > 0) unguarded.add(definition.id)
  const made = new Set<number>()
  for (const table of described) if (await isBeingMade(database, table)) made.add(table.id)
  const faults = new Map<number, readonly string[]>()
  for (const { id, mode } of described) if (mode === 'immediate') faults.set(id, await faultsOf(database, id))
  return described.map((table): Finding => {
    const subject = table.name
    if (dropped.has(table.id))
      return { level: 'error', subject, message: 'the table itself was dropped', hint: `freshet drop ${subject}` }
    if (table.status === 'suspended')
      return {
        level: 'error',
        subject,
        message: `suspended: ${table.statusReason ?? ''}`,
        hint: `Correct the cause, then: freshet resume ${subject}`,
      }
    if (table.status === 'paused')
      return {
        level: 'warning',
        subject,
        message: 'paused; its changes pile up in the buffers',
        hint: `freshet resume ${subject}`,
      }
    if (table.status === 'initializing')
      return made.has(table.id)
        ? { level: 'warning', subject, message: 'still being filled', hint: null }
        : {
            level: 'error',
            subject,
            message: 'its creation was interrupted',
            hint: 'Create it again, or: freshet repair, which removes what was made of it',
          }
    if (table.modeReason?.code === LENT && !made.has(table.id))
      return {
        level: 'warning',
        subject,
        message: 'an alteration was interrupted, after which it was to be immediate again',
        hint: 'freshet repair',
      }
    if (unguarded.has(table.id))
      return {
        level: 'error',
        subject,
        message: 'nothing keeps others from writing to it: its guard triggers are missing or disabled',
        hint: 'freshet repair',
      }
    const definition = definitions.get(table.id)
    const reason = definition?.reinitialize ?? null
    if (reason !== null)
      return { level: 'warning', subject, message: `will be refreshed in full: ${reason}`, hint: null }
    const unhooked = faults.get(table.id) ?? []
    if (unhooked.length > 0)
      return {
        level: 'error',
        subject,
        message: unhooked.join('; '),
        hint: 'It may have missed changes: freshet repair',
      }
    if (table.modeReason !== null)
      return {
        level: 'warning',
        subject,
        message: `refreshed in full: ${table.modeReason.code}, ${table.modeReason.detail}`,
        hint: table.modeReason.hint ?? `freshet explain ${nameOf(table)}`,
      }
    return ok(subject, `${table.effectiveMode}, ${table.storage}`)
  })
}

async function examineRowSecurity({ database }: RefreshContext): Promise<Finding[]> {
  const read = (await listDefinitions(database)).flatMap(({ plan }) => plan.sources.map(({ oid }) => oid))
  return (await secured(database, read)).map(({ role, ...relation }) => ({
    level: 'error',
    subject: displayName(relation),
    message: `its row-level security applies to the role ${role}: what reads it can not be refreshed in full`,
    hint: `alter role ${quoteIdentifier(role)} bypassrls, or make it a member of the owner`,
  }))
}

/** Each index once, with the stream tables whose refreshes would use it. */
async function examineIndexes({ database }: RefreshContext): Promise<Finding[]> {
  const differential = (await listDefinitions(database)).filter(
    ({ mode, plan }) => mode !== 'full' && plan.compiler === COMPILER_VERSION && plan.refresh !== null,
  )
  const wanted = new Map<string, { readonly table: string; readonly readers: string[] }>()
  for (const definition of differential) {
    for (const { table, statement } of await findMissingIndexes(database, definition.plan.lookups)) {
      const known = wanted.get(statement) ?? { table, readers: [] }
      wanted.set(statement, { table, readers: [...known.readers, nameOf(definition)] })
    }
  }
  return [...wanted].map(([statement, { table, readers }]) => ({
    level: 'warning',
    subject: table,
    message: `each refresh of ${readers.join(', ')} reads the whole table: an index is missing`,
    hint: statement,
  }))
}

async function examineSettings({ database }: RefreshContext): Promise<Finding[]> {
  const settings = await readSettings(database)
  const odd = (subject: string, message: string, hint: string | null): Finding => ({
    level: 'warning',
    subject,
    message,
    hint,
  })
  return [
    ...(settings.enabled
      ? []
      : [odd('enabled', 'nothing is captured, and no scheduler refreshes', 'freshet resume --everything')]),
    ...(settings.cdc_paused ? [odd('cdc_paused', 'nothing is captured', 'freshet resume --capture')] : []),
    ...(settings.force_full_refresh
      ? [odd('force_full_refresh', 'every refresh is a full one, whatever the mode', hintOf('FORCED'))]
      : []),
    ...(settings.refuse_source_ddl && !(await hasEventTriggers(database))
      ? [
          odd(
            'refuse_source_ddl',
            'nothing is refused: there are no event triggers',
            'As a superuser: freshet init --event-triggers',
          ),
        ]
      : []),
  ]
}

async function examineServer({ database }: RefreshContext): Promise<Finding[]> {
  const [held] = await database.query<{ oldest: number | null; prepared: number }>(
    raw(`select extract(epoch from max(clock_timestamp() - xact_start))::float8 as oldest,
      (select count(*) from pg_catalog.pg_prepared_xacts where prepared < clock_timestamp() - interval '5 minutes')::float8 as prepared
      from pg_catalog.pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid()`),
  )
  const findings: Finding[] = []
  if ((held?.oldest ?? 0) > 300) {
    findings.push({
      level: 'warning',
      subject: 'transactions',
      message: `a writing transaction is open for ${Math.round(held?.oldest ?? 0)} s; what it wrote is not visible yet, and buffers can not be cleaned beyond it`,
      hint: 'Look in pg_stat_activity.',
    })
  }
  if ((held?.prepared ?? 0) > 0) {
    findings.push({
      level: 'warning',
      subject: 'prepared transactions',
      message: `${held?.prepared ?? 0} are older than five minutes`,
      hint: 'COMMIT PREPARED or ROLLBACK PREPARED; see pg_prepared_xacts.',
    })
  }
  return findings
}

function ok(subject: string, message: string): Finding {
  return { level: 'ok', subject, message, hint: null }
}
