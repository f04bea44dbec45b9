import {
  type CapturedColumn,
  type Database,
  displayName,
  type Fragment,
  FreshetError,
  identifier,
  isFreshetError,
  type Queryable,
  refuseCollision,
  type SourceIdentifier,
  sql,
  type LockPatience,
  withPatience,
} from '@freshet/core'
import { dropCaptureFunctions } from './capture-function.ts'
import { createShardLog, dropShardLog, growShardLog } from './citus/shard-log.ts'
import { placing, refusePlacement } from './citus/placing.ts'
import { createLog, dropLog, growLog } from './capture-log.ts'
import { columnFault, findFaults } from './faults.ts'
import { gateFunctions, gateMarkers, recordGate, shutGate } from './gate.ts'
import { refuseMissingRights, refuseUnsuitable, wantedColumns } from './refuse-source.ts'
import { type Gate, readSource, type SourceColumn, type SourceFacts } from './source-facts.ts'
import { createTriggers } from './triggers.ts'
import { announce, unpublish } from './wal/wal-source.ts'

/**
 * Brings the capture of a source to what is wanted, in one transaction, so that nothing is ever half done:
 *
 *   nothing installed        → log, buffer, function, triggers
 *   columns are missing      → lock out writers (their rows would lack the new columns), grow log and function
 *   something is broken      → build anew, and leave a marker: changes may have been missed, so whoever reads the
 *                              buffer must recompute in full
 *   it is captured by WAL    → the same: the stream may not have brought yet what it will no longer bring
 *   the gate is wrong        → shut it, without a lock on the source, or open it (`gate.ts`)
 *   it has another name      → the catalog is told
 *   all is there             → one look, no lock
 *
 * Many processes may do this at once: an advisory lock on the stable name makes them take turns.
 */
export async function ensureCapture(
  database: Database,
  source: SourceIdentifier,
  columns: readonly string[],
  patience: LockPatience,
): Promise<void> {
  const facts = await lookInTurn(database, source)
  if (nextStep(facts, source.stableName, wantedColumns(facts, columns)) === 'none') return
  await inTurn(database, facts, source.stableName, patience, (transaction) => install(transaction, source, columns))
}

/** One transaction that locks the source, with the holders of it in the refusal, while no other process does the like. */
export async function inTurn(
  database: Database,
  facts: SourceFacts,
  stableName: string,
  patience: LockPatience,
  work: (transaction: Queryable) => Promise<void>,
): Promise<void> {
  try {
    await withPatience(database, patience, async (transaction) => {
      await takeTurn(transaction, stableName)
      await work(transaction)
    })
  } catch (error) {
    throw isFreshetError(error, 'LOCK_TIMEOUT') ? await lockRefused(database, facts, patience, error) : error
  }
}

/** As it is when no other process is about to change it: what one has not yet committed is not taken for lasting. */
export async function lookInTurn(database: Database, source: SourceIdentifier): Promise<SourceFacts> {
  return database.transaction(async (transaction) => {
    await transaction.query(sql`select pg_advisory_xact_lock_shared(${turnOf(source.stableName)}::bigint)`)
    return readSuitable(transaction, source)
  })
}

/** Until the end of the transaction, no other process installs or removes the capture of this source. */
export async function takeTurn(transaction: Queryable, stableName: string): Promise<void> {
  await transaction.query(sql`select pg_advisory_xact_lock(${turnOf(stableName)}::bigint)`)
}

function turnOf(stableName: string): string {
  return BigInt.asIntN(64, BigInt(`0x${stableName}`)).toString()
}

async function install(transaction: Queryable, source: SourceIdentifier, names: readonly string[]): Promise<void> {
  const facts = await readSuitable(transaction, source)
  const { stableName } = source
  const wanted = wantedColumns(facts, names)
  const step = nextStep(facts, stableName, wanted)
  if (step === 'none') return
  if (step === 'shut') {
    for (const statement of shutGate(stableName, facts.tracked?.columns.length ?? 0)) await transaction.query(statement)
    return
  }
  if (step === 'rename') return void (await transaction.query(recordName(stableName, facts)))
  refuseMissingRights(facts)

  const { kept, columns } = withKept(facts, wanted)
  const triggers = facts.members.flatMap((member) => createTriggers(stableName, member, columns.length))
  const gate = { from: facts.tracked?.gate ?? 'open', to: wantedGate(facts), missed: step === 'repair' }
  const { placement } = facts
  const functions = gateFunctions(stableName, placement, columns, gate.to)
  // the source's locks come before those on the log: writers take them in this order too
  const statements =
    step === 'grow' || step === 'open'
      ? [
          ...functions,
          ...triggers,
          ...growShardLog(stableName, placement, columns, kept),
          ...growLog(stableName, columns, kept),
        ]
      : [
          dropCaptureFunctions(stableName),
          ...dropShardLog(stableName, facts.tracked?.placement ?? placement),
          ...dropLog(stableName),
          ...createLog(stableName, columns),
          ...createShardLog(stableName, identifier(facts.schema, facts.table), placement, columns),
          ...functions,
          ...triggers,
        ]
  if (facts.tracked?.capture === 'wal') {
    await unpublish(transaction, stableName, facts.tracked)
    await announce(transaction)
  }
  for (const statement of [...placing(placement), ...statements, ...gateMarkers(stableName, gate)])
    await transaction.query(statement)
  await record(transaction, stableName, facts, columns)
  await transaction.query(recordGate(stableName, gate))
}

/** What is captured and still as it was, first and as many as `kept`; then what is wanted besides. */
export function withKept(
  facts: SourceFacts,
  wanted: readonly CapturedColumn[],
): { readonly kept: number; readonly columns: readonly SourceColumn[] } {
  const kept = (facts.tracked?.columns ?? []).filter((column) => columnFault(facts, column) === null)
  const columns = wantedColumns(facts, [...kept.map(({ name }) => name), ...wanted.map(({ name }) => name)])
  return { kept: kept.length, columns }
}

/** The catalog knows it by another name. */
export function isRenamed({ schema, table, tracked }: SourceFacts): boolean {
  return tracked !== null && (tracked.schema !== schema || tracked.table !== table)
}

export function recordName(stableName: string, { schema, table }: SourceFacts): Fragment {
  return sql`update freshet.source set schema_name = ${schema}, table_name = ${table} where stable_name = ${stableName}`
}

export function wantedGate(facts: SourceFacts): Gate {
  return facts.tracked?.wantedGate ?? (facts.allPaused ? 'shut' : 'open')
}

type Step = 'none' | 'rename' | 'create' | 'grow' | 'repair' | 'shut' | 'open'

function nextStep(facts: SourceFacts, stableName: string, wanted: readonly CapturedColumn[]): Step {
  const tracked = facts.tracked
  if (tracked === null || tracked.capture === 'none') return 'create'
  if (tracked.capture === 'wal') return 'repair'
  if (tracked.capture === 'refresh') {
    throw new FreshetError('INTERNAL', `${displayName(facts)} is a stream table: its refresh writes its change buffer`)
  }
  const faults = findFaults(facts, stableName, tracked)
  if (faults.some(({ kind }) => kind !== 'paused')) return 'repair'
  const captured = new Set(tracked.columns.map(({ name }) => name))
  if (!wanted.every(({ name }) => captured.has(name))) return 'grow'
  if (faults.length === 0) return isRenamed(facts) ? 'rename' : 'none'
  return tracked.wantedGate === 'shut' ? 'shut' : 'open'
}

export async function readSuitable(database: Queryable, source: SourceIdentifier): Promise<SourceFacts> {
  const facts = await readSource(database, source)
  if (facts === null) {
    throw new FreshetError('UNKNOWN_RELATION', `${displayName(source)} does not exist`)
  }
  refuseUnsuitable(facts)
  await refusePlacement(database, facts)
  const { tracked } = facts
  if (tracked !== null && tracked.oid !== facts.oid) {
    // the captured relation may live on under another name, and would lose its buffer
    const [renamed] = await database.query(sql`select 1 from pg_class where oid = ${tracked.oid}::oid`)
    if (renamed !== undefined)
      refuseCollision({ ...tracked, stableName: source.stableName, table: `${tracked.table} (renamed)` }, source)
  }
  return facts
}

async function record(
  transaction: Queryable,
  stableName: string,
  facts: SourceFacts,
  columns: readonly SourceColumn[],
): Promise<void> {
  const captured = columns.map(({ name, type }) => ({ name, type }))
  await transaction.query(sql`
    insert into freshet.source as s
      (stable_name, relation, schema_name, table_name, kind, capture, captured_columns, members, placement)
    values (${stableName}, ${facts.oid}::oid, ${facts.schema}, ${facts.table},
      ${facts.kind === 'p' ? 'partitioned' : 'table'}, 'trigger', ${JSON.stringify(captured)}::jsonb,
      ${facts.members.map(({ oid }) => oid)}::oid[], ${JSON.stringify(facts.placement)}::jsonb)
    on conflict (stable_name) do update set relation = excluded.relation, schema_name = excluded.schema_name,
      table_name = excluded.table_name, kind = excluded.kind, capture = excluded.capture,
      captured_columns = excluded.captured_columns, members = excluded.members,
      replica_identities = excluded.replica_identities, placement = excluded.placement`)
}

/** The refusal, with those who hold the source. */
async function lockRefused(
  database: Database,
  facts: SourceFacts,
  patience: LockPatience,
  cause: FreshetError,
): Promise<FreshetError> {
  const holders = await database.query<{ holder: string }>(sql`
    select distinct coalesce(
      format('process %s (%s, in a transaction since %s)', l.pid, a.state, a.xact_start::timestamptz(0)),
      'a prepared transaction') as holder
    from pg_locks l left join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'relation' and l.database = (select oid from pg_database where datname = current_database())
      and l.relation = any(${facts.members.map(({ oid }) => oid)}::oid[]) and l.granted`)
  const detail = holders.length === 0 ? undefined : `Held by ${holders.map(({ holder }) => holder).join('; ')}.`
  return new FreshetError(
    'LOCK_TIMEOUT',
    `${displayName(facts)} could not be locked within ${patience.patienceMs / 1000} s: a transaction has written to it and has not ended`,
    { detail, sqlState: cause.sqlState, cause },
  )
}
