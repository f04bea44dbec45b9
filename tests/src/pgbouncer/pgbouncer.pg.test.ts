import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Freshet } from '@freshet/client'
import { startCoordinator } from '@freshet/coordinator'
import { raw, sql, tryLease, withLease } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type PgBouncer, pgbouncer, startPgBouncer } from './pgbouncer.ts'

/**
 * Everything but capture by WAL works through PgBouncer in transaction mode, and leaves nothing of its own on the server's
 * connections, which belong to whoever comes next.
 */
const POOL = 6

const TABLES: Readonly<Record<string, readonly [query: string, mode: 'auto' | 'full' | 'immediate' | 'differential']>> =
  {
    by_kind: ['select kind, count(*) as n, sum(price) as total from item group by kind', 'auto'],
    dear: ['select kind, n from by_kind where total > 100', 'differential'],
    bag: ['select kind from item where price > 10', 'differential'],
    whole: ['select kind, max(price) as most from item group by kind', 'full'],
    at_once: ['select kind, count(*) as n from item group by kind', 'immediate'],
  }

const LITTLE = `insert into item (kind, price) values ('k1', 50), ('k9', 5); delete from item where id % 17 = 3`
const MUCH = `insert into item (kind, price) select 'k' || i % 5, i % 90 from generate_series(1, 3000) i; update item set price = price + 1`

describe.runIf(pgbouncer !== null)('through PgBouncer', () => {
  let pooler: PgBouncer
  let own: TestDatabase
  let freshet: Freshet
  const run = (script: string) => freshet.database.transaction((transaction) => transaction.query(raw(script)))

  beforeAll(async () => {
    pooler = await startPgBouncer(pgbouncer ?? '', process.env['FRESHET_TEST_DATABASE_URL'] ?? '', POOL)
  })
  afterAll(() => pooler[Symbol.asyncDispose]())

  beforeEach(async () => {
    own = await createTestDatabase({ migrated: false })
    onTestFinished(() => own.drop())
    freshet = await connect(pooler.through(own.url))
    own.defer(async () => {
      // the pooler keeps its connections, and they would count as left behind
      await nothingLeft()
      await freshet.close()
      const direct = await own.client()
      await direct.query(
        `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
      )
    })
    await freshet.init()
    await run(`create table item (id serial primary key, kind text, price int);
      insert into item (kind, price) select 'k' || i % 7, i % 100 from generate_series(1, 200) i`)
  })

  async function createAll(schedule: string): Promise<void> {
    for (const [name, [query, mode]] of Object.entries(TABLES)) await freshet.create({ name, query, mode, schedule })
  }

  async function allEqual(): Promise<void> {
    for (const [name, [query]] of Object.entries(TABLES)) await assertEqualToQuery(own.database, name, query)
  }

  /** Asked on each of the pooler's connections, by as many transactions at once. */
  async function nothingLeft(): Promise<void> {
    let waiting = 0
    let goOn = (): void => undefined
    const all = new Promise<void>((resolve) => (goOn = resolve))
    const look = () =>
      freshet.database.transaction(async (transaction) => {
        const rows = await transaction.query<{ pid: number; stray: string | null }>(raw(LEFT))
        if (++waiting === POOL) goOn()
        await all
        return rows
      })
    const seen = await Promise.all(Array.from({ length: POOL }, look))
    expect(new Set(seen.map(([row]) => row?.pid)).size).toBe(POOL)
    expect(seen.flatMap((rows) => rows.flatMap(({ stray }) => stray ?? []))).toEqual([])
  }

  test('stream tables of every mode: created, refreshed, altered, renamed, paused, verified, dumped, dropped', async () => {
    await createAll('manual')
    await allEqual()
    for (const script of [LITTLE, MUCH, LITTLE, LITTLE]) {
      await run(script)
      for (const name of Object.keys(TABLES)) await freshet.refresh(name)
      await allEqual()
    }
    await run(LITTLE)
    for (const name of Object.keys(TABLES)) expect(await freshet.verify(name)).toMatchObject({ equal: true })
    const changed = 'select kind, min(price) as least from item where price > 3 group by kind'
    await freshet.alter('bag', { query: changed })
    await assertEqualToQuery(own.database, 'bag', changed)
    await freshet.alter('bag', { rename: 'least' })
    await freshet.alter('at_once', { mode: 'differential' })
    await freshet.alter('least', { mode: 'immediate' })
    await run(LITTLE)
    await assertEqualToQuery(own.database, 'least', changed)
    await freshet.alter('least', { mode: 'auto' })
    await freshet.pause('least')
    await freshet.resume('least')
    await run('alter table item rename column price to cost')
    await run(`insert into item (kind, cost) values ('k1', 77)`)
    await freshet.refresh('least')
    await assertEqualToQuery(own.database, 'least', changed.replaceAll('price', 'cost'))
    await freshet.pauseCapture({ kind: 'capture' })
    await freshet.resumeCapture({ kind: 'capture' })
    expect((await freshet.doctor()).filter(({ level }) => level === 'error')).toEqual([])
    expect(await freshet.repair()).toEqual({ repaired: [], failed: [] })
    expect((await freshet.dump()).streamTables).toHaveLength(5)
    expect((await freshet.status()).map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'active'))
    await freshet.drop('by_kind', { cascade: true })
    for (const { name } of await freshet.list()) await freshet.drop(name)
    expect(await freshet.database.query(raw('select from freshet.source'))).toEqual([])
  })

  test('two schedulers keep live tables fresh, while four writers write through it as well', async () => {
    await createAll('live')
    const others = await connect(pooler.through(own.url))
    const schedulers = [freshet, others].map(startCoordinator)
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let i = 0; i < 30; i++) await run(`insert into item (kind, price) values ('w${writer}', ${i})`)
    })
    await Promise.all(writers)
    const fresh = async () => {
      const [row] = await own.database.query<{ fresh: boolean }>(
        raw(`select (select sum(n) from by_kind) = (select count(*) from item)
          and (select array_agg(n order by kind) from dear) is not distinct from
            (select array_agg(n order by kind) from by_kind where total > 100) as fresh`),
      )
      return row?.fresh === true
    }
    while (!(await fresh())) await sleep(20)
    expect(schedulers.map((scheduler) => scheduler.view().trouble)).toEqual([null, null])
    await Promise.all(schedulers.map((scheduler) => scheduler.drain()))
    await others.close()
    for (const name of Object.keys(TABLES)) await freshet.refresh(name)
    await allEqual()
    const failed = await own.database.query(raw('select error from freshet.refresh_history where error is not null'))
    expect(failed).toEqual([])
  })

  test('a feed brings the table and then its changes, though no NOTIFY comes through', async () => {
    await freshet.create({ name: 'by_kind', query: TABLES['by_kind']?.[0] ?? '', schedule: 'manual' })
    const copy = await freshet.liveCopy<{ kind: string; n: string }>('by_kind')
    for (const script of [LITTLE, MUCH]) {
      await run(script)
      await freshet.refresh('by_kind')
      const [{ n } = { n: '' }] = await own.database.query<{ n: string }>(raw('select sum(n) as n from by_kind'))
      const sum = () => [...copy.rows()].reduce((total, row) => total + Number(row.n), 0)
      while (sum() !== Number(n)) await sleep(10)
    }
    await assertEqualToQuery(own.database, 'by_kind', TABLES['by_kind']?.[0] ?? '')
    await copy.close()
  })

  test('announcements reach who listens at the server itself', async () => {
    await freshet.create({ name: 'by_kind', query: TABLES['by_kind']?.[0] ?? '', schedule: 'manual' })
    const listener = await own.client()
    const heard: unknown[] = []
    listener.on('notification', ({ payload }) => heard.push(JSON.parse(payload ?? '')))
    await listener.query('listen items')
    await run(`select freshet.subscribe('by_kind', 'items')`)
    await run(LITTLE)
    await freshet.refresh('by_kind')
    await listener.query('select')
    expect(heard).toMatchObject([{ name: 'public.by_kind', inserted_count: expect.any(Number) }])
    await assertEqualToQuery(own.database, 'by_kind', TABLES['by_kind']?.[0] ?? '')
  })

  test('leases, and what stands still in a transaction', async () => {
    await run(`alter database ${own.name} set freshet.lease = '2s'`)
    await terminateOthers()
    const order: string[] = []
    const work = (name: string) => async (lease: { readonly token: string }) => {
      order.push(`${name} begins`)
      await run(`insert into item (kind) values ('${lease.token}')`)
      order.push(`${name} ends`)
    }
    await Promise.all([withLease(freshet.database, 'it', work('a')), withLease(freshet.database, 'it', work('b'))])
    expect(order.map((entry) => entry.split(' ')[1])).toEqual(['begins', 'ends', 'begins', 'ends'])
    const first = await tryLease(freshet.database, 'it')
    const second = await tryLease(freshet.database, 'it', 'any')
    await expect(first?.guarded((transaction) => transaction.query(sql`select 1`))).rejects.toMatchObject({
      code: 'LEASE_LOST',
    })
    await second?.release()
    const later = await connect(pooler.through(own.url))
    const still = later.database.transaction(async (transaction) => {
      await transaction.query(raw('lock table item'))
      // comes through when the server has ended the transaction that does nothing
      await own.database.query(raw('lock table item; select 1'))
      await transaction.query(raw('select 1'))
    })
    await expect(still).rejects.toMatchObject({ retry: 'reconnect' })
    await later.close()
  })

  test('capture by WAL is refused, with what to do; auto takes triggers', async () => {
    const spec = { query: TABLES['by_kind']?.[0] ?? '', schedule: 'manual' }
    await expect(freshet.create({ ...spec, name: 'by_kind', cdc: 'wal' })).rejects.toMatchObject({
      code: 'WAL_NOT_AVAILABLE',
      message: expect.stringContaining('pooler'),
      hint: expect.stringContaining('server'),
    })
    await freshet.create({ ...spec, name: 'by_kind', cdc: 'auto' })
    expect(await own.database.query(raw('select capture from freshet.source'))).toEqual([{ capture: 'trigger' }])
    await run(LITTLE)
    await freshet.refresh('by_kind')
    await assertEqualToQuery(own.database, 'by_kind', spec.query)
  })

  /** The pooler makes new connections, which see what the database has set. */
  async function terminateOthers(): Promise<void> {
    const direct = await own.client()
    await direct.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and application_name not like 'freshet-test%'`,
    )
    await direct.end()
    for (;;) {
      try {
        await run('select 1')
        return
      } catch {
        await sleep(20)
      }
    }
  }
})

/** What one session may have that outlives a transaction; settings that the pooler itself carries over are none. */
const LEFT = `
  select pg_backend_pid() as pid, stray from (values (null)) as always (nothing) left join lateral (
    select 'setting ' || name as stray from pg_settings where source = 'session'
      and name not in ('application_name', 'client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings',
        'transaction_isolation', 'transaction_read_only', 'transaction_deferrable', 'idle_in_transaction_session_timeout')
    union all select 'statement ' || name from pg_prepared_statements
    union all select 'channel ' || channel from pg_listening_channels() as channel
    union all select 'lock ' || objid from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()
    union all select 'cursor ' || name from pg_cursors where name <> ''
    union all select 'table ' || relname from pg_class where relnamespace = pg_my_temp_schema()
  ) found on true`
