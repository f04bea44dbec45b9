import { connect, type Freshet } from '@freshet/client'
import { createTestDatabase, startServer, type TestDatabase } from '@freshet/testkit'
import type { Report } from './measurement.ts'

/** What a suite gets: a fresh database, Freshet on it, and where to put its figures. */
export interface Bench extends AsyncDisposable {
  readonly database: TestDatabase
  readonly freshet: Freshet
  readonly rows: number
  readonly report: Report
  /** Progress, for people; never on standard output. */
  readonly say: (line: string) => void
  /** Which server, and what decides its speed: to be shown with the figures. */
  readonly server: string
  /** The server's processes run on this machine. */
  readonly local: boolean
}

/** A server as one would run it: durable, with memory. */
const SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: '1GB',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  wal_level: 'logical',
  max_wal_size: '8GB',
  checkpoint_timeout: '15min',
  work_mem: '64MB',
  maintenance_work_mem: '256MB',
  effective_cache_size: '4GB',
  random_page_cost: '1.1',
  max_connections: '100',
}

export interface BenchOptions {
  readonly rows: number
  readonly report: Report
  readonly say: (line: string) => void
}

export async function openBench(options: BenchOptions): Promise<Bench> {
  const given = process.env['FRESHET_BENCH_DATABASE_URL']
  const server = given ? undefined : await startServer({ settings: SETTINGS })
  try {
    const database = await createTestDatabase({ serverUrl: given ?? server?.url ?? '' })
    const freshet = await connect(database.url)
    database.defer(() => freshet.close())
    await freshet.init()
    return {
      ...options,
      database,
      freshet,
      server: await describeServer(database, given ? 'given by FRESHET_BENCH_DATABASE_URL' : 'embedded'),
      local: server !== undefined,
      [Symbol.asyncDispose]: async () => {
        try {
          await database.drop()
        } finally {
          await server?.stop()
        }
      },
    }
  } catch (error) {
    await server?.stop()
    throw error
  }
}

async function describeServer(database: TestDatabase, origin: string): Promise<string> {
  const client = await database.client()
  const { rows } = await client.query<{ name: string; setting: string }>(
    `select name, current_setting(name) as setting from pg_settings
     where name in ('server_version', 'shared_buffers', 'fsync', 'synchronous_commit', 'work_mem', 'jit') order by name`,
  )
  await client.end()
  return `PostgreSQL, ${origin}: ${rows.map(({ name, setting }) => `${name} = ${setting}`).join(', ')}`
}
