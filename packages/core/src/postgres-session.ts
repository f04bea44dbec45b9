import type { PoolClient, QueryResult } from 'pg'
import type { Isolation, Notice, QueryOptions, Session, Transacted, TransactionOptions } from './database.ts'
import { FreshetError } from './errors.ts'
import { fromDriver } from './postgres-error.ts'
import { type PreparedStatements, preparedStatements } from './prepared-statements.ts'
import { LEASE_DURATION } from './lease-duration.ts'
import { answered, type Patience, type Watched, watchedConnection } from './silence.ts'
import { identifier, raw, sql, type Sql } from './sql.ts'

/**
 * One connection of the pool behind the `Session` port. It lives as long as the physical connection.
 *
 * It finds out by itself whether a server is at its other end or a pooler, which tells its clients of a process that is not
 * the one that answers. Behind a pooler it sends nothing that outlives a transaction.
 */
export class PostgresSession implements Session {
  readonly #client: PoolClient
  readonly #patience: Patience
  readonly #watched: Watched
  readonly #prepared: PreparedStatements = preparedStatements()
  /** When the last prepared statement was. */
  #answeredAt = 0
  readonly #listeners = new Set<(notice: Notice) => void>()
  readonly #heard = new Map<string, (payload: string) => void>()
  #broken: Error | undefined
  #inTransaction = false
  #pooled = false
  /** How long a transaction of it may stand still; null where the server has a limit of its own. */
  #stillMs: number | null = null
  /** What it is to know of the other end, it knows. */
  readonly greeted: Promise<void>

  constructor(client: PoolClient, patience: Patience) {
    this.#client = client
    this.#patience = patience
    client.on('error', (error) => {
      this.#broken = error
    })
    client.on('notice', ({ severity, message }) => {
      for (const listener of this.#listeners) listener({ severity: severity ?? 'NOTICE', message: message ?? '' })
    })
    client.on('notification', ({ channel, payload }) => this.#heard.get(channel)?.(payload ?? ''))
    const watched = watchedConnection(client)
    this.#watched = watched
    this.greeted = this.#answered(client.query<Greeted>(greeting(watched.pid))).then(
      ({ rows: [other] }) => {
        this.#stillMs = other?.stillMs ?? null
        if (other?.direct === true) return
        this.#pooled = true
        // of the process that it was told nothing can be asked
        watched.pid = null
      },
      () => undefined, // whoever has borrowed the connection hears of it as well
    )
  }

  get identity(): object {
    return this.#client
  }

  get pooled(): boolean {
    return this.#pooled
  }

  /** Set when the connection must not be used again. */
  get broken(): Error | undefined {
    return this.#broken
  }

  async query<Row = Record<string, unknown>>(statement: Sql, options: QueryOptions = {}): Promise<Row[]> {
    try {
      return rowsOf(await this.#answered(this.#names(options) ? this.#sendPrepared(statement) : this.#send(statement)))
    } catch (error) {
      if (this.#names(options)) this.#prepared.forget(statement.text)
      throw this.#failure(error)
    }
  }

  async batch(statements: readonly Sql[], options: QueryOptions = {}): Promise<Record<string, unknown>[][]> {
    if (statements.length === 0) return []
    const named = this.#names(options)
    const send = (statement: Sql) => (named ? this.#sendNamed(statement) : this.#send(statement))
    // outside a transaction, the batch is one: otherwise what follows an error would still run
    const framed = !this.#inTransaction && statements.length > 1
    const begin = framed ? this.#begin('begin') : []
    const all = [...begin, ...statements.map(send), ...(framed ? [this.#send(raw('commit'))] : [])]
    if (named) this.#deallocateRetired()
    const results = await this.#answered(Promise.allSettled(all))
    // a commit that was canceled before it began has ended nothing
    if (framed && results.at(-1)?.status === 'rejected') await this.#rollback()
    const rows: Record<string, unknown>[][] = []
    for (const result of results) {
      if (result.status === 'rejected') {
        for (const { text } of statements) this.#prepared.forget(text)
        throw this.#failure(result.reason)
      }
      rows.push(rowsOf(result.value))
    }
    return framed ? rows.slice(begin.length, -1) : rows
  }

  async transaction<T>(work: Transacted<T>, options: TransactionOptions = {}): Promise<T> {
    if (this.#inTransaction) throw new FreshetError('INTERNAL', 'a transaction is open on this session already')
    const begun = this.#answered(Promise.all(this.#begin(beginText(options))))
    this.#inTransaction = true
    const opened = this.batch(options.opening ?? [], { prepared: true })
    try {
      await begun.catch((error: unknown) => {
        throw this.#failure(error)
      })
      const result = await work(this, await opened)
      await this.#commit()
      return result
    } catch (error) {
      // what followed a BEGIN that failed has failed as well, or was outside any transaction and changed nothing
      await Promise.allSettled([opened])
      await this.#rollback()
      throw error
    } finally {
      this.#inTransaction = false
    }
  }

  notices(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  async listen(channel: string, heard: (payload: string) => void): Promise<void> {
    if (this.#pooled) return
    this.#heard.set(channel, heard)
    await this.query(sql`listen ${identifier(channel)}`)
  }

  /** Ends the connection without a word. */
  destroy(): void {
    this.#watched.destroy()
  }

  #answered<T>(answer: Promise<T>): Promise<T> {
    return answered(answer, this.#watched, this.#patience)
  }

  /** Forgets what belongs to the borrower. */
  returned(): void {
    this.#listeners.clear()
    if (this.#heard.size === 0) return
    this.#heard.clear()
    // whoever has it next would be told; where this fails, the connection is broken and nobody has it
    this.query(raw('unlisten *')).catch((error: unknown) => {
      this.#broken ??= error instanceof Error ? error : new Error(String(error))
    })
  }

  /** The server answers COMMIT of a failed transaction with a rollback, and no error. */
  async #commit(): Promise<void> {
    const { command } = await this.#answered(this.#client.query('commit')).catch((error: unknown) => {
      throw this.#failure(error)
    })
    if (command === 'COMMIT') return
    throw new FreshetError('QUERY_FAILED', 'the transaction was rolled back: a statement in it had failed', {
      detail: 'The error was caught inside the transaction.',
    })
  }

  async #rollback(): Promise<void> {
    if (this.#broken !== undefined) return
    try {
      await this.#answered(this.#client.query('rollback'))
    } catch (error) {
      // its state is unknown: never lend this connection again
      this.#broken ??= error instanceof Error ? error : new Error(String(error))
    }
  }

  /** What a connection to the server has for good, behind a pooler each transaction says for itself. */
  #begin(text: string): Promise<QueryResult>[] {
    const limited = this.#pooled && this.#stillMs !== null
    const limit = `set local idle_in_transaction_session_timeout = ${this.#stillMs}`
    return [this.#send(raw(text)), ...(limited ? [this.#send(raw(limit))] : [])]
  }

  #names(options: QueryOptions): boolean {
    return options.prepared === true && !this.#pooled
  }

  #send(statement: Sql): Promise<QueryResult> {
    return this.#client.query(statement.text, [...statement.values])
  }

  #sendPrepared(statement: Sql): Promise<QueryResult> {
    const result = this.#sendNamed(statement)
    this.#deallocateRetired()
    return result
  }

  #sendNamed(statement: Sql): Promise<QueryResult> {
    const { text } = statement
    const name = this.#prepared.nameOf(text)
    const sentAt = performance.now()
    const answer = this.#client.query({ name, text, values: [...statement.values] })
    // sent together, they are run one after the other
    answer.then(
      () => {
        const began = Math.max(sentAt, this.#answeredAt)
        this.#answeredAt = performance.now()
        this.#prepared.took(text, name, this.#answeredAt - began)
      },
      () => undefined, // whoever sent it hears of it
    )
    return answer
  }

  /** Never inside a transaction: a name that the server does not know, its statement having failed, would abort it. */
  #deallocateRetired(): void {
    if (!this.#inTransaction) for (const old of this.#prepared.retired()) this.#deallocate(old)
  }

  #deallocate(name: string): void {
    this.#client.query(`deallocate ${name}`).then(
      () => forgetParsed(this.#client, name),
      (error: unknown) => {
        if (this.#failure(error).sqlState === UNKNOWN_STATEMENT) forgetParsed(this.#client, name)
        else this.#prepared.retire([name])
      },
    )
  }

  #failure(error: unknown): FreshetError {
    const failure = fromDriver(error, this.#broken === undefined ? 'connected' : 'broken')
    if (failure.retry === 'reconnect' && failure.code === 'CONNECTION_LOST') this.#broken ??= failure
    return failure
  }
}

/**
 * A process of Freshet that is gone, its host with it, leaves a session behind that holds its locks. The server is to
 * notice: in two minutes where nothing runs, in ten seconds where a statement does. One that stands still is there: what it
 * has begun in a transaction and does not go on with is ended, and its locks with it, after as long as a lease lasts.
 */
function greeting(pid: number | null): string {
  const direct = pid === null ? 'false' : `pg_backend_pid() = ${pid}`
  const still = `current_setting('idle_in_transaction_session_timeout') = '0'`
  const stillMs = `(extract(epoch from ${LEASE_DURATION}) * 1000)::int`
  return `select ${direct} as direct, case when ${still} then ${stillMs} end as "stillMs",
    case when ${direct} then row(
      case when ${still} then set_config('idle_in_transaction_session_timeout', ${stillMs}::text, false) end,
      set_config('tcp_keepalives_idle', '60', false), set_config('tcp_keepalives_interval', '10', false),
      set_config('tcp_keepalives_count', '6', false),
      case when version() ~ '(linux|darwin)' then set_config('client_connection_check_interval', '10s', false) end
    ) end`
}

interface Greeted {
  readonly direct: boolean
  readonly stillMs: number | null
}

const UNKNOWN_STATEMENT = '26000'

/** A script of several statements gives several results; the last one counts. */
function rowsOf<Row>(result: QueryResult | QueryResult[]): Row[] {
  const last: { rows?: Row[] } | undefined = Array.isArray(result) ? result.at(-1) : result
  return last?.rows ?? []
}

function beginText(options: TransactionOptions): string {
  const isolation: Isolation = options.isolation ?? 'read committed'
  return `begin isolation level ${isolation}, ${options.readOnly === true ? 'read only' : 'read write'}`
}

/** The driver remembers the text of every name for ever; names that are gone would pile up. */
function forgetParsed(client: object, name: string): void {
  if (!('connection' in client) || typeof client.connection !== 'object' || client.connection === null) return
  for (const key of ['parsedStatements', 'submittedNamedStatements']) {
    const names: unknown = Reflect.get(client.connection, key)
    if (typeof names === 'object' && names !== null) Reflect.deleteProperty(names, name)
  }
}
