import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createFreshet } from '@freshet/client'
import { startCoordinator } from '@freshet/coordinator'
import { connect, openReplication, parseLsn, raw, type StreamItem } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { expect, onTestFinished, test, vi } from 'vitest'
import { LONG } from '../length.ts'
import { type FaultLink, faultLink } from './fault-link.ts'

/**
 * Connections that broke without a word: what is sent is swallowed, and nothing ever comes. Whoever waits for an answer
 * is told, the sooner the less patience it has; a server that is at work is waited for.
 */
const QUERY = 'select g, count(*) as n from item group by g'

async function linked(): Promise<{ own: TestDatabase; link: FaultLink }> {
  const own = await createTestDatabase()
  const link = await faultLink(own.url)
  own.defer(async () => link[Symbol.asyncDispose]())
  onTestFinished(() => own.drop())
  return { own, link }
}

/** Not so impatient that a busy machine would be taken for a dead one. */
const impatient = { silenceMs: 1_000, connectTimeoutMs: 1_000 }

test.each(['open', 'hushed'] as const)('an answer that never comes, new connections are %s', async (afterwards) => {
  const { link } = await linked()
  const database = await connect({ url: link.url, ...impatient })
  const strike = () => {
    link.hush(afterwards)
    return Promise.resolve('nothing' as const)
  }
  for (const side of ['before', 'after'] as const) {
    link.listen({ at: 2, side, strike })
    const attempt = database.transaction((transaction) => transaction.query(raw('select 1')))
    await expect(attempt, side).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  }
  link.listen()
  expect(await database.query(raw('select 1 as one'))).toEqual([{ one: 1 }])
  link.hush(afterwards)
  await database.close()
})

test('a statement that takes long, or waits for a lock, is waited for', async () => {
  const { own } = await linked()
  const database = await connect({ url: own.url, silenceMs: 50 })
  const holder = await own.client()
  await holder.query('create table held ()')
  await holder.query('begin; lock table held')
  const asked = async () =>
    (
      await holder.query(
        "select from pg_stat_activity where state = 'active' and query like '%pg_catalog.pg_stat_activity where pid%'",
      )
    ).rowCount
  const waiting = database.query(raw('select count(*)::int as n from held'))
  // it has been asked after more than once, by connections that are not ours
  const before = await sessionsSoFar(holder)
  while ((await sessionsSoFar(holder)) < before + 4n) await asked()
  await holder.query('commit')
  expect(await waiting).toEqual([{ n: 0 }])
  await database.close()
})

async function sessionsSoFar(client: Awaited<ReturnType<TestDatabase['client']>>): Promise<bigint> {
  await client.query('select pg_stat_clear_snapshot()')
  const { rows } = await client.query<{ sessions: string }>(
    'select sessions from pg_stat_database where datname = current_database()',
  )
  return BigInt(rows[0]?.sessions ?? 0)
}

test('a scheduler goes on, and what it left on the server ends with the connection', async () => {
  const { own, link } = await linked()
  await own.database.query(
    raw(
      'create table item (id int primary key, g int); insert into item select i, i % 7 from generate_series(1, 50) i',
    ),
  )
  // the scheduler alone is impatient: it tries again, whatever it took for dead
  const patient = createFreshet(own.database, { databaseUrl: own.url })
  await patient.create({ name: 'counts', query: QUERY, mode: 'differential' })
  const hushed = () => connect({ url: link.url, ...impatient, applicationName: 'hushed' })
  const database = await vi.waitFor(hushed, 20_000)
  const freshet = createFreshet(database, { databaseUrl: link.url })
  const coordinator = startCoordinator({ database, refresher: freshet.refresher, capture: freshet.capture })
  try {
    for (let round = 0; round < (LONG ? 5 : 1); round++) {
      link.hush('open')
      await own.database.query(
        raw(`insert into item select i, i % 7 from generate_series(${1000 * round + 100}, ${1000 * round + 200}) i`),
      )
      // without an end to its patience, this would never be
      const fresh = async () => {
        const [row] = await own.database.query<{ fresh: boolean }>(
          raw('select (select sum(n) from counts) = (select count(*) from item) as fresh'),
        )
        return row?.fresh === true
      }
      while (!(await fresh())) await new Promise((resolve) => setTimeout(resolve, 20))
      await assertEqualToQuery(own.database, 'counts', QUERY)
    }
  } finally {
    await coordinator.drain()
    await freshet.close()
    await patient.drop('counts')
    link.cut('open')
  }
})

test('a stream of changes that fell silent ends; one that has nothing to say does not', async () => {
  const { own, link } = await linked()
  const admin = await own.client()
  await admin.query('create publication quiet')
  await admin.query(`select pg_create_logical_replication_slot('${own.name}_quiet', 'pgoutput')`)
  own.defer(async () => {
    link.cut('closed')
    await admin.query(
      `select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = '${own.name}_quiet'`,
    )
    await admin.query(`select pg_drop_replication_slot('${own.name}_quiet')`)
  })
  const stream = await openReplication({
    url: link.url,
    slot: `${own.name}_quiet`,
    from: parseLsn('0/0'),
    pluginOptions: { proto_version: '1', publication_names: 'quiet' },
    decode: () => null,
    silenceMs: 900,
  })
  // by itself the server says something after half a minute: these are its answers, over more than the time it has
  const items: StreamItem<null>[] = []
  while (items.length < 8) items.push(...(await stream.next()))
  link.hush('open')
  const ended = (async () => {
    for (;;) await stream.next()
  })()
  await expect(ended).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  await stream.close()
})

// with the patience that it has in use, which is minutes
test.runIf(LONG)(
  'a process whose network is swallowed in the middle of a refresh ends by itself',
  async () => {
    const { own, link } = await linked()
    await own.database.query(raw('create table ledger (account int, amount int)'))
    const freshet = createFreshet(await connect(own.url), { databaseUrl: own.url })
    await freshet.create({
      name: 'subject',
      query: 'select account, sum(amount) as s from ledger group by account',
      mode: 'differential',
    })
    await own.database.query(raw('insert into ledger select i, i from generate_series(1, 10) i'))
    const strike = () => {
      link.hush('hushed')
      return Promise.resolve('nothing' as const)
    }
    const child = fork(fileURLToPath(new URL('victim.ts', import.meta.url)), {
      execArgv: ['--conditions=@freshet/source'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    await once(child, 'message')
    link.listen({ at: 8, side: 'after', strike })
    child.send([link.url, 'refresh'])
    await once(child, 'exit')
    expect(link.exchanges().length).toBeGreaterThanOrEqual(8)
    expect(child.exitCode).toBe(1)
    link.cut('open')
    await freshet.refresh('subject')
    expect(await freshet.verify('subject')).toMatchObject({ equal: true })
    await freshet.drop('subject')
    await freshet.close()
  },
  600_000,
)
