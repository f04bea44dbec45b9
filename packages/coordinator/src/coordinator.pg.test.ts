import { type Database, FreshetError, migrate, raw, type Refresher, sql } from '@freshet/core'
import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from './clock.ts'
import { type CoordinatorOptions, type RunningCoordinator, startCoordinator } from './coordinator.ts'
import type { CoordinatorEvent } from './events.ts'
import { countingTables, type CountingTables, ORDERS, stableNameOf } from './counting-tables.fixture.ts'

let tables: CountingTables
let own: TestDatabase
let database: Database
const running: RunningCoordinator[] = []

beforeEach(async () => {
  tables = await countingTables()
  own = tables.own
  database = tables.database
})

afterEach(async () => {
  for (const coordinator of running.splice(0)) await coordinator.drain()
  await own.drop()
})

function start(options: Partial<CoordinatorOptions> = {}) {
  const events: CoordinatorEvent[] = []
  const coordinator = startCoordinator({
    database,
    refresher: tables.refresher,
    capture: tables.capture,
    listener: (event) => events.push(event),
    ...options,
  })
  running.push(coordinator)
  return { coordinator, events }
}

async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${condition.toString()}`)
    await sleep(5)
  }
}

test('a chain follows its source, through new tables, a pause and a resume', async () => {
  const a = await tables.addTable('a', [ORDERS])
  const b = await tables.addTable('b', [stableNameOf('a')])
  const { coordinator, events } = start()
  await tables.write(3)
  await until(async () => (await tables.total(a)).rows === 3 && (await tables.total(b)).rows === 1)
  const c = await tables.addTable('c', [ORDERS])
  await sleep(1_300)
  await database.query(sql`update freshet.stream_table_state set status = 'paused' where stream_table_id = ${a}`)
  await tables.write(4)
  await until(async () => (await tables.total(c)).rows >= 4)
  expect((await tables.total(a)).rows).toBe(3)
  await database.query(sql`update freshet.stream_table_state set status = 'active' where stream_table_id = ${a}`)
  await until(async () => (await tables.total(a)).rows === 7 && (await tables.total(b)).rows === 2)
  await until(() => coordinator.view().tables.every(({ lagMs, pending }) => lagMs === 0 && !pending))
  expect(events).toContainEqual(expect.objectContaining({ kind: 'refreshed', table: { id: b, name: 'public.b' } }))
})

test('three schedulers beside each other count every change once, and clean up', async () => {
  const ids = [
    await tables.addTable('a', [ORDERS]),
    await tables.addTable('b', [ORDERS]),
    await tables.addTable('c', [ORDERS], '50ms'),
  ]
  for (let i = 0; i < 3; i++) start()
  for (let i = 0; i < 200; i++) await tables.write(2)
  await until(async () => (await Promise.all(ids.map((id) => tables.total(id)))).every(({ rows }) => rows === 400))
  await until(async () => {
    const [row] = await database.query<{ n: number }>(
      raw(`select count(*)::int as n from freshet_changes.changes_${ORDERS}`),
    )
    return row?.n === 0
  })
  expect((await Promise.all(ids.map((id) => tables.total(id)))).map(({ rows }) => rows)).toEqual([400, 400, 400])
})

test('a failing table is suspended with the reason; resumed, it catches up', async () => {
  await database.query(
    raw(`insert into freshet.setting values ('error_backoff_min_ms', '10'), ('max_consecutive_errors', '2')`),
  )
  const a = await tables.addTable('a', [ORDERS])
  tables.faults.set(a, new FreshetError('SOURCE_DROPPED', 'orders is gone'))
  const { events } = start()
  await tables.write()
  await until(async () => (await tables.stateOf(a))['status'] === 'suspended')
  expect(events.map(({ kind }) => kind).filter((kind) => kind === 'failed' || kind === 'suspended')).toEqual([
    'failed',
    'suspended',
  ])
  tables.faults.clear()
  await database.query(
    raw(`update freshet.stream_table_state set status = 'active', consecutive_errors = 0, retry_at = null`),
  )
  await until(async () => (await tables.total(a)).rows === 1)
})

test('when its connections are cut it comes back by itself', async () => {
  const a = await tables.addTable('a', [ORDERS])
  const { coordinator, events } = start()
  await tables.write()
  await until(async () => (await tables.total(a)).rows === 1)
  const killer = await own.client()
  for (let i = 0; i < 3; i++) {
    await killer.query(`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`)
    await killer.query(`insert into freshet_changes.changes_${ORDERS} values (pg_current_xact_id(), 0, 1)`)
    const rows = `select rows from total where id = ${a}`
    await until(async () => Number((await killer.query<{ rows: string }>(rows)).rows[0]?.rows) === 2 + i)
  }
  expect(events.some(({ kind }) => kind === 'interrupted')).toBe(true)
  await until(() => coordinator.view().trouble === null)
})

test('without the schema it waits until somebody installs it', async () => {
  const bare = await createTestDatabase({ migrated: false })
  const other = bare.database
  const { coordinator, events } = start({ database: other })
  await until(() => coordinator.view().trouble !== null)
  expect(events[0]).toMatchObject({ kind: 'interrupted', error: { code: 'UNKNOWN_RELATION' } })
  await migrate(other)
  await until(() => coordinator.view().trouble === null)
  await coordinator.drain()
  await bare.drop()
})

test('drain waits for the refresh that runs, no longer than it may, and starts nothing', async () => {
  const a = await tables.addTable('a', [ORDERS])
  const gate = new AbortController()
  const opened = once(gate.signal, 'abort')
  const slow: Refresher = { refresh: (id) => opened.then(() => tables.refresher.refresh(id)) }
  const { coordinator, events } = start({ refresher: slow })
  await tables.write()
  await until(() => coordinator.view().tables[0]?.running ?? false)
  expect(await coordinator.drain(50)).toEqual([{ id: a, name: 'public.a' }])
  gate.abort()
  expect(await coordinator.drain()).toEqual([])
  expect(events.at(-1)).toMatchObject({ kind: 'refreshed' })
  expect(await tables.total(a)).toMatchObject({ rows: 1 })
  await tables.write()
  await sleep(300)
  expect(await tables.total(a)).toMatchObject({ rows: 1 })
})

test('a cron pattern fires by the clock, and a calculated table is refreshed before the one that reads it', async () => {
  const base = await tables.addTable('base', [ORDERS], 'calculated')
  const report = await tables.addTable('report', [stableNameOf('base')], 'cron: 0 6 * * * Europe/Berlin')
  const quiet = await tables.addTable('quiet', [ORDERS], 'cron: 0 7 * * * Europe/Berlin')
  await tables.write(3)
  // the tables were filled just now, and in two seconds it is six in Berlin
  const origin = Date.parse('2030-07-01T04:00:00Z') - 2_000 - systemClock.now()
  await database.query(sql`update freshet.stream_table_state set refreshed_at = clock_timestamp()`)
  const { events } = start({ clock: { ...systemClock, origin: () => origin } })
  await until(async () => (await tables.total(report)).refreshes === 2)
  expect(events.flatMap((event) => (event.kind === 'refreshed' ? [event.table.id] : []))).toEqual([base, report])
  expect(await tables.total(base)).toMatchObject({ rows: 3, refreshes: 2 })
  expect(await tables.total(quiet)).toMatchObject({ rows: 0, refreshes: 1 })
})
