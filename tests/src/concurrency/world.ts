import { connect, type Freshet } from '@freshet/client'
import { trimBuffer } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import type pg from 'pg'
import type { Step, WhoWaits } from './interleave.ts'

/**
 * What the sessions of a spec work on: a small bank whose money only moves, stream tables over it, a connection for each
 * session that writes, and a Freshet of its own for each that refreshes. Sessions are known to the server by their
 * `application_name`.
 */
const MONEY = 800

const TABLES = `
  create table owner (id int primary key, name text not null);
  create table account (id int primary key, owner int not null, balance int not null, note text, tag text not null default 'a');
  create table ledger (account int, amount int);
  insert into owner select i, 'owner ' || i % 3 from generate_series(1, 4) as i;
  insert into account select i, 1 + i % 4, 100, 'note ' || i % 2 from generate_series(1, 8) as i;
  insert into ledger select i, 0 from generate_series(1, 8) as i`

const DROP_TABLES = 'drop table if exists ledger, account, owner, holder cascade'

export type StreamMode = 'auto' | 'differential' | 'immediate' | 'full'

export interface Stream {
  readonly query: string
  readonly mode?: StreamMode
}

export interface WorldCounts {
  verified: number
  audits: number
  differences: number
}

export interface World extends AsyncDisposable {
  readonly counts: WorldCounts
  readonly whoWaits: WhoWaits
  /** A step of SQL; with `begin …` as its name's start, the start of a transaction. */
  sql(session: string, text: string): Step
  /** Reads the sums of stream tables, which never change. */
  audit(session: string, reading: string): Step
  /** Refreshes, then compares table and query in one snapshot. */
  refresh(session: string, name: string, options?: { readonly full?: boolean }): Step
  verify(session: string, name: string): Step
  trim(session: string): Step
  /** Anything else that the library does. */
  call(session: string, name: string, work: (freshet: Freshet) => Promise<unknown>): Step
  /** Everything as at first. */
  reset(): Promise<void>
  /** Brings all to the present and compares it; throws where it differs, or something was left behind. */
  settle(): Promise<void>
}

export interface WorldOptions {
  readonly streams: Readonly<Record<string, Stream>>
  readonly cdc: 'trigger' | 'wal'
}

export async function createWorld({ streams, cdc }: WorldOptions): Promise<World> {
  const test = await createTestDatabase()
  const control = await test.client()
  const sessions = new Sessions(test)
  const own = await sessions.freshet('settle')
  if (cdc === 'wal') own.startStream()
  test.defer(async () => {
    for (const { name } of (await own.list()).toReversed()) await own.drop(name, { cascade: true }).catch(ignoreGone)
    await sessions.close()
  })
  const counts: WorldCounts = { verified: 0, audits: 0, differences: 0 }
  const verify = async (freshet: Freshet, name: string) => {
    const { equal, extra, missing, samples } = await freshet.verify(name)
    counts.verified++
    if (equal) return
    counts.differences++
    throw new Error(`${name} differs from its query: ${extra} extra, ${missing} missing: ${JSON.stringify(samples)}`)
  }
  const call = (session: string, name: string, work: (freshet: Freshet) => Promise<unknown>): Step => ({
    name,
    run: async () => work(await sessions.freshet(session)),
  })
  return {
    counts,
    whoWaits: () => whoWaits(control),
    sql: (session, text) => ({ name: text, run: async () => (await sessions.client(session)).query(text) }),
    audit: (session, reading) => ({
      name: `audit ${reading}`,
      run: async () => {
        const { rows } = await (await sessions.client(session)).query<Record<string, unknown>>(reading)
        counts.audits++
        const sums = rows.flatMap((row) => Object.values(row).map(Number))
        if (sums.length > 0 && sums.every((sum) => sum === MONEY)) return
        counts.differences++
        throw new Error(`an audit read ${JSON.stringify(rows)} where the sum is ${MONEY}`)
      },
    }),
    refresh: (session, name, options = {}) =>
      call(session, `refresh ${name}${options.full === true ? ' in full' : ''}`, async (freshet) => {
        const { action } = await freshet.refresh(name, options)
        await verify(freshet, name)
        return action
      }),
    verify: (session, name) => call(session, `verify ${name}`, (freshet) => verify(freshet, name)),
    trim: (session) =>
      call(session, 'trim', async ({ database, capture }) => {
        const sources = await database.query<{ name: string }>({
          text: 'select stable_name as name from freshet.source',
          values: [],
        })
        let rows = 0
        for (const { name } of sources) rows += await trimBuffer(database, capture, name, 1_000)
        return `${rows} rows`
      }),
    call,
    async reset() {
      for (const { name } of (await own.list()).toReversed()) await own.drop(name, { cascade: true }).catch(ignoreGone)
      await control.query(`${DROP_TABLES}; ${TABLES}`)
      for (const [name, { query, mode = 'differential' }] of Object.entries(streams))
        await own.create({ name, query, mode, cdc, schedule: 'manual' })
    },
    async settle() {
      for (const client of sessions.clients()) await client.query('rollback')
      const { rows } = await control.query('select gid from pg_prepared_xacts where database = current_database()')
      if (rows.length > 0) throw new Error(`left behind: ${JSON.stringify(rows)}`)
      await own.refreshAll()
      for (const { name, query } of await own.list()) {
        await verify(own, name)
        await assertEqualToQuery(own.database, name, query).catch((error: unknown) => {
          counts.differences++
          throw error
        })
      }
    },
    [Symbol.asyncDispose]: () => test.drop(),
  }
}

function ignoreGone(error: unknown): void {
  if (typeof error === 'object' && error !== null && Reflect.get(error, 'code') === 'UNKNOWN_STREAM_TABLE') return
  throw error
}

class Sessions {
  private readonly test: TestDatabase
  private readonly writers = new Map<string, Promise<pg.Client>>()
  private readonly libraries = new Map<string, Promise<Freshet>>()
  private readonly connected: pg.Client[] = []

  constructor(test: TestDatabase) {
    this.test = test
  }

  clients(): readonly pg.Client[] {
    return this.connected
  }

  client(name: string): Promise<pg.Client> {
    return this.remember(this.writers, name, async () => {
      const client = await this.test.client()
      await client.query(`set application_name = '${name}'`)
      this.connected.push(client)
      return client
    })
  }

  freshet(name: string): Promise<Freshet> {
    return this.remember(this.libraries, name, () =>
      connect({ databaseUrl: this.test.url, applicationName: name, poolSize: 4 }),
    )
  }

  async close(): Promise<void> {
    for (const freshet of this.libraries.values()) await (await freshet).close()
  }

  private remember<T>(known: Map<string, Promise<T>>, name: string, make: () => Promise<T>): Promise<T> {
    const made = known.get(name) ?? make()
    known.set(name, made)
    return made
  }
}

async function whoWaits(control: pg.Client): Promise<ReadonlySet<string>> {
  const { rows } = await control.query<{ name: string }>(`
    select application_name as name from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and cardinality(pg_blocking_pids(pid)) > 0`)
  return new Set(rows.map(({ name }) => name))
}
