import type { Capture, Database, Refresher, RefreshOptions, RefreshOutcome } from '@freshet/core'

/**
 * Freshet as a library: what the CLI, the scheduler and an application see. `connect()` builds it.
 * Names are `table` or `schema.table`, quoted as in SQL where they need it; every method throws `FreshetError`.
 */
export interface Freshet {
  readonly database: Database
  /** The ports, for whoever schedules refreshes itself. */
  readonly refresher: Refresher
  readonly capture: Capture
  /** Creates or migrates Freshet's schemas. Safe to call from many processes at once. */
  init(): Promise<InitReport>
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
  status(): Promise<readonly StreamTableStatus[]>
  history(options?: { readonly name?: string; readonly limit?: number }): Promise<readonly HistoryEntry[]>
  doctor(): Promise<readonly Finding[]>
  close(): Promise<void>
}

export type Mode = 'auto' | 'differential' | 'full'

export interface InitReport {
  /** Names of the migrations that this call applied; empty when the schema was current. */
  readonly applied: readonly string[]
  readonly schemaVersion: number
}

export interface CreateSpec {
  readonly name: string
  readonly query: string
  readonly mode?: Mode
  /** 'live', 'manual', or a duration such as '500ms', '5s', '1m', '2h'. Default: live. */
  readonly schedule?: string
}

export interface AlterSpec {
  readonly query?: string
  readonly mode?: Mode
  readonly schedule?: string
  readonly rename?: string
}

export interface Progress {
  readonly phase: 'resolve' | 'capture' | 'fill' | 'index' | 'done'
  readonly message: string
  /** Rows written so far and rows expected, where the server can tell. */
  readonly rows?: number
  readonly expectedRows?: number
}

export interface StreamTable {
  readonly id: number
  readonly schema: string
  readonly table: string
  /** `schema.table`, quoted where needed. */
  readonly name: string
  readonly query: string
  readonly mode: Mode
  readonly effectiveMode: 'differential' | 'full'
  /** Why the query is not maintained differentially: a reason code and a sentence; null when it is. */
  readonly modeReason: { readonly code: string; readonly detail: string } | null
  readonly schedule: string
  readonly storage: 'keyed' | 'bag' | 'single'
  readonly keyColumns: readonly string[]
  readonly status: 'initializing' | 'active' | 'paused' | 'suspended'
  readonly statusReason: string | null
  /** Sources it reads, `schema.table`; stream tables among them are marked. */
  readonly sources: readonly { readonly name: string; readonly streamTable: number | null }[]
  readonly refreshedAt: Date | null
}

export interface StreamTableStatus extends StreamTable {
  /** Change rows waiting in the buffers of its sources, counted up to a bound. */
  readonly pendingChanges: number
  readonly pendingIsLowerBound: boolean
  /** Rows in the stream table by the server's statistics. */
  readonly estimatedRows: number
  readonly consecutiveErrors: number
  readonly lastError: { readonly code: string; readonly message: string; readonly hint?: string } | null
  /** Figures of the refreshes of the last hour, milliseconds. */
  readonly refreshes: { readonly count: number; readonly p50Ms: number | null; readonly p99Ms: number | null }
}

export interface Verification {
  readonly name: string
  readonly equal: boolean
  readonly rows: number
  /** Rows only in the table, and rows only in the query's answer. */
  readonly extra: number
  readonly missing: number
  /** A few of the differing rows, as JSON text. */
  readonly samples: readonly { readonly side: 'extra' | 'missing'; readonly row: string }[]
}

export interface Explanation {
  readonly name: string | null
  readonly effectiveMode: 'differential' | 'full'
  readonly reason: { readonly code: string; readonly detail: string; readonly hint: string } | null
  readonly storage: 'keyed' | 'bag' | 'single'
  readonly keyColumns: readonly string[]
  /** The plan as indented text, one operator a line with its law. */
  readonly plan: string
  /** The plan as a tree, for json. */
  readonly tree: PlanNode
  /** Graphviz text. */
  readonly dot: string
  /** Every statement that a refresh may run, by name. */
  readonly statements: Readonly<Record<string, string>>
}

export interface PlanNode {
  readonly operator: string
  readonly detail: string
  readonly law: string
  readonly inputs: readonly PlanNode[]
}

export interface HistoryEntry {
  readonly refreshId: string
  readonly name: string
  readonly startedAt: Date
  readonly finishedAt: Date
  readonly action: 'initial' | 'differential' | 'full'
  readonly reason: string | null
  readonly initiatedBy: string
  readonly changeRows: number
  readonly rowsInserted: number
  readonly rowsDeleted: number
  readonly error: { readonly code: string; readonly message: string } | null
}

export interface Finding {
  readonly level: 'ok' | 'warning' | 'error'
  readonly subject: string
  readonly message: string
  readonly hint: string | null
}
