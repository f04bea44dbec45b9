/**
 * Every error that Freshet raises has a code from one closed list. A code's comment is its manual page (`docs/errors.md`
 * is generated from it); its retry class tells a loop what to do; its hint tells a person.
 *
 * What a server reports is classified by SQLSTATE alone, never by message text: messages are translated and reworded.
 */

/**
 * - `never`: the same call would fail again; somebody has to change something.
 * - `retry`: transient; the same call may succeed after a short pause.
 * - `reconnect`: the connection is gone or was never made; try again on a new one.
 * - `definition`: the query of the stream table or one of its sources must change first.
 */
export type RetryClass = 'never' | 'retry' | 'reconnect' | 'definition'

interface ErrorEntry {
  readonly retry: RetryClass
  readonly hint: string | null
}

const entries = {
  // Reaching the server

  /** No server answers at the address: it is not running, the host or port is wrong, or a firewall drops the packets. */
  CONNECTION_REFUSED: {
    retry: 'reconnect',
    hint: 'Check that the server is running and that host and port of the database URL are right.',
  },
  /** The server refused the role: a wrong or missing password, an unknown role, or no matching line in pg_hba.conf. */
  AUTHENTICATION_FAILED: {
    retry: 'never',
    hint: 'Check user and password of the database URL, and the server’s pg_hba.conf.',
  },
  /** The server has no database of that name. */
  UNKNOWN_DATABASE: { retry: 'never', hint: 'Create the database, or correct its name in the database URL.' },
  /** An established connection broke: the server stopped, restarted, failed over, or ended the session. */
  CONNECTION_LOST: { retry: 'reconnect', hint: 'Try again; if it persists, look in the server’s log.' },
  /** The server has no free connection slot, or ran out of memory or disk space. */
  SERVER_OVERLOADED: {
    retry: 'retry',
    hint: 'Raise the limit that the server names, or lower Freshet’s pool size and max_concurrent_refreshes.',
  },
  /** The server only reads: it is a standby, or default_transaction_read_only is on. */
  READ_ONLY_SERVER: { retry: 'reconnect', hint: 'Connect to the primary.' },
  /** The server is older than PostgreSQL 15, the first release that Freshet supports. */
  SERVER_TOO_OLD: { retry: 'never', hint: 'Upgrade the server to PostgreSQL 15 or later.' },

  // Freshet's own schema

  /** The database has no Freshet schema, or an incomplete one. */
  NOT_INSTALLED: { retry: 'never', hint: 'Run `freshet init` on this database.' },
  /** A newer Freshet migrated the schema in a way that this version can not work with. */
  SCHEMA_NEWER: {
    retry: 'never',
    hint: 'Upgrade this Freshet to the version that migrated the database, or a later one.',
  },
  /** The schema was installed by an older Freshet and lacks what this version needs. */
  SCHEMA_OUTDATED: { retry: 'never', hint: 'Run `freshet init` to migrate the schema.' },

  // Names

  /** The text is not `table` or `schema.table` in SQL's notation. */
  INVALID_NAME: {
    retry: 'never',
    hint: 'Write table or schema.table; put parts with capitals, spaces or signs into double quotes.',
  },
  /** A part of the name is longer than the 63 bytes that PostgreSQL keeps; it would be cut silently. */
  NAME_TOO_LONG: { retry: 'never', hint: 'Use at most 63 bytes (in UTF-8) for each part of a name.' },
  /** There is no stream table of that name. */
  UNKNOWN_STREAM_TABLE: { retry: 'never', hint: '`freshet list` shows the stream tables of this database.' },
  /** No stream table reads a table of that name. */
  UNKNOWN_SOURCE: { retry: 'never', hint: '`freshet list` shows what each stream table reads.' },
  /** A relation of that name exists already. */
  DUPLICATE_NAME: { retry: 'never', hint: 'Choose another name, or drop what has it.' },
  /**
   * Two relations would have the same stable name: a renamed source kept the name that a new table now asks for, or,
   * very rarely, two names have the same hash. Their change buffers would be one.
   */
  NAME_COLLISION: { retry: 'definition', hint: 'Rename one of the two relations.' },

  // The query

  /** The query names a relation or schema that does not exist, or that the role can not see. */
  UNKNOWN_RELATION: { retry: 'definition', hint: 'Check the name; qualify it with its schema.' },
  /** The query names a column that does not exist. */
  UNKNOWN_COLUMN: { retry: 'definition', hint: 'Check the column’s name and that of its relation.' },
  /** The text is not SQL that PostgreSQL can parse. */
  SYNTAX_ERROR: { retry: 'definition', hint: 'Try the query in psql: it must run there as it is.' },
  /** PostgreSQL understood the query but refused it: types, functions, grouping, ambiguity, and the like. */
  INVALID_QUERY: { retry: 'definition', hint: 'Try the query in psql: it must run there as it is.' },
  /** The role lacks a privilege that the statement needs. */
  INSUFFICIENT_PRIVILEGE: {
    retry: 'definition',
    hint: 'Grant the role what it lacks, or connect as the owner of the relation.',
  },
  /**
   * Row-level security of a source applies to Freshet's role. A stream table holds the answer over all rows; to show
   * each reader its own, put policies on the stream table.
   */
  ROW_SECURITY: {
    retry: 'definition',
    hint: 'Give Freshet’s role BYPASSRLS, or membership in the owner of the source.',
  },
  /** A stream table is defined by one SELECT (or VALUES, TABLE, WITH … SELECT) and nothing else. */
  NOT_A_SELECT: { retry: 'definition', hint: 'Give one SELECT statement, without INTO and without row locks.' },
  /** The query calls a volatile function; its answer changes by itself, so no table can stay equal to it. */
  VOLATILE_FUNCTION: {
    retry: 'definition',
    hint: 'Compute the value when the source row is written, or mark the function stable if it is.',
  },
  /** The query reads a temporary relation, which other sessions can not see. */
  TEMPORARY_SOURCE: { retry: 'definition', hint: 'Use a permanent table.' },
  /** The query reads a system catalog or one of Freshet's own tables; these can not be captured. */
  SYSTEM_SOURCE: { retry: 'definition', hint: 'Copy what you need into a table of your own.' },
  /** Triggers can not see the relation's changes: a foreign table, a materialized view, an unlogged table, a partition. */
  NOT_CAPTURABLE: { retry: 'definition', hint: 'Use mode full, which reads the relation anew each time.' },
  /** An output column has a name that Freshet reserves: internal columns start with two underscores. */
  RESERVED_COLUMN_NAME: { retry: 'definition', hint: 'Give the column another name with AS.' },
  /** Differential mode was asked for, and the query can not be maintained differentially. */
  NOT_DIFFERENTIABLE: { retry: 'definition', hint: 'Use mode auto or full, or rewrite what the message names.' },
  /**
   * Immediate mode was asked for, and the query or one of its sources does not permit it: it has no delta, it reads what
   * triggers can not see, or a key of a source is deferrable and so may be violated while a transaction runs.
   */
  NOT_IMMEDIATE: {
    retry: 'definition',
    hint: 'Use mode auto with the schedule live, or change what the message names.',
  },

  /** More changes wait for a stream table than its fuse lets through. The scheduler suspends it at once, and it stays as it was. */
  FUSE_BLOWN: {
    retry: 'never',
    hint: 'See what changed its sources. `freshet resume NAME` lets the changes through; `freshet alter NAME --fuse` changes the fuse.',
  },

  // Settings

  /** The schedule is neither live, calculated, manual, a duration, nor a cron pattern with a time zone that exists. */
  INVALID_SCHEDULE: {
    retry: 'never',
    hint: 'Use live, calculated, manual, a duration such as 500ms, 5s, 1m or 2h, or cron: 0 6 * * * Europe/Berlin.',
  },
  /** There is no such setting, or the value is not one that it takes. */
  INVALID_SETTING: { retry: 'never', hint: 'docs/settings.md lists the settings and what each takes.' },

  /** The file is not what `freshet dump` wrote, or a newer Freshet wrote it. */
  INVALID_DUMP: { retry: 'never', hint: 'Give a file that `freshet dump` of this version or an older one wrote.' },

  // Citus

  /** The Citus of this database lacks what Freshet relies on; the detail says what, and since when it is there. */
  CITUS_TOO_OLD: {
    retry: 'never',
    hint: 'Upgrade Citus on all nodes, and then: alter extension citus update;',
  },
  /** What was asked for can not be where a table is placed by Citus; the message says what. Nothing was changed. */
  CITUS_UNSUPPORTED: {
    retry: 'never',
    hint: 'Drop the stream table, and create it again as it is to be.',
  },

  // The graph

  /** Other objects depend on what would be dropped. */
  HAS_DEPENDENTS: { retry: 'never', hint: 'Drop the dependants first, or ask for cascade.' },
  /** A stream table would read itself, directly or through others. */
  CYCLE: { retry: 'definition', hint: 'Remove one of the stream tables that the message lists from the circle.' },

  // Sources

  /** A relation that the stream table reads was dropped. */
  SOURCE_DROPPED: { retry: 'definition', hint: 'Restore the relation, or drop or alter the stream table.' },
  /**
   * What the stream table reads or calls was dropped or changed so that its query has no meaning any more, or an answer
   * with other columns. The message says what. Renames, and all that leaves the columns as they are, are followed.
   */
  SOURCE_CHANGED: {
    retry: 'definition',
    hint: 'Alter the stream table with a query that fits the source as it is now.',
  },
  /**
   * A statement would drop, or give another type to, what a stream table reads; the setting `refuse_source_ddl` says that
   * such statements are refused.
   */
  SOURCE_NEEDED: {
    retry: 'never',
    hint: 'Alter or drop the stream table first; or set freshet.source_ddl = allow in the session.',
  },
  /** The triggers or the change buffer of a source are missing or disabled, so changes may have been lost. */
  CAPTURE_BROKEN: {
    retry: 'definition',
    hint: '`freshet doctor` names the fault; the stream table is filled anew once it is mended.',
  },
  /** Capture by WAL was asked for, and the server or the source does not permit it; the message says what is missing. */
  WAL_NOT_AVAILABLE: { retry: 'definition', hint: 'Capture the source by triggers, or change what the message names.' },
  /**
   * A source is captured by WAL, and what it changed has not come through the stream in time: nobody reads the slot, or
   * whoever does is far behind. Nothing was changed.
   */
  STREAM_BEHIND: {
    retry: 'retry',
    hint: 'Try again; if it persists, let a scheduler run (`freshet serve`), and see `freshet doctor`.',
  },
  /** Somebody wrote to a stream table; only its refresh may. */
  STREAM_TABLE_WRITE: { retry: 'never', hint: 'Write to its sources; the stream table follows.' },

  // Feeds

  /** A feed was asked for over HTTP without the right to. */
  UNAUTHORIZED: { retry: 'never', hint: 'Show the token that the scheduler was started with (FRESHET_FEED_TOKEN).' },
  /** The text is not a token of a feed, or one of another stream table, database or cluster. */
  FEED_TOKEN_INVALID: {
    retry: 'never',
    hint: 'Resume with a token of this stream table in this database, or begin anew without one.',
  },
  /**
   * What lies behind the token is not kept any more, so some of what came since can not be told: the subscription did not
   * acknowledge for longer than `subscription_retention_minutes`, or the stream table was altered or dropped meanwhile.
   */
  FEED_TOKEN_EXPIRED: {
    retry: 'never',
    hint: 'Begin anew: subscribe without a token, and put the snapshot that comes first in the place of what you have.',
  },

  // Outboxes and relays

  /** There is no outbox of that name. */
  UNKNOWN_OUTBOX: { retry: 'never', hint: '`freshet outbox list` shows the outboxes of this database.' },
  /** No consumer of that name reads anything. */
  UNKNOWN_CONSUMER: { retry: 'never', hint: '`freshet outbox list` shows the consumers of this database.' },
  /**
   * It is not known where the consumer goes on: its position is one of another database (this one was restored from a dump),
   * or what comes after it is not kept any more. Nothing is relayed until somebody says where it begins.
   */
  CONSUMER_LOST: {
    retry: 'never',
    hint: 'Say where it goes on: `freshet outbox seek NAME --consumer CONSUMER --to now|beginning|TIME`.',
  },
  /** Somebody moved the consumer while it was at work. What it had not delivered yet is left to the new position. */
  CONSUMER_MOVED: { retry: 'retry', hint: null },
  /** The relay's configuration file is not what it should be; the message has the path of each mistake. */
  RELAY_CONFIG_INVALID: { retry: 'never', hint: 'docs/07-relay.md describes the file.' },
  /** The value of a message is not an envelope that Freshet writes, or one that was cut or changed. */
  ENVELOPE_INVALID: { retry: 'never', hint: 'Read it with the format that it was written in.' },
  /** A newer Freshet wrote the envelope, in a version that this one does not know. */
  ENVELOPE_NEWER: { retry: 'never', hint: 'Upgrade the consumer before the relay.' },
  /** The sink can not be reached, or answers that it can not work now. The relay goes on trying. */
  SINK_UNAVAILABLE: { retry: 'reconnect', hint: 'Check that it runs, and that its address and credentials are right.' },
  /** The sink is there, and is not set up for what it is asked for: a topic is missing, a right, a table. */
  SINK_REFUSED: { retry: 'never', hint: 'Change what the message names.' },
  /** The sink will never take this one message, such as one that is too large. It is put among the dead letters. */
  MESSAGE_REFUSED: { retry: 'never', hint: '`freshet relay dead-letters` shows it, and relays it again.' },
  /** Another relay has taken over the consumer; what this one was about to deliver, the sink does not show. */
  SINK_FENCED: { retry: 'retry', hint: 'Whoever took over goes on.' },

  // Running

  /** A lock was not granted in time; a long transaction holds it. Nothing was changed. */
  LOCK_TIMEOUT: { retry: 'retry', hint: 'Try again when the long transaction has ended, or raise the timeout.' },
  /** A new query was being filled while its sources changed faster than it could follow. The stream table is as it was. */
  NOT_CONVERGING: {
    retry: 'never',
    hint: 'Try again when less is written, or give mode full, which does not follow changes one by one.',
  },
  /**
   * Another process took over what this one was doing, because it had not shown any life for as long as a lease lasts: it
   * stood still, or was cut off from the server. What it was about to commit was not committed.
   */
  LEASE_LOST: { retry: 'retry', hint: 'Whoever took over goes on. Look at the host if it happens often.' },
  /** Two transactions were in each other's way (a deadlock or a serialization failure) and this one gave up. */
  TRANSACTION_CONFLICT: { retry: 'retry', hint: 'Try again.' },
  /** The statement ran into its timeout, or somebody cancelled it. */
  STATEMENT_CANCELED: { retry: 'retry', hint: 'Raise the statement timeout if the work needs longer.' },
  /** The server refused a statement for a reason that none of the other codes names, such as a division by zero. */
  QUERY_FAILED: { retry: 'never', hint: 'The message is the server’s; sqlState is its code.' },
  /** The SQL that Freshet printed does not parse back to what was meant, and was therefore not run. */
  PRINTER_GUARD: { retry: 'definition', hint: 'Please report the query. Until then mode full maintains it.' },
  /** A fault in Freshet itself. */
  INTERNAL: { retry: 'never', hint: 'Please report it, with the message and what led to it.' },
  /** The command line or the call is wrong. */
  USAGE: { retry: 'never', hint: '`freshet help` shows how commands are used.' },
} as const satisfies Readonly<Record<string, ErrorEntry>>

export type ErrorCode = keyof typeof entries

/** The closed list: every code with its retry class and its usual hint. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorEntry>> = entries

export interface ErrorOptions {
  readonly detail?: string | undefined
  /** Replaces the code's usual hint; null removes it. */
  readonly hint?: string | null | undefined
  readonly sqlState?: string | undefined
  /** Where in the statement, counted in characters from 1. */
  readonly position?: number | undefined
  readonly cause?: unknown
  /** Of the stream tables that are refreshed together, the one that failed. */
  readonly streamTable?: number | undefined
}

export interface ErrorJson {
  readonly code: ErrorCode
  readonly message: string
  readonly retry: RetryClass
  readonly detail?: string
  readonly hint?: string
  readonly sqlState?: string
  readonly position?: number
}

export class FreshetError extends Error {
  override readonly name = 'FreshetError'
  readonly code: ErrorCode
  readonly retry: RetryClass
  readonly detail: string | undefined
  readonly hint: string | undefined
  readonly sqlState: string | undefined
  readonly position: number | undefined
  readonly streamTable: number | undefined

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retry = ERRORS[code].retry
    this.detail = options.detail
    this.hint = (options.hint === undefined ? ERRORS[code].hint : options.hint) ?? undefined
    this.sqlState = options.sqlState
    this.position = options.position
    this.streamTable = options.streamTable
  }

  toJSON(): ErrorJson {
    return {
      code: this.code,
      message: this.message,
      retry: this.retry,
      ...(this.detail === undefined ? {} : { detail: this.detail }),
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.sqlState === undefined ? {} : { sqlState: this.sqlState }),
      ...(this.position === undefined ? {} : { position: this.position }),
    }
  }
}

/** Whether `error` is Freshet's, and, when codes are given, has one of them. */
export function isFreshetError(error: unknown, ...codes: readonly ErrorCode[]): error is FreshetError {
  return error instanceof FreshetError && (codes.length === 0 || codes.includes(error.code))
}

/** Whatever was thrown, as a FreshetError: its own kind unchanged, the rest as INTERNAL. */
export function toFreshetError(error: unknown): FreshetError {
  if (error instanceof FreshetError) return error
  return new FreshetError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error })
}
