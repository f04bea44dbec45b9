import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database, Queryable, TransactionOptions } from '../database.ts'
import { FreshetError, isFreshetError } from '../errors.ts'
import { type Fragment, raw, sql } from '../sql.ts'

/**
 * Ownership of something that outlives a transaction, by a name.
 *
 * A lease ends by the server's clock unless its holder extends it, which it does at half of its life. Then anybody may
 * take it over, with a greater token. Whoever held it may not have noticed (it stood still, or was cut off), so what it
 * writes is fenced: a guarded transaction asks for its token at its end, and from then on until it has committed nobody
 * takes the lease. No clock of a process decides anything; with its own, a holder only knows when it is in doubt.
 *
 * A transaction needs no lease: its locks are the ownership, and the server ends it where its client stands still for as
 * long (`postgres-session.ts`).
 */
export interface Lease {
  readonly name: string
  /** Of two holders of one name the later has the greater. */
  readonly token: string
  /** Aborted as soon as this process knows, or must fear, that the lease has gone to somebody else. */
  readonly lost: AbortSignal
  /** Runs `work` in a transaction that does not commit when somebody else has the lease; throws LEASE_LOST then. */
  guarded<T>(work: (transaction: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** Inside a transaction of one's own: its last statement before it commits. */
  fence(transaction: Queryable): Promise<void>
  /** Gives it up; nobody has to wait for its end. */
  release(): Promise<void>
}

/**
 * - `free`: nobody has it, or its time is over.
 * - `expired`: somebody had it, and its time is over.
 * - `any`: whoever takes it owns the thing already, by a lock of the server's.
 */
export type LeaseCondition = 'free' | 'expired' | 'any'

const CONDITIONS: Readonly<Record<LeaseCondition, Fragment>> = {
  free: raw('l.expires_at <= clock_timestamp()'),
  expired: raw('l.holder is not null and l.expires_at <= clock_timestamp()'),
  any: raw('true'),
}

interface Taken {
  readonly token: string
  readonly durationMs: number
}

/** Takes the lease, or leaves it: null. */
export async function tryLease(
  database: Database,
  name: string,
  condition: LeaseCondition = 'free',
): Promise<Lease | null> {
  const askedAt = performance.now()
  const holder = `${hostname()}:${process.pid}`
  // the token is drawn under the row's lock: of who waited for it, the last gets the greatest
  const take = sql`holder = ${holder}::text, token = nextval('freshet.lease_token'), acquired_at = clock_timestamp(),
    expires_at = clock_timestamp() + freshet.lease_duration()`
  const answer = sql`token::text as token, extract(epoch from freshet.lease_duration())::float8 * 1000 as "durationMs"`
  const [taken] = await database.query<Taken>(
    condition === 'expired'
      ? sql`update freshet.lease l set ${take} where l.name = ${name} and ${CONDITIONS[condition]} returning ${answer}`
      : sql`insert into freshet.lease as l (name, holder, token, expires_at)
          values (${name}, ${holder}::text, nextval('freshet.lease_token'), clock_timestamp() + freshet.lease_duration())
          on conflict (name) do update set ${take} where ${CONDITIONS[condition]} returning ${answer}`,
  )
  return taken === undefined ? null : new HeldLease(database, name, taken, askedAt)
}

/** How long to wait before asking again for a lease that somebody else has: longer each time, and no two the same. */
export function conflictPauseMs(attempt: number, random: number): number {
  const most = Math.min(SHORTEST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS)
  return SHORTEST_PAUSE_MS + random * (most - SHORTEST_PAUSE_MS)
}

const SHORTEST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 500

export interface LeasePatience {
  /** How long to wait for whoever has it. Default 30 seconds. */
  readonly patienceMs?: number
}

/** Waits for the lease, does the work, and gives it up. */
export async function withLease<T>(
  database: Database,
  name: string,
  work: (lease: Lease) => Promise<T>,
  { patienceMs = 30_000 }: LeasePatience = {},
): Promise<T> {
  const lease = await acquireLease(database, name, performance.now() + patienceMs)
  try {
    return await work(lease)
  } finally {
    await lease.release()
  }
}

async function acquireLease(database: Database, name: string, end: number): Promise<Lease> {
  for (let attempt = 1; ; attempt++) {
    const lease = await tryLease(database, name)
    if (lease !== null) return lease
    if (performance.now() >= end) {
      const [held] = await database.query<{ holder: string }>(
        sql`select holder from freshet.lease where name = ${name} and holder is not null`,
      )
      throw new FreshetError('LOCK_TIMEOUT', `the lease ${name} is held by ${held?.holder ?? 'somebody else'}`, {
        hint: 'Try again when its holder is done; of one that stands still it ends by itself.',
      })
    }
    await sleep(conflictPauseMs(attempt, Math.random()))
  }
}

class HeldLease implements Lease {
  readonly name: string
  readonly token: string
  readonly #database: Database
  readonly #durationMs: number
  readonly #lost = new AbortController()
  #extension: NodeJS.Timeout | undefined
  #doubt: NodeJS.Timeout | undefined
  #extending: Promise<void> | undefined
  #released = false

  constructor(database: Database, name: string, { token, durationMs }: Taken, askedAt: number) {
    this.#database = database
    this.name = name
    this.token = token
    this.#durationMs = durationMs
    this.#trust(askedAt)
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  guarded<T>(work: (transaction: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.#database.transaction(async (transaction) => {
      const result = await work(transaction)
      await this.fence(transaction)
      return result
    }, options)
  }

  async fence(transaction: Queryable): Promise<void> {
    try {
      await transaction.query(sql`select freshet.fence(${this.name}, ${this.token})`, { prepared: true })
    } catch (error) {
      if (isFreshetError(error, 'LEASE_LOST')) this.#lose()
      throw error
    }
  }

  async release(): Promise<void> {
    if (this.#released) return
    this.#released = true
    this.#stop()
    await this.#extending
    try {
      // another token, so that nothing that is still under way commits
      await this.#database.query(sql`
        update freshet.lease set holder = null, token = nextval('freshet.lease_token'), expires_at = clock_timestamp()
        where name = ${this.name} and token = ${this.token}`)
    } catch (error) {
      // then it ends by itself
      if (!isFreshetError(error) || error.retry !== 'reconnect') throw error
    }
  }

  /** The server counted from a moment after `askedAt`. */
  #trust(askedAt: number): void {
    this.#stop()
    if (this.#released || this.#lost.signal.aborted) return
    this.#extendIn(this.#durationMs / 2)
    this.#doubt = setTimeout(() => this.#lose(), Math.max(askedAt + this.#durationMs - performance.now(), 0))
    this.#doubt.unref()
  }

  #extendIn(ms: number): void {
    this.#extension = setTimeout(() => {
      this.#extending = this.#extend().finally(() => (this.#extending = undefined))
    }, ms)
    this.#extension.unref()
  }

  async #extend(): Promise<void> {
    const askedAt = performance.now()
    try {
      const extended = await this.#database.query(
        sql`update freshet.lease set expires_at = clock_timestamp() + freshet.lease_duration()
          where name = ${this.name} and token = ${this.token} returning 1`,
        { prepared: true },
      )
      if (extended.length === 0) this.#lose()
      else this.#trust(askedAt)
    } catch (error) {
      const passes = isFreshetError(error) && (error.retry === 'reconnect' || error.retry === 'retry')
      if (!passes) this.#lose()
      else if (!this.#released) this.#extendIn(Math.min(conflictPauseMs(1, Math.random()), this.#durationMs / 10))
    }
  }

  #stop(): void {
    clearTimeout(this.#extension)
    clearTimeout(this.#doubt)
  }

  #lose(): void {
    this.#stop()
    if (!this.#released) this.#lost.abort()
  }
}
