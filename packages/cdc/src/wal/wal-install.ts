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
import { columnFaults, partFaults } from '../faults.ts'
import { gateMarkers, recordGate } from '../gate.ts'
import { inTurn, isRenamed, lookInTurn, readSuitable, recordName, wantedGate, withKept } from '../install.ts'
import { wantedColumns } from '../refuse-source.ts'
import type { SourceColumn, SourceFacts } from '../source-facts.ts'
import { notAvailable, type Obstacle } from './obstacle.ts'
import { establishStream, serverObstacle } from './slot.ts'
import { createWalBuffer, extendLog } from './wal-log.ts'
import { findWalFaults } from './wal-faults.ts'
import { announce, publish, type Published, readPublished, sourceObstacle, unpublishLeft } from './wal-source.ts'

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
export async function walObstacle(database: Database, facts: SourceFacts): Promise<Obstacle | null> {
  return (await serverObstacle(database)) ?? sourceObstacle(facts, await readPublished(database, facts.oid))
}

type Step = 'none' | 'rename' | 'create' | 'switch' | 'grow' | 'repair' | 'gate'

function nextStep(facts: SourceFacts, tables: readonly Published[], wanted: readonly SourceColumn[]): Step {
  const { tracked } = facts
  if (tracked === null || tracked.capture === 'none') return 'create'
  if (tracked.capture === 'refresh')
    throw new FreshetError('INTERNAL', `${displayName(facts)} is a stream table: its refresh writes its change buffer`)
  if (tracked.capture === 'trigger') {
    const sound =
      facts.hasLog &&
      tracked.oid === facts.oid &&
      [...partFaults(facts, tracked), ...columnFaults(facts, tracked)].length === 0 &&
      facts.members.every(({ oid }) => tracked.members.includes(oid))
    return sound ? 'switch' : 'repair'
  }
  const faults = findWalFaults(facts, tables, tracked)
  if (faults.some(({ kind }) => kind !== 'paused')) return 'repair'
  const captured = new Set(tracked.columns.map(({ name }) => name))
  if (!wanted.every(({ name }) => captured.has(name))) return 'grow'
  if (faults.length > 0) return 'gate'
  return isRenamed(facts) ? 'rename' : 'none'
}

async function install(transaction: Queryable, source: SourceIdentifier, names: readonly string[]): Promise<void> {
  const facts = await readSuitable(transaction, source)
  const { stableName } = source
  const wanted = wantedColumns(facts, names)
  const step = nextStep(facts, await readPublished(transaction, facts.oid), wanted)
  if (step === 'none') return
  if (step === 'rename') return void (await transaction.query(recordName(stableName, facts)))
  const gate = { from: facts.tracked?.gate ?? 'open', to: wantedGate(facts), missed: step === 'repair' }
  if (step === 'gate') {
    for (const statement of gateMarkers(stableName, gate)) await transaction.query(statement)
    await transaction.query(recordGate(stableName, gate))
    return announce(transaction)
  }
  const { kept, columns } = withKept(facts, wanted)
  // the source's locks come before those on the log: writers take them in this order too
  const published = await publish(transaction, facts)
  if (facts.tracked?.capture === 'wal')
    await unpublishLeft(transaction, stableName, facts.tracked.members, published.tables)
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
  await record(transaction, stableName, facts, columns, published)
  await transaction.query(recordGate(stableName, gate))
  await announce(transaction)
}

async function record(
  transaction: Queryable,
  stableName: string,
  facts: SourceFacts,
  columns: readonly SourceColumn[],
  { tables, before }: Awaited<ReturnType<typeof publish>>,
): Promise<void> {
  const captured = columns.map(({ name, type }) => ({ name, type }))
  const members = [...new Set([facts.oid, ...tables.map(({ oid }) => oid)])]
  await transaction.query(sql`
    insert into freshet.source (stable_name, relation, schema_name, table_name, kind, capture, captured_columns,
      members, replica_identities)
    values (${stableName}, ${facts.oid}::oid, ${facts.schema}, ${facts.table},
      ${facts.kind === 'p' ? 'partitioned' : 'table'}, 'wal', ${JSON.stringify(captured)}::jsonb, ${members}::oid[],
      ${JSON.stringify(before)}::jsonb)
    on conflict (stable_name) do update set relation = excluded.relation, schema_name = excluded.schema_name,
      table_name = excluded.table_name, kind = excluded.kind, capture = excluded.capture,
      captured_columns = excluded.captured_columns, members = excluded.members,
      replica_identities = excluded.replica_identities`)
}
