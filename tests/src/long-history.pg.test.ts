import { connect, type Freshet } from '@freshet/client'
import { pruneHistory } from '@freshet/coordinator'
import { raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

/**
 * Over a long history, what asks it reads a few of its blocks: by the server's own count, so it does not matter how busy
 * the machine is.
 */
const QUERIES = { kinds: 'select kind, count(*) as n from item group by kind', few: 'select id from item where id < 3' }
const ROWS = 200_000
const DAY_MS = 86_400_000

let own: TestDatabase
const run = (script: string) => own.database.query<Record<string, unknown>>(raw(script))

beforeAll(async () => {
  own = await createTestDatabase()
  await run(
    `create table item (id int primary key, kind text not null); insert into item select i, 'k' || i % 3 from generate_series(1, 9) i`,
  )
  const freshet = await connect(own.url)
  own.defer(() => freshet.close())
  for (const [name, query] of Object.entries(QUERIES)) {
    await freshet.create({ name, query, schedule: 'manual', sla: '10ms' })
    await assertEqualToQuery(own.database, name, query)
  }
  // autovacuum would read it while blocks are counted
  await run('alter table freshet.refresh_history set (autovacuum_enabled = off)')
  const filler = await own.client()
  // thirty days, in the order of time; and each missed its objective, so that the summary says why
  await filler.query(`
    insert into freshet.refresh_history (stream_table_id, started_at, finished_at, action, initiated_by, change_rows)
    select (select (array_agg(stream_table_id order by 1))[1 + i % 2] from freshet.stream_table), made.at,
      made.at + interval '20 ms', 'differential', 'test', 1
    from generate_series(1, ${ROWS}) i
      cross join lateral (select clock_timestamp() - (${ROWS} - i) * interval '30 days' / ${ROWS} as at) made;
    insert into freshet.freshness select stream_table_id, date_trunc('hour', clock_timestamp()), 12, 10, 10, 10 from freshet.stream_table`)
  await filler.query('vacuum analyze freshet.refresh_history')
  // what it has touched is counted when it is gone, at the latest
  const { rows } = await filler.query<{ pid: number }>('select pg_backend_pid() as pid')
  await filler.end()
  while ((await run(`select from pg_stat_activity where pid = ${rows[0]?.pid}`)).length > 0);
})
afterAll(() => own.drop())

const blocks = async () => {
  const [row] = await run(`select (heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)::float8 as n
    from pg_statio_user_tables where relid = 'freshet.refresh_history'::regclass`)
  return Number(row?.['n'])
}

/** Blocks of the history and its indexes that the work touched: a process adds up before it is gone. */
async function touched(work: (freshet: Freshet) => Promise<unknown>): Promise<number> {
  const before = await blocks()
  const freshet = await connect({ databaseUrl: own.url, applicationName: 'measured' })
  await work(freshet)
  await freshet.close()
  await expect.poll(() => run(`select from pg_stat_activity where application_name = 'measured'`)).toEqual([])
  return (await blocks()) - before
}

test.each<[string, number, (freshet: Freshet) => Promise<unknown>]>([
  ['the status in SQL', 50, ({ database }) => database.query(raw('select * from freshet.stream_tables_status'))],
  ['the summary of objectives', 500, (freshet) => freshet.slaSummary()],
  ['the status', 500, (freshet) => freshet.status()],
  ['the status of one', 500, (freshet) => freshet.status('few')],
  ['the last refreshes', 100, (freshet) => freshet.history({ limit: 20 })],
  ['the last refreshes of one', 100, (freshet) => freshet.history({ name: 'few', limit: 20 })],
  ['a look for what is past its time', 50, ({ database }) => pruneHistory(database, 60 * DAY_MS, 5_000)],
])('%s reads no more than %i blocks', async (_, most, work) => {
  const read = await touched(work)
  expect(read).toBeGreaterThan(0)
  expect(read).toBeLessThanOrEqual(most)
})

test('a summary of objectives that were missed looks at the last refreshes, and the last hour has its figures', async () => {
  const freshet = await connect(own.url)
  own.defer(() => freshet.close())
  expect(await freshet.slaSummary()).toMatchObject(
    Array.from({ length: 2 }, () => ({ recommendation: expect.any(String) })),
  )
  const [few] = await freshet.status('few')
  expect(few?.refreshes.p50Ms).toBeCloseTo(20)
  // of both: what thirty days have in an hour
  expect(few?.refreshes.count).toBeGreaterThan(ROWS / 30 / 24 / 2 - 5)
  expect(few?.refreshes.count).toBeLessThanOrEqual(ROWS / 30 / 24 / 2 + 5)
})

test('a batch removes as many as it may, and reads in proportion to them', async () => {
  expect(await touched(({ database }) => pruneHistory(database, 29 * DAY_MS, 1_000))).toBeLessThan(20_000)
  expect(await run('select count(*)::int as n from freshet.refresh_history')).toEqual([{ n: ROWS + 2 - 1_000 }])
})
