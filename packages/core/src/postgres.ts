import { Client, type ClientConfig, Pool, type PoolClient, type PoolConfig } from 'pg'
import { checkDatabaseUrl } from './connection-url.ts'
import type { Database, Session } from './database.ts'
import { FreshetError } from './errors.ts'
import { fromDriver } from './postgres-error.ts'
import { PostgresSession } from './postgres-session.ts'
import type { Patience } from './silence.ts'
import { raw } from './sql.ts'

/** The `Database` port over node-postgres: a pool of pipelined connections. */
export interface ConnectOptions {
  readonly url: string
  /** Connections at most. Default 10; creating takes up to three at a time, altering four. */
  readonly poolSize?: number
  /** Shown in pg_stat_activity. Default `freshet`. */
  readonly applicationName?: string
  /** Server-side limits for every statement, milliseconds; the server's defaults where absent. Poolers may refuse them. */
  readonly statementTimeoutMs?: number
  readonly lockTimeoutMs?: number
  /** How long the server may take to answer a new connection. Default 10 seconds. */
  readonly connectTimeoutMs?: number
  /** How long to wait for a connection while all of the pool are lent. Default a minute. */
  readonly poolWaitMs?: number
  /** How long an answer may take before the server is asked whether it still works on it. Default 30 seconds. */
  readonly silenceMs?: number
}

const OLDEST_SERVER = 150_000
const GOOD_BYE_MS = 2_000

/** Connects, and makes sure that the server is one that Freshet supports. */
export async function connect(to: string | ConnectOptions): Promise<Database> {
  const options: ConnectOptions = typeof to === 'string' ? { url: to } : to
  const config = poolConfig(options)
  const database = new PostgresDatabase(new Pool(config), { silenceMs: options.silenceMs ?? 30_000, config })
  try {
    await database.session(checkServer)
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

function poolConfig(options: ConnectOptions): PoolConfig & { pipeline: true } {
  return {
    connectionString: checkDatabaseUrl(options.url),
    max: options.poolSize ?? 10,
    application_name: options.applicationName ?? 'freshet',
    connectionTimeoutMillis: options.poolWaitMs ?? 60_000,
    Client: clientWithTimeout(options.connectTimeoutMs ?? 10_000),
    ...(options.statementTimeoutMs === undefined ? {} : { statement_timeout: options.statementTimeoutMs }),
    ...(options.lockTimeoutMs === undefined ? {} : { lock_timeout: options.lockTimeoutMs }),
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    pipeline: true,
  }
}

/** The driver has one timeout for two things: waiting for the pool, and for the server. */
function clientWithTimeout(connectionTimeoutMillis: number): new (config?: ClientConfig) => Client {
  return class extends Client {
    constructor(config?: ClientConfig) {
      super({ ...config, connectionTimeoutMillis })
      // Between the pool and the borrower nobody listens for a moment, and an error that nobody hears ends the process. The
      // borrower's first statement tells of it.
      this.on('error', () => undefined)
    }
  }
}

async function checkServer(session: Session): Promise<void> {
  const [row] = await session.query<{ number: string; version: string }>(
    raw(`select current_setting('server_version_num') as number, current_setting('server_version') as version`),
  )
  if (row !== undefined) refuseOldServer(Number(row.number), row.version)
}

export function refuseOldServer(number: number, version: string): void {
  if (number >= OLDEST_SERVER) return
  throw new FreshetError('SERVER_TOO_OLD', `the server is PostgreSQL ${version}; Freshet needs 15 or later`)
}

class PostgresDatabase implements Database {
  readonly #pool: Pool
  readonly #patience: Patience
  readonly #open = new Set<PostgresSession>()
  readonly #sessions = new WeakMap<PoolClient, PostgresSession>()
  #closed: Promise<void> | undefined

  constructor(pool: Pool, patience: Patience) {
    this.#pool = pool
    this.#patience = patience
    // an idle connection broke; the pool has dropped it, and the next borrower gets another
    pool.on('error', () => undefined)
  }

  async session<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const client = await this.#connect()
    const session = this.#sessionOf(client)
    try {
      await session.greeted
      return await work(session)
    } finally {
      session.returned()
      client.release(session.broken)
    }
  }

  query: Database['query'] = (statement, options) => this.session((session) => session.query(statement, options))
  batch: Database['batch'] = (statements, options) => this.session((session) => session.batch(statements, options))
  transaction: Database['transaction'] = (work, options) =>
    this.session((session) => session.transaction(work, options))

  async close(): Promise<void> {
    this.#closed ??= this.#pool.end().then(() => this.#leave())
    await this.#closed
  }

  /** A server that is gone does not say good-bye, and the process would wait for it. */
  #leave(): void {
    for (const session of this.#open) setTimeout(() => session.destroy(), GOOD_BYE_MS).unref()
  }

  async #connect(): Promise<PoolClient> {
    if (this.#closed !== undefined) throw new FreshetError('USAGE', 'the database was closed', { hint: null })
    try {
      return await this.#pool.connect()
    } catch (error) {
      // a connection that can not be made leaves the pool: a full pool means that this was the wait for one
      const { totalCount, options } = this.#pool
      if (totalCount >= options.max) {
        throw new FreshetError('SERVER_OVERLOADED', `all ${options.max} connections of the pool are in use`, {
          hint: 'Raise the pool’s size, or hold connections for a shorter time.',
          cause: error,
        })
      }
      throw fromDriver(error, 'connecting')
    }
  }

  #sessionOf(client: PoolClient): PostgresSession {
    const known = this.#sessions.get(client)
    if (known !== undefined) return known
    const session = new PostgresSession(client, this.#patience)
    this.#sessions.set(client, session)
    this.#open.add(session)
    client.once('end', () => this.#open.delete(session))
    return session
  }
}
