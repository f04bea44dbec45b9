import {
  type Database,
  FreshetError,
  displayName,
  type LockPatience,
  type Queryable,
  type SourceIdentifier,
  sql,
} from '@freshet/core'
import { dropCaptureFunctions } from '../capture-function.ts'
import { createLog, dropLog, growLog } from '../capture-log.ts'
import { columnFault } from '../faults.ts'
import { gateMarkers, recordGate } from '../gate.ts'
import { inTurn, lookInTurn, readSuitable, wantedGate, withKept } from '../install.ts'
import { wantedColumns } from '../refuse-source.ts'
import type { SourceColumn, SourceFacts } from '../source-facts.ts'
import { establishStream, serverObstacle } from './slot.ts'
import { createWalBuffer, extendLog } from './wal-log.ts'
import { findWalFaults } from './wal-faults.ts'
import { announce, notAvailable, publish, type Published, readPublished, sourceObstacle } from './wal-source.ts'

/**
 * Brings the capture of a source by WAL to what is wanted.
 *
 * The slot exists first. Then, in one transaction, writers are locked out, the source is published and gets its log: a
 * transaction that wrote before is visible to every snapshot taken afterwards, and one that writes later is in the
 * stream as a whole. Where triggers captured before, they go in that same transaction, and their log stays: what wrote
 * before is in it, what writes later is in the stream, and nothing is in both.
 *
 * Pausing and resuming locks nothing: while the gate is shut, each transaction that comes leaves a marker, and the
 * standing one is there as well; so whichever of them a snapshot shows, its reader recomputes.
 */
export async function ensureWalCapture(
  database: Database,
  source: SourceIdentifier,
  columns: readonly string[],
  patience: LockPatience,
): Promise<void> {
  const facts = await lookInTurn(database, source)
  const obstacle = await walObstacle(database, facts)
  if (obstacle !== null) throw notAvailable(obstacle)
  await establishStream(database, patience)
  const published = await readPublished(database, facts.oid)
  if (nextStep(facts, published, wantedColumns(facts, columns)) === 'none') return
  await inTurn(database, facts, source.stableName, patience, (transaction) => install(transaction, source, columns))
}

/** What stands in the way, of the server or of the source; null when nothing does. */
export async function walObstacle(
  database: Queryable,
  facts: SourceFacts,
): Promise<{ readonly reason: string; readonly hint: string } | null> {
  return (await serverObstacle(database)) ?? sourceObstacle(facts, await readPublished(database, facts.oid))
}

type Step = 'none' | 'create' | 'switch' | 'grow' | 'repair' | 'gate'

function nextStep(facts: SourceFacts, published: Published, wanted: readonly SourceColumn[]): Step {
  const { tracked } = facts
  if (tracked === null || tracked.capture === 'none') return 'create'
  if (tracked.capture === 'refresh')
    throw new FreshetError('INTERNAL', `${displayName(facts)} is a stream table: its refresh writes its change buffer`)
  if (tracked.capture === 'trigger') {
    const sound =
      facts.hasLog && tracked.oid === facts.oid && tracked.columns.every((c) => columnFault(facts, c) === null)
    return sound ? 'switch' : 'repair'
  }
  const faults = findWalFaults(facts, published, tracked)
  if (faults.some(({ kind }) => kind !== 'paused')) return 'repair'
  const captured = new Set(tracked.columns.map(({ name }) => name))
  if (!wanted.every(({ name }) => captured.has(name))) return 'grow'
  return faults.length === 0 ? 'none' : 'gate'
}

async function install(transaction: Queryable, source: SourceIdentifier, names: readonly string[]): Promise<void> {
  const facts = await readSuitable(transaction, source)
  const { stableName } = source
  const before = await readPublished(transaction, facts.oid)
  const wanted = wantedColumns(facts, names)
  const step = nextStep(facts, before, wanted)
  if (step === 'none') return
  const gate = { from: facts.tracked?.gate ?? 'open', to: wantedGate(facts), missed: step === 'repair' }
  if (step === 'gate') {
    for (const statement of gateMarkers(stableName, gate)) await transaction.query(statement)
    await transaction.query(recordGate(stableName, gate))
    return announce(transaction)
  }
  const { kept, columns } = withKept(facts, wanted)
  // the source's locks come before those on the log: writers take them in this order too
  await publish(transaction, facts)
  const statements =
    step === 'grow' || step === 'switch'
      ? [
          dropCaptureFunctions(stableName),
          ...growLog(stableName, columns, kept),
          ...(step === 'switch' ? extendLog(stableName) : []),
          ...createWalBuffer(stableName, columns),
        ]
      : [
          dropCaptureFunctions(stableName),
          ...dropLog(stableName),
          ...createLog(stableName, columns),
          ...extendLog(stableName),
          ...createWalBuffer(stableName, columns),
        ]
  // the view depends on the tail function, and this on the log
  for (const statement of [...statements, ...gateMarkers(stableName, gate)]) await transaction.query(statement)
  await record(transaction, stableName, facts, columns, before)
  await transaction.query(recordGate(stableName, gate))
  await announce(transaction)
}

async function record(
  transaction: Queryable,
  stableName: string,
  facts: SourceFacts,
  columns: readonly SourceColumn[],
  before: Published,
): Promise<void> {
  const captured = columns.map(({ name, type }) => ({ name, type }))
  const identity = before.identity === 'f' ? null : before.identity
  await transaction.query(sql`
    insert into freshet.source as s (stable_name, relation, schema_name, table_name, kind, capture, captured_columns,
      members, replica_identity, replica_identity_index)
    values (${stableName}, ${facts.oid}::oid, ${facts.schema}, ${facts.table}, 'table', 'wal',
      ${JSON.stringify(captured)}::jsonb, ${[facts.oid]}::oid[], ${identity}, ${before.identityIndex})
    on conflict (stable_name) do update set relation = excluded.relation, schema_name = excluded.schema_name,
      table_name = excluded.table_name, kind = excluded.kind, capture = excluded.capture,
      captured_columns = excluded.captured_columns, members = excluded.members,
      replica_identity = coalesce(excluded.replica_identity, s.replica_identity),
      replica_identity_index = coalesce(excluded.replica_identity_index, s.replica_identity_index)`)
}
