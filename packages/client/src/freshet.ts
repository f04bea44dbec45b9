import type { WalStreamEvent } from '@freshet/cdc'
import type { Capture, Database, Dump, Refresher, RefreshOptions, RefreshOutcome, SettledGates } from '@freshet/core'
import type {
  AlterSpec,
  CreateSpec,
  Description as StreamTable,
  Explanation,
  Finding,
  Gate,
  HistoryEntry,
  Progress,
  RepairReport,
  RestoreReport,
  Status as StreamTableStatus,
  Verification,
} from '@freshet/refresh'

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
  alter(name: string, change: AlterSpec, progress?: (step: Progress) => void): Promise<StreamTable>
  drop(name: string, options?: { readonly cascade?: boolean }): Promise<readonly string[]>
  list(): Promise<readonly StreamTable[]>
  get(name: string): Promise<StreamTable>
  /** Refreshes this table alone; waits while somebody else refreshes it. */
  refresh(name: string, options?: RefreshOptions): Promise<RefreshOutcome>
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
  status(): Promise<readonly StreamTableStatus[]>
  history(options?: { readonly name?: string; readonly limit?: number }): Promise<readonly HistoryEntry[]>
  doctor(): Promise<readonly Finding[]>
  /** Rebuilds what is missing, and says what it did; nothing is refreshed. */
  repair(): Promise<RepairReport>
  /**
   * Reads, until `close()`, what the server's log has for sources that are captured by WAL. One process at a time does; a
   * refresh by hand lets this one do it when there is no other.
   */
  startStream(listener?: (event: WalStreamEvent) => void): void
  /** Definitions, settings, and what is paused; no rows. */
  dump(): Promise<Dump>
  /** Creates what a dump describes, over the sources that are there; what exists already is kept. */
  restore(document: Dump, progress?: (step: Progress) => void): Promise<RestoreReport>
  close(): Promise<void>
}

export interface InitReport {
  /** Names of the migrations that this call applied; empty when the schema was current. */
  readonly applied: readonly string[]
  readonly schemaVersion: number
}
