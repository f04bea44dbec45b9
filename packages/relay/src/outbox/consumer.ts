import {
  type Database,
  databaseWord,
  FreshetError,
  type Lease,
  NOTHING_VISIBLE,
  parseSnapshot,
  printSnapshot,
  type Queryable,
  type Snapshot,
  sql,
} from '@freshet/core'
import { findOutbox, type Outbox } from './outbox.ts'
import { parseOutboxPosition, printOutboxPosition, readFrom } from './position.ts'
import { tableOf } from './read.ts'

/**
 * Consumers, and how far each has read. A position only moves for whoever holds the consumer's lease and knows its
 * generation; when a person moves it, the generation grows, and what was under way moves nothing.
 */
export interface Consumer {
  readonly name: string
  /** Null: of a stream table. */
  readonly outbox: number | null
  readonly position: string | null
  readonly generation: number
}

/** Where a new consumer of an outbox begins: `now`, at what is still there, or with what was written since a time. */
export type Beginning = 'now' | 'beginning' | Date | { readonly position: string }

/** The consumer as it is; one that is not there yet begins as asked. */
export async function openConsumer(
  database: Database,
  name: string,
  outbox: Outbox | null,
  beginning: Beginning,
): Promise<Consumer> {
  return database.transaction(async (transaction) => {
    const known = await findConsumer(transaction, name)
    if (known !== null) return requireSource(known, outbox)
    if (outbox !== null) await stillTrimming(transaction, outbox)
    const position = outbox === null ? ofStreamTable(beginning) : await positionAt(transaction, outbox, beginning)
    await transaction.query(sql`
      insert into freshet.consumer (name, outbox_id, position, frontier)
      values (${name}, ${outbox?.id ?? null}, ${position.text}, ${position.frontier})
      on conflict do nothing`)
    const created = await findConsumer(transaction, name)
    if (created === null) throw new FreshetError('INTERNAL', `the consumer ${name} was not recorded`)
    return requireSource(created, outbox)
  })
}

export async function findConsumer(queryable: Queryable, name: string): Promise<Consumer | null> {
  const [found] = await queryable.query<Consumer>(
    sql`select name, outbox_id as outbox, position, generation from freshet.consumer where name = ${name}`,
    { prepared: true },
  )
  return found ?? null
}

/** Its position is the source's own business. */
function ofStreamTable(beginning: Beginning): { readonly text: string; readonly frontier: null } {
  if (typeof beginning === 'object' && 'position' in beginning) return { text: beginning.position, frontier: null }
  throw new FreshetError('INTERNAL', 'where a consumer of a stream table begins, its source says')
}

function requireSource(consumer: Consumer, outbox: Outbox | null): Consumer {
  if (consumer.outbox === (outbox?.id ?? null)) return consumer
  throw new FreshetError('USAGE', `the consumer ${consumer.name} reads something else`, {
    hint: 'Give each source that is relayed a consumer of its own.',
  })
}

/** Everything up to the position was delivered. Committed only under the lease. */
export async function moveConsumer(lease: Lease, consumer: Consumer, position: string): Promise<void> {
  await lease.guarded((transaction) => recordPosition(transaction, consumer, position))
}

/** The same inside a transaction of one's own. */
async function recordPosition(transaction: Queryable, consumer: Consumer, position: string): Promise<void> {
  const frontier = consumer.outbox === null ? null : frontierOf(position)
  const moved = await transaction.query(
    sql`update freshet.consumer
      set position = ${position}, frontier = ${frontier}, moved_at = clock_timestamp()
      where name = ${consumer.name} and generation = ${consumer.generation}::int returning 1`,
    { prepared: true },
  )
  if (moved.length === 0)
    throw new FreshetError('CONSUMER_MOVED', `somebody moved or removed the consumer ${consumer.name}`)
}

/** Of what a recorded position shows, nothing is asked for again. */
function frontierOf(position: string): string {
  return printSnapshot(readFrom(position))
}

/** Says where a consumer goes on; whoever is at work for it begins there. */
export async function seek(database: Database, outboxName: string, name: string, to: Beginning): Promise<Consumer> {
  return database.transaction(async (transaction) => {
    const outbox = await findOutbox(transaction, outboxName)
    const known = await findConsumer(transaction, name)
    if (known === null) throw new FreshetError('UNKNOWN_CONSUMER', `there is no consumer ${name}`)
    requireSource(known, outbox)
    await stillTrimming(transaction, outbox)
    const { text, frontier } = await positionAt(transaction, outbox, to)
    await transaction.query(sql`
      update freshet.consumer set position = ${text}, frontier = ${frontier}, generation = nextval('freshet.consumer_generation'),
        moved_at = clock_timestamp()
      where name = ${name}`)
    const moved = await findConsumer(transaction, name)
    if (moved === null) throw new FreshetError('UNKNOWN_CONSUMER', `there is no consumer ${name} any more`)
    return moved
  })
}

/** Forgets a consumer: nothing is kept for it any more. */
export async function dropConsumer(database: Database, name: string): Promise<void> {
  const dropped = await database.query(sql`delete from freshet.consumer where name = ${name} returning 1`)
  if (dropped.length === 0) throw new FreshetError('UNKNOWN_CONSUMER', `there is no consumer ${name}`)
}

/** Until the transaction ends, nothing is trimmed. */
async function stillTrimming(transaction: Queryable, outbox: Outbox): Promise<void> {
  await transaction.query(sql`select from freshet.outbox where outbox_id = ${outbox.id} for share`)
}

async function positionAt(
  transaction: Queryable,
  outbox: Outbox,
  beginning: Beginning,
): Promise<{ readonly text: string; readonly frontier: string }> {
  const database = await databaseWord(transaction)
  const here = { database, stableName: outbox.stableName }
  if (typeof beginning === 'object' && 'position' in beginning) {
    const position = parseOutboxPosition(beginning.position, here)
    return { text: printOutboxPosition(position), frontier: printSnapshot(position.from) }
  }
  const from = await snapshotAt(transaction, outbox, beginning)
  return { text: printOutboxPosition({ ...here, from, window: null }), frontier: printSnapshot(from) }
}

/**
 * Of a time: before the first transaction, by its number, of those that wrote anything since. So nothing that was written
 * since is left out, and a little of what was written before may come again. A transaction that is under way, however low
 * its number, is still to come.
 */
async function snapshotAt(
  transaction: Queryable,
  outbox: Outbox,
  beginning: 'now' | 'beginning' | Date,
): Promise<Snapshot> {
  if (beginning === 'beginning') return NOTHING_VISIBLE
  const since = beginning === 'now' ? null : beginning.toISOString()
  const [row] = await transaction.query<{ now: string; first: string | null }>(
    sql`select pg_current_snapshot()::text as now,
      (select min(__x)::text from ${tableOf(outbox)} where created_at >= ${since}::timestamptz) as first`,
  )
  if (row === undefined) throw new FreshetError('INTERNAL', 'the server did not say its snapshot')
  const now = parseSnapshot(row.now)
  if (row.first === null) return now
  const first = BigInt(row.first)
  const inProgress = now.inProgress.filter((xid) => xid < first)
  return { xmin: inProgress[0] ?? first, xmax: first, inProgress }
}
