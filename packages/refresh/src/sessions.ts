import { isDeepStrictEqual } from 'node:util'
import {
  bufferTable,
  type Database,
  type Fragment,
  FreshetError,
  GIVE_WAY,
  identifier,
  isFreshetError,
  join,
  type Queryable,
  raw,
  type Session,
  type Sql,
  sql,
  type Transacted,
  type TransactionOptions,
} from '@freshet/core'
import type { StoredPlan } from './definition.ts'
import { sessionSettings } from './resolve/resolve.ts'
import { calledIn, type SourceTable, sourceTables, sourceTablesStatement } from './source-tables.ts'

/**
 * A query means what it meant when its table was created: the settings of then (time zone, formats, …) hold whenever
 * it runs. Where the connection has them anyway, which is the rule, nothing is sent; behind a pooler nobody knows which
 * connection it will be.
 */
const known = new WeakMap<object, Promise<Readonly<Record<string, string>>>>()

export async function differing(
  session: Pick<Session, 'identity' | 'pooled' | keyof Queryable>,
  settings: Readonly<Record<string, string>>,
): Promise<readonly (readonly [string, string])[]> {
  if (session.pooled) return Object.entries(settings)
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
async function transactionWith<T>(
  database: Database,
  settings: Readonly<Record<string, string>>,
  work: Transacted<T>,
  options: TransactionOptions,
): Promise<T> {
  return database.session(async (session) => {
    const changes = await differing(session, settings)
    return session.transaction(async (transaction, opened) => {
      await applySettings(transaction, [...changes, ALL_ROWS])
      return work(transaction, opened)
    }, options)
  })
}

/**
 * One transaction in which the plan’s query is run in a single snapshot. Its sources are locked, as by any reader,
 * before that snapshot is taken: to a snapshot that is older, a table that was truncated or written anew since (a column
 * with another type, or with a volatile default) looks empty. So what the snapshot sees is also what the tables hold.
 *
 * Whoever alters a source comes first: locks are given up soon, before the server would look for a deadlock.
 *
 * `asking`: what is to be known first, answered in the round trip of the locks.
 */
export async function oneSnapshot<T>(
  database: Database,
  {
    settings,
    plan: { sources },
    own = [],
    asking = [],
  }: {
    readonly settings: Readonly<Record<string, string>>
    readonly plan: Pick<StoredPlan, 'sources'>
    /** Of the stream tables that it brings to this snapshot, those whose rows are on other nodes. */
    readonly own?: readonly { readonly schema: string; readonly table: string }[]
    readonly asking?: readonly Sql[]
  },
  work: Transacted<T>,
): Promise<T> {
  const called = calledIn(database)
  return database.session(async (session) => {
    const changes = await differing(session, settings)
    let begun = false
    const locking = (tables: readonly SourceTable[]) => {
      const locks = [...lockedAsReader(tables, own), settingsStatement([...changes, ALL_ROWS])]
      const opening = [...locks, sourceTablesStatement(sources), ...asking]
      const locked: Transacted<T> = async (transaction, opened) => {
        const [now = [], ...answers] = opened.slice(locks.length)
        if (!isDeepStrictEqual(now, tables)) throw new CalledOtherwise()
        called.remember(sources, tables)
        begun = true
        return work(transaction, answers)
      }
      return session.transaction(locked, { isolation: 'repeatable read', opening })
    }
    const then = called.take(sources)
    if (then !== null) {
      try {
        return await locking(then)
      } catch (error) {
        if (begun || !isOfNames(error)) throw error
      }
    }
    return locking(await sourceTables(session, sources))
  })
}

/** The sources were renamed, or are captured in another way, since it was asked how they are called. */
class CalledOtherwise extends FreshetError {
  constructor() {
    super('TRANSACTION_CONFLICT', 'a source was renamed meanwhile')
  }
}

/** Or nothing is called so any more. */
function isOfNames(error: unknown): boolean {
  return error instanceof CalledOtherwise || (isFreshetError(error) && GONE.has(error.sqlState ?? ''))
}

const GONE = new Set(['42P01', '3F000'])

/** To be the first of a transaction; none of them takes a snapshot. */
export function lockedAsReader(
  tables: readonly SourceTable[],
  own: readonly { readonly schema: string; readonly table: string }[] = [],
): readonly Sql[] {
  const names = tables.map(({ schema, table }) => identifier(schema, table))
  const spread = tables.filter(({ placed }) => placed)
  const collected = spread.flatMap(({ stableName, capture }) =>
    stableName === null || capture === 'refresh' ? [] : [bufferTable(stableName)],
  )
  const turns = [...spread.filter(({ capture }) => capture === 'refresh'), ...own]
  return [
    GIVE_WAY,
    ...(collected.length + turns.length === 0 ? [] : takingTurns(turns, collected)),
    ...(names.length === 0 ? [] : [sql`lock table ${join(names)} in access share mode`]),
  ]
}

/**
 * Whoever collects changes from other nodes, or writes to a stream table there, comes alone until its transaction has
 * ended on all of them. The sources are
 * locked here only: the other nodes would take snapshots for it, and whoever truncates a table locks it here as well.
 */
export function takingTurns(
  streamTables: readonly { readonly schema: string; readonly table: string }[],
  collected: readonly Fragment[] = [],
): readonly Sql[] {
  const tables = [...collected, ...streamTables.map(({ schema, table }) => identifier(schema, table))]
  return [
    // what a transaction holds that a worker has prepared and not ended is not waited for there either
    sql`set local citus.propagate_set_commands to 'local'`,
    GIVE_WAY,
    sql`set local citus.enable_ddl_propagation to off`,
    sql`lock table ${join(tables)} in share update exclusive mode`,
  ]
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
