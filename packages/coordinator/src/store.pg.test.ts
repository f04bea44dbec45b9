import { type Database, FreshetError, raw, sql, trimBuffer } from '@freshet/core'
import type { TestDatabase } from '@freshet/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readCatalog } from './catalog.ts'
import { pollBuffers, pollPlan, refreshAges } from './poll.ts'
import { pruneHistory } from './prune.ts'
import { recordFailure, recordSuccess } from './record.ts'
import { databaseStore } from './store.ts'
import { countingTables, type CountingTables, ORDERS, stableNameOf } from './counting-tables.fixture.ts'

const DAY_MS = 86_400_000
const POLICY = { backoff: { baseMs: 500, maxMs: 60_000 }, maxConsecutiveErrors: 3 }

let tables: CountingTables
let own: TestDatabase
let database: Database

beforeEach(async () => {
  tables = await countingTables()
  own = tables.own
  database = tables.database
})

afterEach(() => own.drop())

describe.each([
  { name: 'the poll', few: 16, extra: false },
  { name: 'the poll, with a first look at each source', few: 1, extra: true },
  { name: 'the poll of many, after a first look', few: 0, extra: false },
  { name: 'the poll of many, one source at a time', few: 0, part: 1, extra: true },
])('$name', ({ few, part, extra }) => {
  async function pending(...ids: number[]) {
    return (await poll(...ids)).pending
  }
  async function poll(...ids: number[]) {
    if (extra) await quiet()
    return pollBuffers(database, pollPlan(await readCatalog(database), few, part), ids)
  }
  /** A second source, so that there is more than one. */
  async function quiet() {
    const known = await database.query(raw(`select from freshet.source where table_name = 'quiet'`))
    if (known.length > 0) return
    await tables.addSource('00000000000000cc', 'quiet', 'table', 'trigger')
    const id = await tables.addTable('reads_quiet', ['00000000000000cc'])
    await tables.refresher.refresh(id)
  }

  test('a table is pending from the commit of a change until its refresh', async () => {
    const a = await tables.addTable('a', [ORDERS])
    const b = await tables.addTable('b', [ORDERS])
    expect(await pending(a, b)).toEqual([])
    await tables.write()
    expect(await pending(a, b)).toEqual([a, b])
    expect(await pending(b)).toEqual([b])
    await tables.refresher.refresh(a)
    expect(await pending(a, b)).toEqual([b])
  })

  test('late committers: begun before the frontier, committed after it', async () => {
    const a = await tables.addTable('a', [ORDERS])
    const [early, late] = [await own.client(), await own.client()]
    const insert = `insert into freshet_changes.changes_${ORDERS} values (pg_current_xact_id(), 0, 1)`
    for (const client of [early, late]) await client.query(`begin; ${insert}`)
    await tables.write()
    await tables.refresher.refresh(a) // early and late are in the frontier's list of those in progress
    expect(await pending(a)).toEqual([])
    await late.query('commit')
    expect(await pending(a)).toEqual([a])
    await tables.refresher.refresh(a)
    expect(await pending(a)).toEqual([])
    await early.query('savepoint s; ' + insert + '; rollback to s; commit')
    expect(await pending(a)).toEqual([a])
    await tables.refresher.refresh(a)
    expect(await tables.total(a)).toMatchObject({ rows: 3 })
  })

  test('paused and backed-off tables are not pending, and the end of the back-off is told', async () => {
    const a = await tables.addTable('a', [ORDERS])
    const b = await tables.addTable('b', [ORDERS])
    await tables.write()
    await database.query(sql`update freshet.stream_table_state set status = 'paused' where stream_table_id = ${a}`)
    await database.query(sql`update freshet.stream_table_state set retry_at = clock_timestamp() + interval '1 minute'
      where stream_table_id = ${b}`)
    const answer = await poll(a, b)
    expect(answer.pending).toEqual([])
    expect(answer.retryInMs).toBeGreaterThan(58_000)
    expect(answer.retryInMs).toBeLessThanOrEqual(60_000)
    expect(await refreshAges(database, [a, b])).toEqual(new Map())
  })

  test('a buffer that is gone counts as changed', async () => {
    const a = await tables.addTable('a', [ORDERS])
    await database.query(raw(`drop table freshet_changes.changes_${ORDERS} cascade`))
    expect(await pending(a)).toEqual([a])
  })

  test('a source that is not captured is not asked', async () => {
    await tables.addSource('00000000000000bb', 'elsewhere', 'foreign', 'none')
    const a = await tables.addTable('a', [ORDERS])
    await database.query(sql`insert into freshet.dependency values (${a}, '00000000000000bb', '{}')`)
    expect(await pending(a)).toEqual([])
    expect((await readCatalog(database))[0]?.sources.map(({ captured, buffered }) => [captured, buffered])).toEqual([
      [true, true],
      [false, false],
    ])
  })

  test('costs nothing for the rows that wait to be cleaned up, and keeps no setting on the connection', async () => {
    const a = await tables.addTable('a', [ORDERS])
    const open = await own.client()
    await open.query('begin; select pg_current_xact_id()') // holds every later frontier's xmin back
    await tables.write(50_000)
    await tables.refresher.refresh(a)
    const store = databaseStore(database, tables.capture)
    const plan = await store.polling(async (poller) => {
      await poller.catalog()
      expect((await poller.poll([a])).pending).toEqual([])
      const startedAt = performance.now()
      for (let i = 0; i < 100; i++) await poller.poll([a])
      return (performance.now() - startedAt) / 100
    })
    expect(plan).toBeLessThan(5) // 50,000 rows read one by one take longer
    const settings = await database.query<{ setting: string }>(
      raw(`select name as setting from pg_settings where source = 'session' and name like 'enable%'`),
    )
    expect(settings).toEqual([])
  })
})

test('upkeep clears what the capture knows of, and what the others do', async () => {
  const capture = { ...tables.capture, removeLeftovers: () => Promise.resolve(['a slot']) }
  expect(await databaseStore(database, capture).clear()).toEqual(['a slot'])
  const removeLeftovers = () => Promise.resolve(['a new query'])
  expect(await databaseStore(database, capture, removeLeftovers).clear()).toEqual(['a slot', 'a new query'])
})

describe('failures', () => {
  const failure = (streamTable: number, error: FreshetError) => ({
    streamTable,
    error,
    durationMs: 12,
    initiatedBy: 'test',
    random: 0.5,
  })

  test('are counted, dated by the server, written down, and end in suspension', async () => {
    const a = await tables.addTable('a', [ORDERS])
    const error = new FreshetError('QUERY_FAILED', 'division by zero', { sqlState: '22012' })
    await recordFailure(database, POLICY, failure(a, error))
    expect(await tables.stateOf(a)).toMatchObject({
      status: 'active',
      status_reason: null,
      consecutive_errors: 1,
      last_error: { code: 'QUERY_FAILED', message: 'division by zero', sqlState: '22012' },
      retry_in: expect.closeTo(0.5, 0),
    })
    await recordFailure(database, POLICY, failure(a, error))
    const last = await recordFailure(database, POLICY, failure(a, error))
    expect(last).toMatchObject({ status: 'suspended', consecutiveErrors: 3 })
    expect(await tables.stateOf(a)).toMatchObject({
      status: 'suspended',
      status_reason: 'gave up after 3 errors in a row; the last was QUERY_FAILED: division by zero',
    })
    const history = await database.query(sql`
      select action, initiated_by, error ->> 'code' as code,
        round(extract(epoch from finished_at - started_at) * 1000)::int as ms
      from freshet.refresh_history where error is not null`)
    expect(history).toHaveLength(3)
    expect(history[0]).toMatchObject({ action: 'differential', initiated_by: 'test', code: 'QUERY_FAILED' })
  })

  test('of a paused table leave it paused; success takes the errors away', async () => {
    const a = await tables.addTable('a', [ORDERS])
    await database.query(sql`update freshet.stream_table_state set status = 'paused', status_reason = 'by hand'`)
    for (let i = 0; i < 5; i++) await recordFailure(database, POLICY, failure(a, new FreshetError('INTERNAL', 'x')))
    expect(await tables.stateOf(a)).toMatchObject({ status: 'paused', status_reason: 'by hand', consecutive_errors: 5 })
    await recordSuccess(database, a)
    expect(await tables.stateOf(a)).toMatchObject({ consecutive_errors: 0, last_error: null, retry_at: null })
  })

  test('of a table that is gone are nothing', async () => {
    expect(await recordFailure(database, POLICY, failure(99, new FreshetError('INTERNAL', 'x')))).toBeNull()
  })
})

describe('clean-up', () => {
  const oldHistory = async (id: number, rows: number) => {
    await database.query(raw('delete from freshet.refresh_history'))
    await database.query(sql`
      insert into freshet.refresh_history (stream_table_id, started_at, action, initiated_by)
      select ${id}, clock_timestamp() - (2 + i) * interval '1 day', 'full', 'test' from generate_series(1, ${rows}::int) i`)
  }
  const historyRows = async () => {
    const [row] = await database.query<{ n: number }>(raw('select count(*)::int as n from freshet.refresh_history'))
    return row?.n
  }

  test('removes what every consumer has read, in batches, and nothing else', async () => {
    const a = await tables.addTable('a', [ORDERS])
    const b = await tables.addTable('b', [ORDERS])
    await tables.write(10)
    await tables.refresher.refresh(a)
    expect(await trimBuffer(database, tables.capture, ORDERS, 100)).toBe(0)
    await tables.refresher.refresh(b)
    await tables.write(5)
    expect(await trimBuffer(database, tables.capture, ORDERS, 7)).toBe(7)
    expect(await trimBuffer(database, tables.capture, ORDERS, 7)).toBe(3)
    expect(await trimBuffer(database, tables.capture, ORDERS, 7)).toBe(0)
    await tables.refresher.refresh(a)
    expect(await tables.total(a)).toMatchObject({ rows: 15 })
  })

  test('a consumer that has not been filled holds everything; without consumers nothing is touched', async () => {
    const a = await tables.addTable('a', [ORDERS])
    await tables.write(10)
    expect(await trimBuffer(database, tables.capture, stableNameOf('a'), 100)).toBe(0)
    await tables.refresher.refresh(a)
    await database.query(sql`update freshet.stream_table_state set frontier = '{}'`)
    expect(await trimBuffer(database, tables.capture, ORDERS, 100)).toBe(0)
  })

  test('history past its time goes, oldest first, in batches', async () => {
    const a = await tables.addTable('a', [ORDERS])
    await database.query(raw('delete from freshet.refresh_history'))
    await database.query(sql`
      insert into freshet.refresh_history (stream_table_id, started_at, action, initiated_by)
      select ${a}, clock_timestamp() - day * interval '1 day', 'full', 'test' from generate_series(0, 9) as day`)
    expect(await pruneHistory(database, 4.5 * 86_400_000, 3)).toBe(3)
    expect(await pruneHistory(database, 4.5 * 86_400_000, 3)).toBe(2)
    expect(await pruneHistory(database, 4.5 * 86_400_000, 3)).toBe(0)
    const [left] = await database.query<{ oldest: number; count: number }>(
      raw(`
      select count(*)::int as count, round(extract(epoch from clock_timestamp() - min(started_at)) / 86400)::int as oldest
      from freshet.refresh_history`),
    )
    expect(left).toEqual({ count: 5, oldest: 4 })
  })

  test('schedulers prune side by side: neither takes the rows of the other, nor waits for them', async () => {
    const a = await tables.addTable('a', [ORDERS])
    await oldHistory(a, 10)
    const taken = await database.transaction(async (transaction) => {
      expect(await pruneHistory(transaction, DAY_MS, 4)).toBe(4)
      return [await pruneHistory(database, DAY_MS, 4), await pruneHistory(database, DAY_MS, 4)]
    })
    expect(taken).toEqual([4, 2])
    expect(await historyRows()).toBe(0)
  })

  test('a batch of history that runs is canceled by the signal, and undone; the connection is as before', async () => {
    const a = await tables.addTable('a', [ORDERS])
    await oldHistory(a, 10)
    const keeper = await own.client()
    await keeper.query('select pg_advisory_lock(4711)')
    await database.query(
      raw(`
      create function wait_for_it() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(4711); return old; end $$;
      create trigger wait_for_it before delete on freshet.refresh_history for each row execute function wait_for_it()`),
    )
    const stop = new AbortController()
    const store = databaseStore(database, tables.capture)
    const ended = store.prune(DAY_MS, 5, stop.signal).catch((error: unknown) => error)
    await expect
      .poll(() =>
        database.query(raw(`select from pg_locks where locktype = 'advisory' and objid = 4711 and not granted`)),
      )
      .toHaveLength(1)
    stop.abort()
    expect(await ended).toMatchObject({ code: 'STATEMENT_CANCELED' })
    await keeper.query('select pg_advisory_unlock(4711)')
    expect(await historyRows()).toBe(10)
    await expect(store.prune(DAY_MS, 5, stop.signal)).rejects.toMatchObject({ code: 'STATEMENT_CANCELED' })
    expect(await historyRows()).toBe(10)
    expect(await store.prune(DAY_MS, 5, new AbortController().signal)).toBe(5)
    expect(await historyRows()).toBe(5)
  })

  test('how long changes waited is added to the counts of the hour, and goes with the history', async () => {
    const [a, b] = [await tables.addTable('a', [ORDERS]), await tables.addTable('b', [ORDERS])]
    const store = databaseStore(database, tables.capture)
    const { signal } = new AbortController()
    const seen = { refreshes: 2, promised: 2, late: 1 }
    await store.recordFreshness([
      { streamTable: b, bucket: 3, ...seen },
      { streamTable: a, bucket: 60, ...seen },
      { streamTable: 9_999, bucket: 0, ...seen },
    ])
    await store.recordFreshness([{ streamTable: b, bucket: 3, refreshes: 1, promised: 0, late: 0 }])
    await store.recordFreshness([])
    const counts = () =>
      database.query(
        raw(`select stream_table_id as id, bucket, refreshes::int, promised::int, late::int,
          hour = date_trunc('hour', hour) as whole from freshet.freshness order by 1`),
      )
    expect(await counts()).toEqual([
      { id: a, bucket: 60, refreshes: 2, promised: 2, late: 1, whole: true },
      { id: b, bucket: 3, refreshes: 3, promised: 2, late: 1, whole: true },
    ])
    const days = () =>
      database.query(
        raw(`select stream_table_id as id, bucket, refreshes::int, promised::int, late::int,
          day = (statement_timestamp() at time zone 'UTC')::date as today from freshet.freshness_by_day order by 1, 2, today`),
      )
    expect(await days()).toEqual((await counts()).map(({ whole, ...count }) => ({ ...count, today: whole })))
    await database.query(raw('delete from freshet.refresh_history'))
    expect(await store.prune(48 * 3_600_000, 10, signal)).toBe(0)
    await database.query(raw(`update freshet.freshness set hour = hour - interval '72 hours' where bucket = 3`))
    const none = { refreshes: 0, promised: 0, late: 0 }
    expect(await days()).toEqual([
      { id: a, bucket: 60, refreshes: 2, promised: 2, late: 1, today: true },
      { id: b, bucket: 3, refreshes: 3, promised: 2, late: 1, today: false },
      { id: b, bucket: 3, ...none, today: true },
    ])
    expect(await store.prune(48 * 3_600_000, 1, signal)).toBe(1)
    expect(await counts()).toHaveLength(1)
    expect(await days()).toHaveLength(3)
    expect(await store.prune(48 * 3_600_000, 10, signal)).toBe(1)
    expect(await days()).toHaveLength(2)
  })
})
