import { type AlteredStreamTable, type AlterSpec, createFreshet, type CreateSpec, type Freshet } from '@freshet/client'
import { raw } from '@freshet/core'
import {
  assertEqualToQuery,
  type ClusterDatabase,
  type ClusterDatabaseOptions,
  createClusterDatabase,
} from '@freshet/testkit'
import type pg from 'pg'

type Output = Pick<CreateSpec, 'placement' | 'distributionColumn'>

/** A cluster database with stream tables under the oracle: after every step each is refreshed and equals its query. */
export interface CitusWorld extends AsyncDisposable {
  readonly own: ClusterDatabase
  readonly freshet: Freshet
  /** Runs statements, one by one, on the coordinator. */
  run(...statements: readonly string[]): Promise<void>
  rows(query: string): Promise<Record<string, unknown>[]>
  /**
   * `full`: the reason for which it is kept by full refreshes; left out, it has to be kept by deltas. `output`: where it is;
   * left out, on the coordinator, and {} leaves it to Freshet.
   */
  stream(name: string, query: string, full?: string, output?: Output): Promise<void>
  /** As `freshet.alter`; what it holds then equals what it is said to hold. */
  alter(name: string, change: AlterSpec): Promise<AlteredStreamTable>
  drop(name: string): Promise<void>
  /** Refreshes all and compares each with its query; returns what each refresh was. */
  follow(): Promise<Record<string, string>>
  /** On the coordinator, or on the worker of that number. */
  writer(worker?: number): Promise<pg.Client>
}

export async function createCitusWorld(options: ClusterDatabaseOptions = {}): Promise<CitusWorld> {
  const own = await createClusterDatabase(options)
  const freshet = createFreshet(own.database, { databaseUrl: own.url })
  const streams = new Map<string, string>()
  const check = async (name: string, query: string) => {
    await assertEqualToQuery(own.database, name, query)
    const { equal, extra, missing } = await freshet.verify(name)
    if (!equal) throw new Error(`verify says of ${name}: ${extra} extra, ${missing} missing`)
  }
  return {
    own,
    freshet,
    async run(...statements) {
      for (const statement of statements) await own.database.query(raw(statement))
    },
    rows: (query) => own.database.query(raw(query)),
    async stream(name, query, full, output = { placement: 'local' }) {
      await freshet.create({
        name,
        query,
        mode: full === undefined ? 'differential' : 'auto',
        schedule: 'manual',
        ...output,
      })
      streams.set(name, query)
      await check(name, query)
    },
    async alter(name, change) {
      const altered = await freshet.alter(name, change)
      const query = change.query ?? streams.get(name) ?? ''
      const now = change.rename ?? name
      if (now !== name) streams.delete(name)
      streams.set(now, query)
      await check(now, query)
      return altered
    },
    async drop(name) {
      await freshet.drop(name)
      streams.delete(name)
    },
    async follow() {
      const outcomes: Record<string, string> = {}
      for (const name of streams.keys()) outcomes[name] = (await freshet.refresh(name)).action
      for (const [name, query] of streams) await check(name, query)
      return outcomes
    },
    writer: (worker) => own.client(worker === undefined ? undefined : own.workerUrls[worker]),
    [Symbol.asyncDispose]: () => own.drop(),
  }
}

/** Relations, functions and triggers of Freshet on each node, shards included. */
export async function leftOnNodes(world: CitusWorld): Promise<readonly string[]> {
  const left: string[] = []
  for (const [node, url] of [world.own.url, ...world.own.workerUrls].entries()) {
    const client = await world.own.client(url)
    await client.query('set citus.override_table_visibility to off')
    const { rows } = await client.query<{ what: string }>(`
      select 'relation ' || relname as what from pg_class where relnamespace = 'freshet_changes'::regnamespace and relkind in ('r', 'v')
      union all select 'function ' || proname from pg_proc where pronamespace = 'freshet_changes'::regnamespace
      union all select 'trigger ' || tgname from pg_trigger where tgname like '%freshet%'
      order by 1`)
    left.push(...rows.map(({ what }) => `${what} on node ${node}`))
  }
  return left
}
