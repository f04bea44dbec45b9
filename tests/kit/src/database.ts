import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Database, migrate } from '@freshet/core'
import pg from 'pg'

/**
 * A database for one test, with Freshet's schemas, dropped at the end. (A template would save a tenth of a second,
 * and would make every test database look like a restored dump of another.) Dropping checks that the test left nothing
 * behind that would outlive it in production: connections, replication slots, prepared transactions.
 */
export interface TestDatabase extends AsyncDisposable {
  readonly name: string
  readonly url: string
  /** Freshet's own port, over a pool. Closed when the database is dropped. */
  readonly database: Database
  /** A connection of its own, for tests that hold transactions open. Closed when the database is dropped. */
  client(settings?: ClientSettings): Promise<pg.Client>
  /** Runs when the database is dropped, before leaks are looked for; the last one given runs first. */
  defer(cleanUp: () => Promise<void>): void
  /** Throws, after dropping, when something leaked. */
  drop(): Promise<void>
}

export interface ClientSettings {
  readonly user?: string
  readonly password?: string
}

export interface TestDatabaseOptions {
  /** Of the server; FRESHET_TEST_DATABASE_URL when left out. */
  readonly serverUrl?: string
  /** Whether Freshet's schemas are installed; they are unless this is false. */
  readonly migrated?: boolean
}

let counter = 0

export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const serverUrl = options.serverUrl ?? process.env['FRESHET_TEST_DATABASE_URL']
  if (!serverUrl) throw new Error('FRESHET_TEST_DATABASE_URL is not set: run this under the `postgres` test project')
  const name = `freshet_test_${process.pid}_${++counter}_${Math.random().toString(36).slice(2, 8)}`
  await onServer(serverUrl, (server) => server.query(`create database ${name}`))

  const url = withDatabase(serverUrl, name)
  const database = await connect({ url, applicationName: 'freshet-test' })
  if (options.migrated !== false) await migrate(database)
  const clients: pg.Client[] = []
  const deferred: (() => Promise<void>)[] = []
  let dropped: Promise<void> | undefined
  const drop = () =>
    (dropped ??= (async () => {
      for (const cleanUp of deferred.reverse()) await cleanUp()
      await Promise.all([database.close(), ...clients.map((client) => client.end())])
      const leaks = await onServer(serverUrl, (server) => dropAndReport(server, name, serverUrl))
      if (leaks.length > 0) throw new Error(`the test left behind: ${leaks.join('; ')}`)
    })())
  return {
    name,
    url,
    database,
    client: async (settings = {}) => {
      // in the address: the driver lets what stands there win
      const target = new URL(url)
      if (settings.user !== undefined) target.username = encodeURIComponent(settings.user)
      if (settings.password !== undefined) target.password = encodeURIComponent(settings.password)
      const client = new pg.Client(connection(target.toString()))
      client.on('error', () => undefined) // a connection that the test ends by force is the test's matter
      clients.push(client)
      await client.connect()
      return client
    },
    defer: (cleanUp) => void deferred.push(cleanUp),
    drop,
    [Symbol.asyncDispose]: drop,
  }
}

/** Finds what leaked, removes it, drops the database. */
async function dropAndReport(server: pg.Client, name: string, serverUrl: string): Promise<string[]> {
  const leaks = await leakedConnections(server, name)
  const slots = await server.query<{ slot_name: string; active_pid: number | null }>(
    'select slot_name, active_pid from pg_replication_slots where database = $1',
    [name],
  )
  for (const { slot_name: slot, active_pid: pid } of slots.rows) {
    leaks.push(`replication slot ${slot}`)
    if (pid !== null) await server.query('select pg_terminate_backend($1, 5000)', [pid])
    await server.query('select pg_drop_replication_slot($1)', [slot])
  }
  const prepared = await server.query<{ gid: string }>('select gid from pg_prepared_xacts where database = $1', [name])
  if (prepared.rows.length > 0) {
    await onServer(withDatabase(serverUrl, name), async (inside) => {
      for (const { gid } of prepared.rows) {
        leaks.push(`prepared transaction ${gid}`)
        await inside.query(`rollback prepared ${inside.escapeLiteral(gid)}`)
      }
    })
  }
  await server.query(`drop database ${name} with (force)`)
  return leaks
}

/** A closed connection's backend takes a moment to end: what is still there after two seconds has leaked. */
async function leakedConnections(server: pg.Client, name: string): Promise<string[]> {
  for (let waited = 0; ; waited += 20) {
    const { rows } = await server.query<{ pid: number; application_name: string; state: string; query: string }>(
      `select pid, application_name, state, query from pg_stat_activity
       where datname = $1 and backend_type in ('client backend', 'walsender')`,
      [name],
    )
    if (rows.length === 0) return []
    if (waited >= 2_000) {
      return rows.map((row) => `connection ${row.pid} ${row.application_name} (${row.state}): ${row.query}`)
    }
    await sleep(20)
  }
}

async function onServer<T>(url: string, work: (server: pg.Client) => Promise<T>): Promise<T> {
  const server = new pg.Client(connection(url))
  await server.connect()
  try {
    return await work(server)
  } finally {
    await server.end()
  }
}

function connection(url: string): pg.ClientConfig {
  return { connectionString: url, application_name: 'freshet-testkit' }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.toString()
}
