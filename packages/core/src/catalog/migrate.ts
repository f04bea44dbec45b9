import type { Database, Queryable } from '../database.ts'
import { FreshetError, isFreshetError } from '../errors.ts'
import { CATALOG_SCHEMA, CHANGES_SCHEMA } from '../names.ts'
import { quoteIdentifier, raw, sql } from '../sql.ts'
import { adoptCluster, isInstalledHere } from './installation.ts'
import { type Migration, shippedMigrations } from './migrations.ts'

/**
 * Brings Freshet's schemas to this version.
 *
 * - A migration and its record commit in one transaction, so a run that dies leaves whole migrations only, and the
 *   next run goes on.
 * - Every such transaction starts with one advisory lock, so concurrent starters take turns and each sees what the
 *   others have done.
 * - A schema that is current is only read: a role without the right to create can run this.
 */
export interface MigrationReport {
  /** Names of the migrations that this call applied. */
  readonly applied: readonly string[]
  readonly schemaVersion: number
}

type SchemaState =
  | { readonly kind: 'current'; readonly version: number }
  | { readonly kind: 'absent' }
  | { readonly kind: 'outdated'; readonly version: number; readonly pending: readonly Migration[] }
  /** `unknown` are the breaking migrations that this program does not have. */
  | { readonly kind: 'newer'; readonly version: number; readonly unknown: readonly string[] }

/** Any two programs that migrate one database must use the same key. */
const LOCK_KEY = '5059423661430661'

export async function migrate(database: Database, migrations?: readonly Migration[]): Promise<MigrationReport> {
  const shipped = migrations ?? (await shippedMigrations())
  const applied: string[] = []
  for (;;) {
    const state = await schemaState(database, shipped)
    if (state.kind === 'newer') throw newer(state)
    if (state.kind === 'current') {
      if (!(await isInstalledHere(database))) await database.transaction(adoptCluster)
      return { applied, schemaVersion: state.version }
    }
    const name = await explainingPrivileges(database, () =>
      database.transaction((transaction) => applyNext(transaction, shipped)),
    )
    if (name !== null) applied.push(name)
  }
}

/** Throws unless this program can work with the schema of the database; returns the schema's version. */
export async function requireSchema(database: Queryable, migrations?: readonly Migration[]): Promise<number> {
  const state = await schemaState(database, migrations ?? (await shippedMigrations()))
  switch (state.kind) {
    case 'current':
      return state.version
    case 'absent':
      throw new FreshetError('NOT_INSTALLED', 'Freshet is not installed in this database')
    case 'outdated':
      throw new FreshetError(
        'SCHEMA_OUTDATED',
        `Freshet’s schema has version ${state.version} and lacks what this program needs`,
        {
          detail: `Missing migrations: ${state.pending.map((migration) => migration.name).join(', ')}.`,
        },
      )
    case 'newer':
      throw newer(state)
  }
}

async function schemaState(database: Queryable, migrations: readonly Migration[]): Promise<SchemaState> {
  const [found] = await database.query<{ present: boolean }>(
    sql`select to_regclass(${`${CATALOG_SCHEMA}.migration`}) is not null as present`,
  )
  if (found?.present !== true) return { kind: 'absent' }
  const records = await database.query<{ number: number; name: string; breaking: boolean }>(
    raw('select number, name, breaking from freshet.migration order by number'),
  )
  const known = new Set(migrations.map((migration) => migration.number))
  const version = records.at(-1)?.number ?? 0
  const unknown = records.filter((record) => record.breaking && !known.has(record.number)).map((record) => record.name)
  if (unknown.length > 0) return { kind: 'newer', version, unknown }
  const pending = migrations.filter((migration) => !records.some((record) => record.number === migration.number))
  return pending.length > 0 ? { kind: 'outdated', version, pending } : { kind: 'current', version }
}

/** Applies the first migration that is missing; null when somebody else was faster. */
async function applyNext(transaction: Queryable, migrations: readonly Migration[]): Promise<string | null> {
  await transaction.query(raw(`select pg_advisory_xact_lock(${LOCK_KEY})`))
  // creating a schema that exists asks for the right to create it
  for (const schema of [CATALOG_SCHEMA, CHANGES_SCHEMA]) {
    const [found] = await transaction.query<{ present: boolean }>(
      sql`select to_regnamespace(${schema}) is not null as present`,
    )
    if (found?.present !== true) await transaction.query(raw(`create schema ${quoteIdentifier(schema)}`))
  }
  await transaction.query(raw(MIGRATION_TABLE))
  const state = await schemaState(transaction, migrations)
  const next = state.kind === 'outdated' ? state.pending[0] : undefined
  if (next === undefined) return null
  await transaction.query(raw(next.script))
  await transaction.query(
    sql`insert into freshet.migration (number, name, breaking) values (${next.number}, ${next.name}, ${next.breaking})`,
  )
  return next.name
}

const MIGRATION_TABLE = `create table if not exists freshet.migration (
  number int primary key,
  name text not null,
  breaking boolean not null,
  applied_at timestamptz not null default clock_timestamp()
)`

async function explainingPrivileges<T>(database: Queryable, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isFreshetError(error, 'INSUFFICIENT_PRIVILEGE')) throw error
    const [role] = await database.query<{ grantee: string; database: string }>(
      raw('select quote_ident(current_user) as grantee, quote_ident(current_database()) as database'),
    )
    throw new FreshetError('INSUFFICIENT_PRIVILEGE', `Freshet’s schema can not be installed: ${error.message}`, {
      hint: `As the database’s owner: grant create on database ${role?.database ?? '…'} to ${role?.grantee ?? '…'};`,
      sqlState: error.sqlState,
      cause: error,
    })
  }
}

function newer(state: { readonly version: number; readonly unknown: readonly string[] }): FreshetError {
  return new FreshetError(
    'SCHEMA_NEWER',
    `Freshet’s schema has version ${state.version}, which is newer than this program`,
    {
      detail: `Breaking migrations that it does not know: ${state.unknown.join(', ')}.`,
    },
  )
}
