import type { Database, Queryable } from './database.ts'
import type { SourceIdentifier } from './names.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * The port to change capture. `refresh` asks for it, `cdc` provides it, and whoever builds the product wires them.
 *
 * Every captured change becomes rows of the source's change buffer, `freshet_changes.changes_<stable name>`:
 * `__x xid8` the top-level transaction that wrote it, `__n int` the node it was written on,
 * `__w smallint` its weight (+1 new, −1 old, 0 a marker: the source was truncated), and the captured columns
 * under their own names and types.
 *
 * `freshet_changes.sizes_<stable name>` tells how many they are, in far fewer rows: `__x`, `__n`, and
 * `__rows int` change rows of that transaction; 0 stands for a marker.
 */
export interface Capture {
  /**
   * Makes sure that the named columns of the source are captured. When it returns, the capture is committed, and
   * every transaction that writes to the source and is not yet visible to a snapshot taken afterwards is captured.
   * Takes its lock on the source with a `lock_timeout`.
   */
  ensure(
    database: Database,
    source: SourceIdentifier,
    columns: readonly string[],
    options?: CaptureOptions,
  ): Promise<void>
  /** Removes the capture of a source that no stream table reads any more. */
  release(database: Database, stableName: string): Promise<void>
  /** Deletes change rows that are visible in `consumed`, at most `limit`; returns how many. */
  trim(database: Queryable, stableName: string, consumed: Snapshot, limit: number): Promise<number>
  /**
   * For a REPEATABLE READ transaction that will read change buffers: gives it the changes that its snapshot shows in the
   * sources and not yet in the buffers. By WAL, until the returned function takes them back before it commits; else null:
   * changes come with their transactions. From other nodes they come to stay, as rows that this transaction has written: a
   * frontier that it leaves must name it.
   */
  handOver(
    database: Database,
    transaction: Queryable,
    stableNames: readonly string[],
  ): Promise<(() => Promise<void>) | null>
  /**
   * Of these sources, those whose changes wait on other nodes: a transaction that is handed them over will bring them into
   * the buffers. Nothing is asked where no source is placed on other nodes.
   */
  waiting(database: Queryable, stableNames: readonly string[]): Promise<readonly string[]>
  /** The replication slot through which changes come by WAL; null when no source is captured so. */
  stream(database: Database): Promise<CaptureStream | null>
  /**
   * What a process left on the server that ended while it set a stream up or took it down: a slot, a publication. A slot
   * that nobody knows of keeps the server's log for ever.
   */
  leftovers(database: Database): Promise<readonly string[]>
  /** Removes them. */
  removeLeftovers(database: Database): Promise<readonly string[]>
  /**
   * What is wrong with the capture of a source, if anything: a dropped trigger, a changed column, a lost buffer; `paused`
   * when it is paused and should not be, or the other way round. `ensure` mends it.
   */
  inspect(database: Database, stableName: string): Promise<readonly CaptureFault[]>
}

export interface CaptureOptions {
  /**
   * How changes are captured. `trigger`: in the writers' transactions. `wal`: from the server's log, after them. `auto`:
   * by WAL where the server and the source permit it. Left out, a source stays captured as it is; at first by triggers.
   */
  readonly via?: CaptureChoice
}

export type CaptureChoice = 'trigger' | 'wal' | 'auto'

export interface CaptureStream {
  readonly slot: string
  /** Up to where transactions have been applied, as an LSN. */
  readonly applied: string
  /** Somebody reads it. */
  readonly active: boolean
  /** It is there, and can be read. */
  readonly usable: boolean
  /** How much of its log the server keeps for it. */
  readonly retainedBytes: number
  /** How much has been written and not yet confirmed. */
  readonly lagBytes: number
  /** How much more the server will keep before it gives the slot up; null when that has no limit. */
  readonly safeBytes: number | null
}

export interface CaptureFault {
  readonly kind:
    | 'source_dropped'
    | 'trigger_missing'
    | 'buffer_missing'
    | 'column_changed'
    | 'partition_uncaptured'
    | 'not_published'
    | 'placement_changed'
    | 'paused'
  readonly detail: string
}
