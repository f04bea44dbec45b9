/**
 * A feed: what a stream table holds, and then what changes in it, for a reader outside the database.
 *
 *   table at the last token + changes since = table
 *
 * It comes in *batches*: first the table at one snapshot, then the delta of one window after the other, each with all
 * refreshes that became visible in it. Windows follow each other without gap or overlap, in the order of commits. A batch
 * comes in pages of bounded size; its last page has the token. Who puts the pages of a batch and its token away in one
 * transaction, and goes on from that token after whatever happens, has every change exactly once.
 */
export interface FeedPage<Row> {
  /** `snapshot`: a page of the table, which takes the place of everything known so far. */
  readonly kind: 'snapshot' | 'changes'
  /** Consolidated over the batch, rows that leave first. */
  readonly changes: readonly Change<Row>[]
  /** Where to go on from; null on every page of a batch but its last. */
  readonly token: string | null
  /** Where its batch ends: the token of the batch's last page. */
  readonly until: string
}

/** A row where `rows` is `json`. */
export interface JsonRow {
  /** An object of all columns, as PostgreSQL prints it. */
  readonly json: string
}

export interface Change<Row> {
  /** How often the row comes (positive) or leaves (negative). */
  readonly weight: number
  /** With the driver's values: bigint and numeric as text, timestamps as Date. Shared among readers, and frozen. */
  readonly row: Row
  /** The same for rows of the same content. */
  readonly id: string
}

export interface SubscribeOptions {
  /**
   * `snapshot` (the default): the table first. `now`: only what changes. Or what a token says; with `until`, the first batch
   * ends where one ended before (`FeedPage.until`), and is the same again.
   */
  readonly from?: 'snapshot' | 'now' | { readonly token: string; readonly until?: string }
  /**
   * `values` (the default): with the driver's values. `json`: each row is a `JsonRow`, without any loss: numbers with all of
   * their digits, timestamps with microseconds.
   */
  readonly rows?: 'values' | 'json'
  /** Rows of a page at most; at most two pages are held at a time. Default 1,000. */
  readonly pageRows?: number
  /** Of rows as JSON (`rows: 'json'`), bytes of their text in a page at most; one row may have more. Default: any. */
  readonly pageBytes?: number
  /**
   * Whether the token stays good after the reader has left, for as long as `subscription_retention_minutes` says.
   * Default true; `unsubscribe` ends it earlier.
   */
  readonly durable?: boolean
  /** Where it is not durable: for so long after the reader has left the token stays good nevertheless. Default 0. */
  readonly lingerMs?: number
  /**
   * `next` (the default): asking for what follows a batch says that the batch was handled. `explicit`: only
   * `acknowledge` says so, for readers who put tokens away more seldom.
   */
  readonly acknowledge?: 'next' | 'explicit'
  /** Ends the feed, as `close()` does. */
  readonly signal?: AbortSignal
}

/** To be read by one reader. Nothing is read ahead of it. */
export interface Subscription<Row> extends AsyncIterableIterator<FeedPage<Row>> {
  readonly name: string
  readonly columns: readonly string[]
  /** Of the columns, those that identify a row; empty where duplicates are possible. */
  readonly keyColumns: readonly string[]
  /** The token where it begins; null where the table comes first. */
  readonly begins: string | null
  /** What came up to this token was handled, and need not be kept. */
  acknowledge(token: string): void
  /** Ends the iteration, also one that waits. */
  close(): Promise<void>
}
