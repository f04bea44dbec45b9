import {
  type Database,
  FreshetError,
  type Lease,
  type Lsn,
  lsn,
  printLsn,
  type Queryable,
  raw,
  REPLICATION_SETTINGS,
  type ReplicationStream,
  type StreamItem,
  sql,
} from '@freshet/core'
import { Inbox } from './inbox.ts'
import { type Change, LogWriter } from './log-writer.ts'
import type { Message } from './pgoutput.ts'
import { findTargets, type Target } from './targets.ts'
import { widenXid } from './widen-xid.ts'

/**
 * Writes what comes through the stream into the logs, and confirms it.
 *
 * Rows, and how far the stream is with them, are one transaction: what was applied is applied once, whatever breaks, and
 * only what is durable is confirmed. Transactions that are there together are applied together; a large one is written in
 * batches as it comes. Whoever applies moves `applied_lsn` from where it knows it to be, and shows the token of its lease,
 * so of two processes that believe they own the stream only one goes on.
 */
export interface Applied {
  readonly transactions: number
  readonly rows: number
  readonly position: Lsn
}

export interface ApplyOptions {
  readonly database: Database
  readonly stream: ReplicationStream<Message>
  readonly lease: Lease
  /** What was applied before. */
  readonly applied: Lsn
  readonly onApplied?: (applied: Applied) => void
}

/** Rows that are committed together at most, where they belong to several transactions. */
const MOST_TOGETHER = 5_000

/** Never returns: it throws when the stream or the database fails. */
export async function applyStream(options: ApplyOptions): Promise<never> {
  const applier = new Applier(options)
  for (;;) await applier.step()
}

interface Upstream {
  /** Its low 32 bits. */
  readonly xid: number
  /** It was applied before the stream broke, and comes again. */
  readonly known: boolean
}

class Applier {
  readonly #options: ApplyOptions
  readonly #inbox: Inbox<Message>
  readonly #relations = new Map<number, Extract<Message, { kind: 'relation' }>>()
  readonly #targets = new Map<number, readonly Target[]>()
  /** The transaction whose changes come now. */
  #upstream: Upstream | null = null
  /** Written with the last rows. */
  #applied: Lsn
  /** The end of the last transaction that came. */
  #ended: Lsn
  /** Everything that committed before has come. */
  #reached: Lsn

  constructor(options: ApplyOptions) {
    this.#options = options
    this.#inbox = new Inbox(options.stream)
    this.#applied = options.applied
    this.#ended = options.applied
    this.#reached = options.applied
  }

  /** One item without anything to write, or a transaction of ours with as much as has come. */
  async step(): Promise<void> {
    const item = await this.#inbox.take()
    const change = this.#pass(item)
    if (change !== null) await this.#applyTogether(change)
    this.#options.stream.confirm(this.#reached)
  }

  /** Takes note of an item; returns it when it leaves something to write. */
  #pass(item: StreamItem<Message>): Change | null {
    if (item.kind === 'position') {
      if (item.position > this.#reached) this.#reached = item.position
      return null
    }
    const { message } = item
    switch (message.kind) {
      case 'begin':
        this.#upstream = { xid: message.xid, known: message.commit < this.#applied }
        return null
      case 'commit':
        this.#upstream = null
        this.#ended = message.end
        if (message.end > this.#reached) this.#reached = message.end
        return null
      case 'relation':
        this.#relations.set(message.relation, message)
        this.#targets.delete(message.relation)
        return null
      case 'message':
        if (message.prefix === 'freshet' && message.content === 'sources') this.#targets.clear()
        return null
      case 'insert':
      case 'update':
      case 'delete':
      case 'truncate':
        return this.#upstream?.known === true ? null : message
      case 'type':
      case 'origin':
        return null
    }
  }

  /** Rows that are there are taken without waiting: a promise for each would cost more than the row. */
  async #applyTogether(first: Change): Promise<void> {
    let transactions = 0
    let rows = 0
    await this.#options.database.transaction(async (transaction) => {
      const near = await prepare(transaction)
      const writer = new LogWriter(transaction)
      let change: Change | null = first
      let xid = this.#xid(near)
      for (;;) {
        if (change !== null) {
          if (xid === null) throw new FreshetError('INTERNAL', 'a change came outside of a transaction')
          rows++
          for (const relation of change.kind === 'truncate' ? change.relations : [change.relation]) {
            const targets = this.#targets.get(relation) ?? (await this.#findTargets(transaction, relation))
            for (const target of targets) writer.write(target, xid, change)
          }
          if (writer.full) await writer.flush()
        }
        if (this.#upstream === null && (rows >= MOST_TOGETHER || !this.#inbox.ready)) break
        const item = this.#inbox.next() ?? (await this.#inbox.take())
        change = this.#pass(item)
        if (item.kind !== 'message') continue
        if (item.message.kind === 'commit') transactions++
        if (item.message.kind === 'begin' || item.message.kind === 'commit') xid = this.#xid(near)
      }
      await writer.flush()
      await moveTo(transaction, this.#applied, this.#ended)
      await this.#options.lease.fence(transaction)
    })
    this.#applied = this.#ended
    this.#options.onApplied?.({ transactions, rows, position: this.#applied })
  }

  /** Of the transaction whose changes come now, if one does. */
  #xid(near: bigint): string | null {
    return this.#upstream === null ? null : String(widenXid(this.#upstream.xid, near))
  }

  async #findTargets(transaction: Queryable, oid: number): Promise<readonly Target[]> {
    const relation = this.#relations.get(oid)
    if (relation === undefined) throw new FreshetError('INTERNAL', `the stream did not describe the relation ${oid}`)
    const targets = await findTargets(transaction, relation)
    this.#targets.set(oid, targets)
    return targets
  }
}

/**
 * What is confirmed must be durable. Texts are read with the settings that they were written with. A process that stands
 * still in the middle must not keep others from going on: the server ends its transaction. Returns a transaction id of
 * about now.
 */
async function prepare(transaction: Queryable): Promise<bigint> {
  const settings = { ...REPLICATION_SETTINGS, xmloption: 'content' }
  const [row] = await transaction.query<{ near: string }>(
    sql`select pg_snapshot_xmax(pg_current_snapshot())::text as near, count(set_config(name, value, true)),
        case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', true) end,
        set_config('idle_in_transaction_session_timeout',
          (12000 * coalesce(nullif(current_setting('freshet.wal_patience', true), ''), '5')::float8)::int::text, true)
      from unnest(${Object.keys(settings)}::text[], ${Object.values(settings)}::text[]) as s (name, value)`,
    { prepared: true },
  )
  return BigInt(row?.near ?? '0')
}

/** From here on others wait for the transaction. */
const STAND_STILL_NO_LONGER = raw(`set_config('idle_in_transaction_session_timeout',
  (extract(epoch from freshet.lease_duration()) * 1000)::int::text, true)`)

async function moveTo(transaction: Queryable, from: Lsn, to: Lsn): Promise<void> {
  const moved = await transaction.query(
    sql`update freshet.wal_stream set applied_lsn = ${printLsn(lsn(to))}::pg_lsn
      where applied_lsn = ${printLsn(from)}::pg_lsn returning ${STAND_STILL_NO_LONGER}`,
    { prepared: true },
  )
  if (moved.length === 0) throw new FreshetError('TRANSACTION_CONFLICT', 'another process goes on with the stream')
}
