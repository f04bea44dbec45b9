/**
 * The port from the coordinator to whatever refreshes stream tables: `refresh` provides it.
 */
export interface Refresher {
  /**
   * Brings one stream table to the server's present, and all of its unit with it. Never waits for another refresher: it
   * answers `busy`. An error tells by `streamTable` which of the unit failed.
   */
  refresh(streamTable: number, options?: RefreshOptions): Promise<RefreshOutcome>
}

export interface RefreshOptions {
  /** Recompute the query and apply the difference, whatever the mode. */
  readonly full?: boolean
  /** Who asked: `scheduler`, `manual`, … as recorded in the history. */
  readonly initiatedBy?: string
  /** Nobody asked for it: a table's fuse is heeded, and blows where more changes wait. */
  readonly fused?: boolean
  /**
   * Others that changes wait for, or will when those before them are refreshed: to be refreshed in the same transaction, as
   * far as that is faster. What is read comes before what reads it. Those that are not are left as they were.
   */
  readonly along?: readonly number[]
  /** The outcome is to tell the number of the refresh in the history: a look-up more, for whoever traces. */
  readonly identified?: boolean
}

export interface RefreshOutcome {
  /** `none`: no change was pending. `busy`: another refresher holds the table. */
  readonly action: 'none' | 'differential' | 'full' | 'busy'
  /** Why a full refresh was made, as a reason code; null for the other actions. */
  readonly reason: string | null
  readonly rowsInserted: number
  readonly rowsDeleted: number
  /** Change rows that the refresh read from the buffers. */
  readonly changeRows: number
  /** With others in one transaction: its share. */
  readonly durationMs: number
  /** Its number in the history, where that was asked for and something was written. */
  readonly refreshId?: string
  /** The others of its unit, or those that came along, by their numbers: they were refreshed in the same transaction. */
  readonly together?: ReadonlyMap<number, RefreshOutcome>
}
