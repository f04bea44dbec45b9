import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Freshet } from '@freshet/client'
import { type Database, isFreshetError, raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type Random, type TestDatabase } from '@freshet/testkit'
import { BANK, BANK_STREAMS, TOTAL } from '../writers.ts'
import { type FaultLink, faultLink } from './fault-link.ts'
import { inventory } from './inventory.ts'
import { type LightWriter, startLightWriter, transfer } from './light-writer.ts'

/** A bank with stream tables and a writer, in a database that is reached through a link, and what must hold in it. */
export interface World extends AsyncDisposable {
  readonly own: TestDatabase
  readonly link: FaultLink
  readonly writer: LightWriter
  readonly random: Random
  /** Freshet in a process that nothing happens to; in each round a new one. */
  readonly recovered: <T>(work: (freshet: Freshet) => Promise<T>) => Promise<T>
  /** Changes in every source. */
  readonly change: () => Promise<void>
  /** Ends it though it is not as it should be. */
  abandon(): Promise<void>
}

const BASE = ['total', 'by_owner'] as const

const TABLES = `${BANK};
  create table branch (id int primary key, city text not null);
  insert into branch select i, 'city ' || i % 2 from generate_series(0, 3) as i;
  create index on account (owner);
  create index on ledger (account)`

export async function bank(random: Random, serverUrl?: string): Promise<World> {
  const own = await createTestDatabase(serverUrl === undefined ? {} : { serverUrl })
  await own.database.query(raw(TABLES))
  const recovered = async <T>(work: (freshet: Freshet) => Promise<T>) => {
    const freshet = await connect({ databaseUrl: own.url, applicationName: 'recovered' })
    try {
      return await work(freshet)
    } finally {
      await freshet.close()
    }
  }
  await recovered(async (freshet) => {
    for (const name of BASE)
      await freshet.create({ name, query: BANK_STREAMS[name] ?? '', schedule: 'manual', mode: 'differential' })
  })
  const link = await faultLink(own.url)
  const writer = startLightWriter(own.url, random.fork())
  return {
    own,
    link,
    writer,
    random,
    recovered,
    change: async () => void (await own.database.query(raw(transfer(random)))),
    async abandon() {
      await writer.stop()
      await link[Symbol.asyncDispose]()
      await own.database.query(
        raw(
          `select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = current_database() and not active`,
        ),
      )
      await own.drop()
    },
    async [Symbol.asyncDispose]() {
      await writer.stop()
      await link[Symbol.asyncDispose]()
      await recovered(async (freshet) => {
        for (const { name } of [...(await freshet.list())].reverse()) await freshet.drop(name, { cascade: true })
      })
      await own.drop()
    },
  }
}

/** A server that was killed recovers for a moment. */
export async function untilItAnswers(database: Database): Promise<void> {
  await onceItAnswers(() => database.query(raw('select 1')))
}

/** The sessions of a pool are found to be broken one by one. */
export async function onceItAnswers<T>(ask: () => Promise<T>): Promise<T> {
  for (let waited = 0; ; waited += 20) {
    try {
      return await ask()
    } catch (error) {
      if (!isFreshetError(error) || error.retry !== 'reconnect' || waited > 20_000) throw error
      await sleep(20)
    }
  }
}

/** Sessions of the process that something happened to, which are there still after some seconds. */
export async function remainingSessions(database: Database, names: readonly string[]): Promise<readonly string[]> {
  for (let waited = 0; ; waited += 10) {
    const rows = await onceItAnswers(() =>
      database.query<{ line: string }>({
        text: `select format('%s %s %s: %s', application_name, state, wait_event, left(query, 80)) as line from pg_stat_activity
          where datname = current_database() and application_name = any($1::text[])`,
        values: [names],
      }),
    )
    if (rows.length === 0 || waited > 5_000) return rows.map(({ line }) => line)
    await sleep(10)
  }
}

/** Brings every table up to date and compares it with its query, and looks for what should not be. Returns what it finds. */
export async function examine(
  world: World,
  freshet: Freshet,
  told?: string,
): Promise<{ wrong: string[]; inventory: readonly string[] }> {
  const wrong: string[] = []
  await freshet.refreshAll()
  const tables = await freshet.list()
  for (const { name } of tables) {
    const { equal } = await freshet.verify(name)
    if (!equal) wrong.push(`${name} is not what its query says (verify)`)
  }
  const held = await freshet.database.query<{ total: number }>(raw('select total::int as total from total'))
  if (held[0]?.total !== TOTAL) wrong.push(`the total is ${held[0]?.total}, not ${TOTAL}`)
  await world.writer.resting(async () => {
    await freshet.refreshAll()
    for (const { name, query } of tables) {
      await assertEqualToQuery(freshet.database, name, query).catch((error: unknown) => void wrong.push(String(error)))
    }
  })
  for (const { level, subject, message, hint } of await freshet.doctor())
    if (level !== 'ok' && message !== told && hint?.startsWith('create index') !== true)
      wrong.push(`doctor: ${subject}: ${message}`)
  const locks = await freshet.database.query<{ line: string }>(
    raw(`select format('advisory lock of %s %s', a.application_name, a.query) as line from pg_locks l left join pg_stat_activity a using (pid)
      where l.locktype = 'advisory' and l.database = (select oid from pg_database where datname = current_database())`),
  )
  wrong.push(...locks.map(({ line }) => line))
  return { wrong, inventory: await inventory(freshet.database) }
}
