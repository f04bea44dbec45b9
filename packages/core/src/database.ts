import type { Sql } from './sql.ts'

/**
 * The port to a PostgreSQL server. Everything in Freshet that talks to a database talks through it, so that a
 * package can be used with any driver and a test can stand between.
 *
 * Values come back as the driver's defaults: int8 and numeric as text, timestamptz as Date, json and jsonb parsed.
 * Errors are `FreshetError` with the server's SQLSTATE in `sqlState`.
 */
export interface Queryable {
  /** Runs one statement and returns its rows. */
  query<Row = Record<string, unknown>>(statement: Sql, options?: QueryOptions): Promise<Row[]>
  /** Sends statements together, without waiting between them, and returns each one's rows. They run in order; after an error the rest fails. */
  batch(statements: readonly Sql[], options?: QueryOptions): Promise<Record<string, unknown>[][]>
}

export interface QueryOptions {
  /** Prepare the statement on this connection at first use and run it prepared afterwards; not behind a pooler. */
  readonly prepared?: boolean
}

export type Isolation = 'read committed' | 'repeatable read'

export interface TransactionOptions {
  readonly isolation?: Isolation
  readonly readOnly?: boolean
  /** Sent with BEGIN, without waiting for its answer. `work` gets their rows; where one of them fails, it is not called. */
  readonly opening?: readonly Sql[]
}

/** What is done in a transaction; `opened`: the rows of each of its opening statements. */
export type Transacted<T> = (
  transaction: Queryable,
  opened: readonly (readonly Record<string, unknown>[])[],
) => Promise<T>

/** One connection. `identity` is stable while the physical connection lives. */
export interface Session extends Queryable {
  readonly identity: object
  /**
   * It goes to a pooler: the next transaction may be on another of the server's connections, so nothing that is set, locked
   * or prepared on the session lasts, and what did would belong to somebody else.
   */
  readonly pooled: boolean
  transaction<T>(work: Transacted<T>, options?: TransactionOptions): Promise<T>
  /** Called for each NOTICE and WARNING of the statements that run while `work` runs. */
  notices(listener: (notice: Notice) => void): () => void
  /**
   * LISTEN: `heard` is called for each NOTIFY on the channel while the session is lent. Behind a pooler nothing is ever
   * heard.
   */
  listen(channel: string, heard: (payload: string) => void): Promise<void>
}

export interface Notice {
  readonly severity: string
  readonly message: string
}

export interface Database extends Queryable {
  /** Lends one connection to `work`. */
  session<T>(work: (session: Session) => Promise<T>): Promise<T>
  transaction<T>(work: Transacted<T>, options?: TransactionOptions): Promise<T>
  close(): Promise<void>
}
