import { connect, type Database, migrate } from '@freshet/core'
import pg from 'pg'
import { type Cluster, lastOf } from './cluster.ts'

/**
 * A database on every node of the test cluster, its tables distributed over the workers; dropped at the end, after a look
 * for what would outlive a test in production: prepared transactions, replication slots.
 */
export interface ClusterDatabase extends AsyncDisposable {
  readonly name: string
  /** On the coordinator. */
  readonly url: string
  /** On each worker, in the order of the nodes. */
  readonly workerUrls: readonly string[]
  /** Over a pool to the coordinator. Closed when the database is dropped. */
  readonly database: Database
  /** A connection of its own, to the coordinator or to another node. Closed when the database is dropped. */
  client(url?: string): Promise<pg.Client>
  /** Runs when the database is dropped, before anything else; the last one given runs first. */
  defer(cleanUp: () => Promise<void>): void
  drop(): Promise<void>
}

/** Of the coordinator first; null where this machine has no Citus. */
export function clusterUrls(): readonly string[] | null {
  const urls = process.env['FRESHET_TEST_CITUS_URLS']
  return urls ? urls.split(' ') : null
}

export interface ClusterDatabaseOptions {
  /** Whether Freshet's schemas are installed; they are unless this is false. */
  readonly migrated?: boolean
  /** Of each table that is distributed without saying how many. */
  readonly shards?: number
  /** Another cluster than the one of the test project. */
  readonly cluster?: Cluster
}

/** Of the maintenance databases, the coordinator's first. */
export function urlsOf({ coordinator, workers }: Cluster): readonly string[] {
  return [coordinator, ...workers].map(({ url }) => url)
}

let counter = 0

export async function createClusterDatabase(options: ClusterDatabaseOptions = {}): Promise<ClusterDatabase> {
  const urls = options.cluster === undefined ? clusterUrls() : urlsOf(options.cluster)
  if (urls === null) throw new Error('there is no cluster: run this under the `citus` test project')
  const name = `freshet_citus_${process.pid}_${++counter}_${Math.random().toString(36).slice(2, 8)}`
  for (const url of urls) await on(url, (server) => server.query(`create database ${name}`))
  const [url = '', ...workerUrls] = urls.map((each) => withDatabase(each, name))
  for (const node of [url, ...workerUrls]) await on(node, (inside) => inside.query('create extension citus'))
  // the coordinator holds reference tables, and no shards of others
  await on(url, (inside) => inside.query(`select citus_set_coordinator_host('127.0.0.1', $1)`, [portOf(url)]))
  for (const worker of workerUrls) {
    const add = () => on(url, (inside) => inside.query(`select citus_add_node('127.0.0.1', $1)`, [portOf(worker)]))
    await add().catch(async (error: unknown) => {
      // seen once in some thousand: Citus lost its connection to a server that went on
      process.stderr.write(`ADDED AGAIN: a node of ${name} (${String(error)}):\n${await saidBy(urls, name)}\n`)
      await add()
    })
  }
  await on(url, (inside) => inside.query(`alter database ${name} set citus.shard_count = ${options.shards ?? 8}`))
  const database = await connect({ url, applicationName: 'freshet-test' })
  if (options.migrated !== false) await migrate(database)
  const clients: pg.Client[] = []
  const deferred: (() => Promise<void>)[] = []
  let dropped: Promise<void> | undefined
  const drop = () =>
    (dropped ??= (async () => {
      for (const cleanUp of deferred.reverse()) await cleanUp()
      await Promise.all([database.close(), ...clients.map((client) => client.end())])
      const leaks: string[] = []
      for (const node of urls) leaks.push(...(await on(node, (server) => dropAndReport(server, name, node))))
      if (leaks.length > 0) throw new Error(`the test left behind: ${leaks.join('; ')}`)
    })())
  return {
    name,
    url,
    workerUrls,
    database,
    client: async (to = url) => {
      const client = new pg.Client({ connectionString: to, application_name: 'freshet-testkit' })
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

/** What the servers printed of a database. */
async function saidBy(urls: readonly string[], name: string): Promise<string> {
  const said: string[] = []
  for (const url of urls) {
    const { rows } = await on(url, (server) => server.query<{ data_directory: string }>('show data_directory'))
    said.push(`${new URL(url).host}:`, await lastOf(rows[0]?.data_directory ?? '', name))
  }
  return said.join('\n')
}

async function dropAndReport(server: pg.Client, name: string, url: string): Promise<string[]> {
  const found = await server.query<{ what: string }>(
    `select 'replication slot ' || slot_name || ' on ' || $2 as what from pg_replication_slots where database = $1
     union all select 'prepared transaction ' || gid || ' on ' || $2 from pg_prepared_xacts where database = $1`,
    [name, new URL(url).host],
  )
  if (found.rows.length === 0) await server.query(`drop database ${name} with (force)`)
  return found.rows.map(({ what }) => what)
}

async function on<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'freshet-testkit' })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port)
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.toString()
}
