import type { Database, Queryable, Session, Sql, TransactionOptions } from '@freshet/core'
import { raw, sql } from '@freshet/core'
import { sessionSettings } from './resolve/resolve.ts'

/**
 * A query means what it meant when its table was created: the settings of then (time zone, formats, …) hold whenever
 * it runs. Where the connection has them anyway, which is the rule, nothing is sent.
 */
const known = new WeakMap<object, Promise<Readonly<Record<string, string>>>>()

export async function differing(
  session: Session,
  settings: Readonly<Record<string, string>>,
): Promise<readonly (readonly [string, string])[]> {
  let own = known.get(session.identity)
  if (own === undefined) {
    own = sessionSettings(session)
    known.set(session.identity, own)
  }
  const current = await own.catch((error: unknown) => {
    known.delete(session.identity)
    throw error
  })
  return Object.entries(settings).filter(([name, value]) => current[name] !== value)
}

async function applySettings(transaction: Queryable, settings: readonly (readonly [string, string])[]): Promise<void> {
  if (settings.length > 0) await transaction.query(settingsStatement(settings), { prepared: true })
}

/** For the rest of the transaction. */
export function settingsStatement(settings: readonly (readonly [string, string])[]): Sql {
  const names = settings.map(([name]) => name)
  const values = settings.map(([, value]) => value)
  return sql`select set_config(name, value, true) from unnest(${names}::text[], ${values}::text[]) as s(name, value)`
}

/** One transaction under the settings of a stream table. */
export async function transactionWith<T>(
  database: Database,
  settings: Readonly<Record<string, string>>,
  work: (transaction: Queryable) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  return database.session(async (session) => {
    const changes = await differing(session, settings)
    return session.transaction(async (transaction) => {
      await applySettings(transaction, [...changes, ALL_ROWS])
      return work(transaction)
    }, options)
  })
}

/** A policy that would hide rows is an error; see `resolve/row-security.ts`. */
export const ALL_ROWS = ['row_security', 'off'] as const

/** The same database, whose transactions run under these settings. */
export function withSettings(database: Database, settings: Readonly<Record<string, string>>): Database {
  return {
    query: (statement, options) => database.query(statement, options),
    batch: (statements, options) => database.batch(statements, options),
    session: (work) => database.session(work),
    transaction: (work, options) => transactionWith(database, settings, work, options ?? {}),
    close: () => database.close(),
  }
}

/** For hash tables over whole tables, in this transaction; never less than the server would give. An expression. */
export const ENOUGH_MEMORY = raw(
  `case when pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('64MB') then set_config('work_mem', '64MB', true) end`,
)
