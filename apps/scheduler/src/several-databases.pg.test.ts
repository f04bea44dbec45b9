import { connect } from '@freshet/client'
import { raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import type { StatusAnswer } from './api.ts'
import type { Health } from './health.ts'
import { type Scheduler, type SchedulerOptions, startScheduler } from './scheduler.ts'

/** Several databases in the care of one process: each is kept fresh, and none suffers from another one's trouble. */
const QUERY = 'select kind, count(*) as n from item group by kind'

let databases: TestDatabase[]
beforeEach(async () => {
  databases = [await createTestDatabase(), await createTestDatabase()]
  for (const own of databases) {
    onTestFinished(() => own.drop())
    await own.database.query(raw('create table item (id serial primary key, kind text)'))
    const freshet = await connect(own.url)
    own.defer(() => freshet.close())
    await freshet.create({ name: 'kinds', query: QUERY, schedule: 'live' })
  }
})

/** With what it logged. */
async function started(urls: readonly string[], more: Partial<SchedulerOptions> = {}) {
  const lines: Record<string, unknown>[] = []
  const log = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }
  const scheduler = await startScheduler({ databaseUrl: urls, port: 0, logLevel: 'info', log, ...more })
  // before the databases are dropped
  databases[0]?.defer(() => scheduler.stop())
  databases[1]?.defer(() => scheduler.stop())
  return { scheduler, lines }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20)
}

async function write(own: TestDatabase | undefined): Promise<void> {
  await own?.database.query(raw(`insert into item (kind) values ('a'), ('b')`))
  await until(async () => {
    const [row] = (await own?.database.query<{ fresh: boolean }>(
      raw('select (select sum(n) from kinds) = (select count(*) from item) as fresh'),
    )) ?? [{ fresh: true }]
    return row?.fresh ?? false
  })
  if (own !== undefined) await assertEqualToQuery(own.database, 'kinds', QUERY)
}

async function ask<T>(scheduler: Scheduler, path: string, status = 200): Promise<T> {
  const response = await fetch(scheduler.url + path)
  expect(response.status).toBe(status)
  return (await response.json()) as T
}

async function metrics(scheduler: Scheduler): Promise<string[]> {
  return (await (await fetch(`${scheduler.url}/metrics`)).text()).split('\n')
}

test('each is refreshed; health, metrics, answers and logs tell which', async () => {
  const { scheduler, lines } = await started(databases.map(({ url }) => url))
  for (const own of databases) await write(own)
  const [a = '', b = ''] = databases.map(({ name }) => name)
  const well = (database: string) => ({ database, live: true, ready: true, reason: null })
  expect(await ask(scheduler, '/health')).toEqual({ ...well(a), database: undefined, databases: [well(a), well(b)] })
  expect(await ask(scheduler, '/api/databases')).toEqual({ databases: [a, b] })
  for (const own of databases) {
    const { tables } = await ask<StatusAnswer>(scheduler, `/api/status?database=${own.name}`)
    expect(tables.map(({ name }) => name)).toEqual(['public.kinds'])
    const history = await ask<{ refreshes: unknown[] }>(scheduler, `/api/history?database=${own.name}`)
    expect(history.refreshes.length).toBeGreaterThan(1)
  }
  expect(await ask(scheduler, '/api/graph?database=nowhere', 400)).toMatchObject({
    error: { code: 'USAGE', hint: expect.stringContaining(a) },
  })
  const exposed = await metrics(scheduler)
  for (const { name } of databases) {
    expect(exposed).toContain(`freshet_ready{database="${name}"} 1`)
    const refreshed = `freshet_refreshes_total{stream_table="public.kinds",action="differential",database="${name}"}`
    expect(exposed.some((line) => line.startsWith(refreshed))).toBe(true)
  }
  // each metric is described once
  const described = exposed.filter((line) => line.startsWith('# TYPE '))
  expect(new Set(described).size).toBe(described.length)
  expect(exposed.some((line) => line.startsWith('process_cpu_seconds_total '))).toBe(true)
  expect(new Set(lines.map(({ database }) => database))).toEqual(new Set([a, b, undefined]))
})

test('one that fails, and comes back, disturbs no other', async () => {
  const [own, failing] = databases
  const { scheduler, lines } = await started(databases.map(({ url }) => url))
  await write(failing)
  const name = failing?.name ?? ''
  const admin = await own?.client()
  await admin?.query(`alter database ${name} allow_connections false`)
  await admin?.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '${name}'`)
  await until(async () => !(await ask<{ databases: Health[] }>(scheduler, '/health')).databases[1]?.ready)
  for (let i = 0; i < 3; i++) await write(own)
  expect(await ask(scheduler, '/health')).toMatchObject({
    live: true,
    ready: true,
    reason: expect.stringContaining(name),
  })
  const exposed = await metrics(scheduler)
  expect(exposed).toContain(`freshet_ready{database="${name}"} 0`)
  expect(exposed).toContain(`freshet_ready{database="${own?.name}"} 1`)
  await admin?.query(`alter database ${name} allow_connections true`)
  await until(async () => (await ask<{ databases: Health[] }>(scheduler, '/health')).databases[1]?.ready ?? false)
  await write(failing)
  expect(lines).toContainEqual(expect.objectContaining({ database: name, msg: 'polling interrupted' }))
})

test('one that is not there yet is taken care of as soon as it is', async () => {
  const [own] = databases
  await using late = await createTestDatabase({ migrated: false })
  const { scheduler, lines } = await started([late.url, own?.url ?? ''])
  late.defer(() => scheduler.stop())
  await write(own)
  expect(await ask(scheduler, '/health')).toMatchObject({ ready: true, reason: expect.stringContaining(late.name) })
  expect(await ask(scheduler, '/api/status', 500)).toMatchObject({ error: { code: 'NOT_INSTALLED' } })
  expect(lines).toContainEqual(expect.objectContaining({ database: late.name, msg: 'not connected' }))
  const freshet = await connect(late.url)
  late.defer(() => freshet.close())
  await freshet.init()
  await late.database.query(raw('create table item (id serial primary key, kind text)'))
  await freshet.create({ name: 'kinds', query: QUERY, schedule: 'live' })
  await write(late)
  expect(await ask(scheduler, '/health')).toMatchObject({ ready: true, reason: null })
})

test('refreshes that hang in one keep no worker from the other', async () => {
  const [stuck, own] = databases
  const freshet = await connect(stuck?.url ?? '')
  stuck?.defer(() => freshet.close())
  for (const name of ['more', 'most']) await freshet.create({ name, query: QUERY, schedule: 'live' })
  const { scheduler } = await started(
    databases.map(({ url }) => url),
    { workers: 2 },
  )
  const holder = await stuck?.client()
  await holder?.query('begin; lock table kinds, more, most in share mode')
  await stuck?.database.query(raw(`insert into item (kind) values ('held')`))
  const running = () => scheduler.view(stuck?.name).tables.filter((table) => table.running).length
  await until(() => Promise.resolve(running() > 0))
  let most = 0
  for (let i = 0; i < 5; i++) {
    await write(own)
    most = Math.max(most, running())
  }
  expect(most).toBe(1)
  await holder?.query('commit')
  await write(stuck)
  for (const name of ['kinds', 'more', 'most']) {
    await freshet.refresh(name)
    if (stuck !== undefined) await assertEqualToQuery(stuck.database, name, QUERY)
  }
})

test('none that can be reached, or one twice, is an error', async () => {
  await using bare = await createTestDatabase({ migrated: false })
  const closed = 'postgres://me:secret@127.0.0.1:1/none'
  await expect(startScheduler({ databaseUrl: [bare.url, closed], port: 0, logLevel: 'silent' })).rejects.toMatchObject({
    code: 'NOT_INSTALLED',
  })
  await expect(startScheduler({ databaseUrl: [bare.url, bare.url], port: 0 })).rejects.toMatchObject({ code: 'USAGE' })
})
