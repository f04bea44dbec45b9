import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { countingLink, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Database } from './database.ts'
import { connect } from './postgres.ts'
import { raw, sql } from './sql.ts'

let created: TestDatabase
let database: Database
beforeAll(async () => {
  created = await createTestDatabase({ migrated: false })
  database = await connect({ url: created.url, poolSize: 3 })
  await database.query(raw('create table t (id int primary key, v text)'))
})
afterAll(async () => {
  await database.close()
  await created.drop()
})

const coded = (code: string): unknown => expect.objectContaining({ code })

test('values come back as the driver’s defaults', async () => {
  const [row] = await database.query(sql`
    select ${5}::int8 as big, 1.50::numeric as exact, 2::int as whole, null as nothing, ${'x'}::text as word,
      timestamptz '2024-01-02 03:04:05Z' as at, '{"a": [1]}'::jsonb as json, ${['a', null]}::text[] as list`)
  expect(row).toEqual({
    big: '5',
    exact: '1.50',
    whole: 2,
    nothing: null,
    word: 'x',
    at: new Date('2024-01-02T03:04:05Z'),
    json: { a: [1] },
    list: ['a', null],
  })
})

test.each([
  ['select * from missing', 'UNKNOWN_RELATION', '42P01'],
  ['select missing from t', 'UNKNOWN_COLUMN', '42703'],
  ['selec 1', 'SYNTAX_ERROR', '42601'],
  ['select 1/0', 'QUERY_FAILED', '22012'],
  ['select 1 + true', 'INVALID_QUERY', '42883'],
  ['create table t ()', 'DUPLICATE_NAME', '42P07'],
])('%s → %s', async (text, code, sqlState) => {
  await expect(database.query(raw(text))).rejects.toMatchObject({ code, sqlState })
})

test('an error says where in the statement it is', async () => {
  await expect(database.query(raw('select missing from t'))).rejects.toMatchObject({ position: 8 })
})

test('a transaction commits, or leaves nothing', async () => {
  await database.transaction((transaction) => transaction.query(sql`insert into t values (1, 'kept')`))
  await expect(
    database.transaction(async (transaction) => {
      await transaction.query(sql`insert into t values (2, 'gone')`)
      throw new Error('changed my mind')
    }),
  ).rejects.toThrow('changed my mind')
  await expect(
    database.transaction(async (transaction) => {
      await transaction.query(sql`insert into t values (3, 'gone')`)
      await transaction.query(sql`insert into t values (1, 'taken')`).catch(() => [])
    }),
  ).rejects.toThrow(/rolled back/)
  expect(await database.query(raw('select id from t order by id'))).toEqual([{ id: 1 }])
  const [row] = await database.transaction(
    (transaction) =>
      transaction.query(
        raw(
          `select current_setting('transaction_isolation') || ' ' || current_setting('transaction_read_only') as mode`,
        ),
      ),
    { isolation: 'repeatable read', readOnly: true },
  )
  expect(row).toEqual({ mode: 'repeatable read on' })
})

test('what opens a transaction is sent with its begin; where it fails, nothing else is done', async () => {
  const opening = [sql`insert into t values (20, ${'opened'}) returning v`, raw('select txid_current()::text as id')]
  const [seen, own] = await database.transaction(
    async (transaction, opened) => [opened, await transaction.query(raw('select txid_current()::text as id'))],
    { opening },
  )
  expect(seen).toEqual([[{ v: 'opened' }], own])
  await database.session(async (session) => {
    let called = false
    const failing = session.transaction(
      async () => {
        called = true
      },
      { opening: [sql`insert into t values (21, 'gone')`, raw('select 1/0')] },
    )
    await expect(failing).rejects.toMatchObject({ sqlState: '22012' })
    expect(called).toBe(false)
    // the session goes on
    expect(await session.query(raw('select id from t where id in (20, 21)'))).toEqual([{ id: 20 }])
  })
})

test('one session has one transaction at a time', async () => {
  await database.session(async (session) => {
    await session.transaction(async () => {
      await expect(session.transaction(() => Promise.resolve())).rejects.toThrow(coded('INTERNAL'))
    })
  })
})

test('a batch is one round trip and one transaction; its first error is the one reported', async () => {
  expect(await database.batch([])).toEqual([])
  const [first, second] = await database.batch([
    sql`insert into t values (10, ${'a'}) returning v`,
    raw('select count(*)::int as n from t where id = 10'),
  ])
  expect([first, second]).toEqual([[{ v: 'a' }], [{ n: 1 }]])
  await expect(
    database.batch([sql`insert into t values (11, 'b')`, raw('select 1/0'), sql`insert into t values (12, 'c')`]),
  ).rejects.toMatchObject({ sqlState: '22012' })
  expect(await database.query(raw('select id from t where id in (11, 12)'))).toEqual([])
  await expect(
    database.transaction((transaction) =>
      transaction.batch([sql`insert into t values (13, 'd')`, raw('select missing')]),
    ),
  ).rejects.toThrow(coded('UNKNOWN_COLUMN'))
  expect(await database.query(raw('select id from t where id = 13'))).toEqual([])
})

test('a batch waits for the server once, not once a statement, and keeps its order', async () => {
  await using link = await countingLink(created.url)
  const distant = await connect({ url: link.url, poolSize: 1 })
  await distant.session(async (session) => {
    const statements = Array.from({ length: 20 }, (_, i) => sql`select ${i}::int as i`)
    const before = link.roundTrips()
    const answers = await session.batch(statements)
    expect(answers.map(([row]) => row?.['i'])).toEqual(statements.map((_, i) => i))
    expect(link.roundTrips() - before).toBe(1)
    for (const statement of statements) await session.query(statement)
    expect(link.roundTrips() - before).toBe(21)
  })
  await distant.close()
})

test('a prepared statement is prepared once on a connection', async () => {
  await database.session(async (session) => {
    const prepared = () =>
      session.query(
        raw(
          `select generic_plans + custom_plans as runs from pg_prepared_statements where statement like 'select $1::int + 41%'`,
        ),
      )
    for (let i = 0; i < 4; i++)
      expect(await session.query(sql`select ${i}::int + 41 as n`, { prepared: true })).toEqual([{ n: i + 41 }])
    expect(await prepared()).toEqual([{ runs: '4' }])
  })
})

test('a batch may be prepared: each statement once, and again after one of them failed', async () => {
  await database.session(async (session) => {
    await session.query(raw('create table numbers (n int)'))
    const run = () =>
      session.batch(
        [sql`insert into numbers values (${1})`, sql`select count(*)::int as n from numbers where n > ${0}`],
        {
          prepared: true,
        },
      )
    for (let i = 1; i <= 3; i++) expect(await run()).toEqual([[], [{ n: i }]])
    const prepared = () =>
      session.query(
        raw(
          `select generic_plans + custom_plans as runs from pg_prepared_statements where statement like '%numbers%' order by 1`,
        ),
      )
    expect(await prepared()).toEqual([{ runs: '3' }, { runs: '3' }])
    await session.query(raw('alter table numbers add check (n < 1) not valid'))
    await expect(run()).rejects.toMatchObject({ sqlState: '23514' })
    await session.query(raw('alter table numbers drop constraint numbers_n_check'))
    expect(await run()).toEqual([[], [{ n: 4 }]])
    expect(await run()).toEqual([[], [{ n: 5 }]])
  })
})

test('a prepared statement that failed is prepared afresh, also after a failed transaction', async () => {
  await database.session(async (session) => {
    await session.query(raw('create table shape (a int)'))
    const read = () => session.query(raw('select * from shape'), { prepared: true })
    await read()
    await session.query(raw('alter table shape alter a type text'))
    await expect(session.transaction(read)).rejects.toMatchObject({ sqlState: '0A000' })
    expect(await read()).toEqual([])
    await session.query(raw('deallocate all'))
    await expect(read()).rejects.toMatchObject({ sqlState: '26000' })
    expect(await read()).toEqual([])
    const [row] = await session.query(
      raw(`select count(*)::int as n from pg_prepared_statements where statement = 'select * from shape'`),
    )
    expect(row).toEqual({ n: 1 })
  })
})

test('a statement that could not be prepared spoils no later transaction', async () => {
  await database.session(async (session) => {
    await expect(session.query(raw('select no_such_column'), { prepared: true })).rejects.toMatchObject({
      code: 'UNKNOWN_COLUMN',
    })
    for (const attempt of [1, 2]) {
      await session.transaction(async (transaction) => {
        await transaction.query(raw(`select ${attempt} as prepared`), { prepared: true })
        expect(await transaction.query(raw('select 2 as two'))).toEqual([{ two: 2 }])
      })
    }
  })
})

test('the number of prepared statements stays bounded, on the server and in the driver', async () => {
  await database.session(async (session) => {
    for (let i = 0; i < 300; i++) await session.query(raw(`select ${i} as bounded`), { prepared: true })
    const [row] = await session.query<{ n: number }>(raw(`select count(*)::int as n from pg_prepared_statements`))
    expect(row?.n).toBeLessThanOrEqual(201)
    const connection: unknown = Reflect.get(session.identity, 'connection')
    const parsed: unknown =
      typeof connection === 'object' && connection !== null ? Reflect.get(connection, 'parsedStatements') : null
    expect(Object.keys(parsed ?? {}).length).toBeGreaterThan(100)
    expect(Object.keys(parsed ?? {}).length).toBeLessThanOrEqual(202)
  })
})

test('notices reach those who listen, while they listen', async () => {
  await database.session(async (session) => {
    const heard: string[] = []
    const stop = session.notices(({ severity, message }) => heard.push(`${severity} ${message}`))
    await session.query(raw(`do $$ begin raise notice 'one'; raise warning 'two'; end $$`))
    stop()
    await session.query(raw(`do $$ begin raise notice 'three'; end $$`))
    expect(heard).toEqual(['NOTICE one', 'WARNING two'])
  })
})

test('a broken connection is reported as such and never lent again', async () => {
  const killer = await created.client()
  const pidOf = raw('select pg_backend_pid() as pid')
  let first: unknown
  await expect(
    database.session(async (session) => {
      const [row] = await session.query<{ pid: number }>(pidOf)
      first = row?.pid
      await Promise.all([
        session.query(raw('select pg_sleep(30)')),
        killer.query('select pg_terminate_backend($1, 5000)', [first]),
      ])
    }),
  ).rejects.toMatchObject({ code: 'CONNECTION_LOST', retry: 'reconnect' })
  // an idle one: the pool notices by itself
  const [idle] = await database.query<{ pid: number }>(pidOf)
  await killer.query('select pg_terminate_backend($1, 5000)', [idle?.pid])
  const [next] = await eventually(() => database.query<{ pid: number }>(pidOf))
  expect([first, idle?.pid]).not.toContain(next?.pid)
})

test('a connection that is cut without a word is reported as lost', async () => {
  await using link = await countingLink(created.url)
  const distant = await connect({ url: link.url, poolSize: 1 })
  const cutWhile = async (name: string) => {
    const sleeper = sql`select pid from pg_stat_activity where wait_event = 'PgSleep' and query like ${`%${name}`}`
    const found = await vi.waitFor(async () => single(await database.query<{ pid: number }>(sleeper)), 20_000)
    link.cut()
    // the server does not notice while it sleeps
    await database.query(sql`select pg_terminate_backend(${found.pid}, 20000)`)
  }
  const lost = { code: 'CONNECTION_LOST' }
  await Promise.all([
    cutWhile('alone'),
    expect(distant.query(raw('select pg_sleep(60) as alone'))).rejects.toMatchObject(lost),
  ])
  await Promise.all([
    cutWhile('second'),
    expect(distant.batch([raw('select 1'), raw('select pg_sleep(60) as second')])).rejects.toMatchObject(lost),
  ])
  expect(await distant.query(raw('select 1 as one'))).toEqual([{ one: 1 }])
  await distant.close()
})

test('a pool that is all lent says so, and so does one that was closed', async () => {
  const small = await connect({ url: created.url, poolSize: 1, poolWaitMs: 1_000 })
  await small.session(async () => {
    await expect(small.query(raw('select 1'))).rejects.toMatchObject({ code: 'SERVER_OVERLOADED', retry: 'retry' })
  })
  await small.close()
  await expect(small.query(raw('select 1'))).rejects.toMatchObject({ code: 'USAGE' })
})

test('limits of the connection hold', async () => {
  const limited = await connect({
    url: created.url,
    statementTimeoutMs: 50,
    lockTimeoutMs: 20,
    applicationName: 'limited',
  })
  await expect(limited.query(raw('select pg_sleep(5)'))).rejects.toThrow(coded('STATEMENT_CANCELED'))
  const holder = await created.client()
  await holder.query('begin; lock table t')
  await expect(limited.query(raw('select from t'))).rejects.toMatchObject({ code: 'LOCK_TIMEOUT', retry: 'retry' })
  await holder.query('rollback')
  expect(await limited.query(raw(`select current_setting('application_name') as name`))).toEqual([{ name: 'limited' }])
  await limited.close()
})

test('a server that can not be reached, with the reason and without the password', async () => {
  const url = new URL(created.url)
  const trial = async (change: (url: URL) => unknown, connectTimeoutMs = 20_000) => {
    const changed = new URL(url)
    changed.password = 's3cret'
    change(changed)
    const error: unknown = await connect({ url: changed.toString(), connectTimeoutMs }).catch(
      (reason: unknown) => reason,
    )
    expect(`${JSON.stringify(error)} ${String(error)}`).not.toContain('s3cret')
    return error
  }
  expect(await trial((to) => (to.port = '1'))).toMatchObject({ code: 'CONNECTION_REFUSED', retry: 'reconnect' })
  expect(await trial((to) => (to.hostname = 'nowhere.invalid'))).toMatchObject({ code: 'CONNECTION_REFUSED' })
  expect(await trial(() => undefined)).toMatchObject({ code: 'AUTHENTICATION_FAILED', retry: 'never' })
  expect(await trial((to) => (to.username = 'nobody'))).toMatchObject({ code: 'AUTHENTICATION_FAILED' })
  expect(await trial((to) => ((to.password = url.password), (to.pathname = '/missing')))).toMatchObject({
    code: 'UNKNOWN_DATABASE',
  })
  const unencrypted = await trial((to) => {
    to.password = url.password
    to.search = 'sslmode=verify-full'
  })
  expect(unencrypted).toMatchObject({ code: 'CONNECTION_REFUSED', message: expect.stringContaining('SSL') })
  const deaf = createServer().listen(0, '127.0.0.1')
  await once(deaf, 'listening')
  expect(await trial((to) => ((to.hostname = '127.0.0.1'), (to.port = `${portOf(deaf)}`)), 300)).toMatchObject({
    code: 'CONNECTION_REFUSED',
  })
  deaf.close()
})

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function single<T>(rows: readonly T[]): T {
  const [row] = rows
  if (row === undefined || rows.length > 1) throw new Error(`${rows.length} rows`)
  return row
}

async function eventually<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (tries === 20) throw error
    }
  }
}
