import type { CollectorEvent, WalStreamEvent } from '@freshet/cdc'
import type {
  Capture,
  Database,
  Dump,
  Queryable,
  Refresher,
  RefreshOptions,
  RefreshOutcome,
  SettledGates,
} from '@freshet/core'
import type {
  AlterSpec,
  CitusStatus,
  CreateSpec,
  Description as StreamTable,
  Explanation,
  Finding,
  Gate,
  HistoryEntry,
  Progress,
  RepairReport,
  RestoreReport,
  SlaSummary,
  SlaWindow,
  Status as StreamTableStatus,
  Verification,
} from '@freshet/refresh'
import type { SubscribeOptions, Subscription } from './feed/feed.ts'
import type { FollowedCopy, FollowOptions } from './feed/follow.ts'

export interface AlteredStreamTable extends StreamTable {
  /**
   * Where another query has taken the place of the old one: for how long its readers were locked out, in milliseconds, by
   * the server's clock, from the first lock granted until the commit was answered. Else null.
   */
  readonly lockedMs: number | null
}

/**
 * Freshet as a library: what the CLI, the scheduler and an application see. `connect()` builds it.
 * Names are `table` or `schema.table`, quoted as in SQL where they need it; every method throws `FreshetError`.
 */
export interface Freshet {
  readonly database: Database
  /** The ports, for whoever schedules refreshes itself. */
  readonly refresher: Refresher
  readonly capture: Capture
  /**
   * Creates or migrates Freshet's schemas. Safe to call from many processes at once. `eventTriggers`: whether changes of
   * sources are seen when they are made, and can be refused; left out, that stays as it is.
   */
  init(options?: { readonly eventTriggers?: boolean | undefined }): Promise<InitReport>
  create(spec: CreateSpec, progress?: (step: Progress) => void): Promise<StreamTable>
  alter(name: string, change: AlterSpec, progress?: (step: Progress) => void): Promise<AlteredStreamTable>
  /**
   * Ends the filling of a new query, wherever that is done: it is told, and cleans up; what nobody is at is removed. The
   * stream table keeps the query that it has.
   */
  cancelAlter(name: string): Promise<void>
  drop(name: string, options?: { readonly cascade?: boolean }): Promise<readonly string[]>
  list(): Promise<readonly StreamTable[]>
  get(name: string): Promise<StreamTable>
  /** Refreshes this table, alone or after all that it reads; waits while somebody else refreshes it. */
  refresh(name: string, options?: RefreshRequest): Promise<RefreshOutcome>
  /**
   * Read your writes: carries `work` out in a transaction, and returns when these tables show what it wrote, and so do the
   * stream tables that they read. An error of `work` rolls it back and is thrown as it is. One of a refresh comes after the
   * commit, and says so.
   */
  writeAndRefresh<T>(names: string | readonly string[], work: (transaction: Queryable) => Promise<T>): Promise<T>
  /** Every stream table but suspended ones, in dependency order. One that fails does not keep the others from their turn; then it throws. */
  refreshAll(options?: RefreshOptions): Promise<readonly { readonly name: string; readonly outcome: RefreshOutcome }[]>
  /** Brings the table to a snapshot and compares it with its query in that same snapshot, both ways. */
  verify(name: string): Promise<Verification>
  explain(subject: { readonly name: string } | { readonly query: string }): Promise<Explanation>
  pause(name: string): Promise<void>
  resume(name: string): Promise<void>
  /** Captures nothing of a source, or nothing at all. What reads it can not follow, and is filled anew afterwards. */
  pauseCapture(gate: Gate): Promise<SettledGates>
  resumeCapture(gate: Gate): Promise<SettledGates>
  /** Of all stream tables; of many, one is asked for by its name at much less cost. */
  status(name?: string): Promise<readonly StreamTableStatus[]>
  history(options?: { readonly name?: string; readonly limit?: number }): Promise<readonly HistoryEntry[]>
  /** Of every stream table: its objective, how well it was kept, and what to do where it was missed. */
  slaSummary(window?: SlaWindow): Promise<readonly SlaSummary[]>
  /** Of each source that Citus has placed, and each node that it lies on; without Citus, nothing. */
  citusStatus(): Promise<readonly CitusStatus[]>
  doctor(): Promise<readonly Finding[]>
  /** Removes what processes left that ended in the middle of an alteration; says what that was. `repair` does, too. */
  removeLeftovers(): Promise<readonly string[]>
  /** Rebuilds what is missing, and says what it did; nothing is refreshed. */
  repair(): Promise<RepairReport>
  /**
   * Reads, until `close()`, what the server's log has for sources that are captured by WAL, and brings the changes of sources
   * that Citus has placed from their nodes. One process at a time does; a refresh by hand does the one by this process when
   * there is no other, and the other by itself.
   */
  startStream(listener?: (event: StreamEvent) => void): void
  /**
   * The changes of a stream table: first what it holds, then batch after batch, each with a token to go on from. All
   * feeds of a client share one connection of its pool, and one more is lent while a batch of several pages is read.
   */
  subscribe<Row extends object = Record<string, unknown>>(
    name: string,
    options?: SubscribeOptions,
  ): Promise<Subscription<Row>>
  /** Ends what a token holds: its changes need not be kept. */
  unsubscribe(token: string): Promise<void>
  /** A copy in memory, kept current until it is closed. Returns when it is filled. */
  liveCopy<Row extends object = Record<string, unknown>>(
    name: string,
    options?: FollowOptions,
  ): Promise<FollowedCopy<Row>>
  streamTable<Row extends object = Record<string, unknown>>(name: string): StreamTableHandle<Row>
  /** Definitions, settings, and what is paused; no rows. */
  dump(): Promise<Dump>
  /** Creates what a dump describes, over the sources that are there; what exists already is kept. */
  restore(document: Dump, progress?: (step: Progress) => void): Promise<RestoreReport>
  /** Ends its feeds, and the connections. */
  close(): Promise<void>
}

export type StreamEvent = WalStreamEvent | CollectorEvent

export interface RefreshRequest extends RefreshOptions {
  /** First the stream tables that it reads, and those that they read. `full` is for the table itself. */
  readonly upstream?: boolean
  /** How long to go on while somebody else refreshes it, or holds a lock on what it reads, in milliseconds: 30,000 unless told. */
  readonly patienceMs?: number
}

/** One stream table by its name, with the type of its rows: what `Freshet` has, said once. Nothing is asked before a method is. */
export interface StreamTableHandle<Row extends object> {
  readonly name: string
  refresh(options?: RefreshRequest): Promise<RefreshOutcome>
  verify(): Promise<Verification>
  subscribe(options?: SubscribeOptions): Promise<Subscription<Row>>
  liveCopy(options?: FollowOptions): Promise<FollowedCopy<Row>>
}

export interface InitReport {
  /** Names of the migrations that this call applied; empty when the schema was current. */
  readonly applied: readonly string[]
  readonly schemaVersion: number
}
