import { connect } from '@freshet/client'
import { raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase } from '@freshet/testkit'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startScheduler } from './scheduler.ts'

/** Objectives: how they are set and kept, and what is said of those that were missed. */
const QUERY = 'select kind, sum(n) as n from item group by kind'

let own: Awaited<ReturnType<typeof createTestDatabase>>
let freshet: Awaited<ReturnType<typeof connect>>
const run = (script: string) => own.database.query<Record<string, unknown>>(raw(script))

beforeAll(async () => {
  own = await createTestDatabase()
  await run(`create table item (id int generated always as identity primary key, kind text not null, n int not null);
    insert into item (kind, n) select 'k' || i % 3, i from generate_series(1, 9) i`)
  freshet = await connect(own.url)
  own.defer(() => freshet.close())
})
afterAll(() => own.drop())

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 30_000
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not in time: ${condition.toString()}`)
    await sleep(20)
  }
}

const summaryOf = async (name: string, target = 0.99) => {
  const found = (await freshet.slaSummary({ target })).find((entry) => entry.name === `public.${name}`)
  if (found === undefined) throw new Error(`no ${name}`)
  return found
}

/** Of a stream table: that so many refreshes were in these buckets, and so many of each late. */
async function pretend(name: string, buckets: Readonly<Record<number, readonly [refreshes: number, late: number]>>) {
  await run(`delete from freshet.freshness; delete from freshet.freshness_by_day; delete from freshet.refresh_history`)
  for (const [bucket, [refreshes, late]] of Object.entries(buckets))
    await run(`insert into freshet.freshness
      select stream_table_id, date_trunc('hour', now()), ${bucket}, ${refreshes}, ${refreshes}, ${late}
      from freshet.stream_table where table_name = '${name}'`)
}

test('an SLA and a tier are given, altered, taken away, and go with a dump', async () => {
  await expect(freshet.create({ name: 'x', query: QUERY, sla: 'soon' })).rejects.toMatchObject({ code: 'USAGE' })
  expect(await freshet.create({ name: 'given', query: QUERY, sla: '1.5s', tier: 'cold' })).toMatchObject({
    slaMs: 1_500,
    tier: 'cold',
  })
  expect(await freshet.alter('given', { schedule: '5s' })).toMatchObject({ slaMs: 1_500, tier: 'cold' })
  expect(await freshet.alter('given', { sla: null })).toMatchObject({ slaMs: null, tier: 'cold' })
  expect(await freshet.alter('given', { tier: 'frozen', sla: '2m' })).toMatchObject({ slaMs: 120_000, tier: 'frozen' })
  await expect(freshet.alter('given', { sla: '0ms', tier: 'hot' })).rejects.toMatchObject({ code: 'USAGE' })
  const document = await freshet.dump()
  await freshet.drop('given')
  expect(await freshet.restore(document)).toMatchObject({ created: ['public.given'], failed: [] })
  expect(await freshet.get('given')).toMatchObject({ slaMs: 120_000, tier: 'frozen', schedule: '5s' })
  await assertEqualToQuery(own.database, 'given', QUERY)
  await freshet.drop('given')
})

test('what a scheduler did is in the summary', async () => {
  await freshet.create({ name: 'kept', query: QUERY, sla: '1h' })
  await freshet.create({ name: 'missed', query: QUERY, sla: '1ms' })
  await freshet.create({ name: 'free', query: QUERY })
  const scheduler = await startScheduler({ databaseUrl: own.url, port: 0, logLevel: 'silent' })
  await run(`insert into item (kind, n) values ('k1', 1000)`)
  const metrics = async () => (await fetch(new URL('/metrics', scheduler.url))).text()
  const line = /^freshet_sla_refreshes_total\{stream_table="public.kept",met="yes"\} [1-9]/m
  await until(async () => line.test(await metrics()) && (await run(`select from missed where n > 1000`)).length === 1)
  expect(await metrics()).toMatch(/^freshet_sla_seconds\{stream_table="public.kept"\} 3600$/m)
  expect(await metrics()).not.toMatch(/^freshet_sla_seconds\{stream_table="public.free"\}/m)
  // what is not written yet is written when it stops
  await scheduler.stop()
  expect(await summaryOf('kept')).toMatchObject({ slaMs: 3_600_000, shareMet: 1, budgetLeft: 1, recommendation: null })
  expect(await summaryOf('missed')).toMatchObject({ slaMs: 1, shareMet: 0 })
  expect((await summaryOf('missed')).recommendation).toMatch(/SLA/)
  expect(await summaryOf('free')).toMatchObject({ slaMs: null, shareMet: null, budgetLeft: null, recommendation: null })
  expect((await summaryOf('free')).refreshes).toBeGreaterThan(0)
  // by the day as by the hour
  const counted = (lookback: string) =>
    run(`select stream_table_id, refreshes, share_met, p99
    from freshet.sla_summary('${lookback}') order by 1`)
  expect(await counted('2 days')).toEqual(await counted('47 hours'))
  for (const name of ['kept', 'missed', 'free']) await assertEqualToQuery(own.database, name, QUERY)
})

test('shares, percentiles and budget', async () => {
  await freshet.alter('kept', { sla: '500ms' })
  await pretend('kept', { 4: [600, 0], 8: [390, 0], 20: [10, 10] })
  expect(await summaryOf('kept')).toMatchObject({ refreshes: 1_000, shareMet: 0.99, p50Ms: 4, p95Ms: 16, p99Ms: 16 })
  expect((await summaryOf('kept')).budgetLeft).toBeCloseTo(0)
  expect((await summaryOf('kept', 0.98)).budgetLeft).toBeCloseTo(0.5)
  expect((await summaryOf('kept', 0.999)).budgetLeft).toBeCloseTo(-9)
  expect((await summaryOf('kept', 0.98)).recommendation).toBeNull()
  expect((await summaryOf('kept', 0.999)).recommendation).toContain('an SLA of 20ms')
  await pretend('kept', { 4: [600, 0], 8: [380, 0], 20: [20, 20] })
  expect((await summaryOf('kept')).p99Ms).toBe(1_024)
  await expect(freshet.slaSummary({ target: 1 })).rejects.toMatchObject({ code: 'QUERY_FAILED', sqlState: '22023' })
})

test('each reason of missing it has its own advice', async () => {
  const advice = async (change: Parameters<typeof freshet.alter>[1], tookMs = 5) => {
    await freshet.alter('missed', change)
    await pretend('missed', { 21: [100, 100] })
    await run(`insert into freshet.refresh_history (stream_table_id, started_at, finished_at, action, initiated_by)
      select stream_table_id, now(), now() + ${tookMs} * interval '1 ms', 'differential', 'test'
      from freshet.stream_table where table_name = 'missed'`)
    return (await summaryOf('missed')).recommendation
  }
  const started = { sla: '500ms', schedule: 'live', tier: 'hot' } as const
  expect(await advice(started)).toMatch(/^its refreshes are quick enough, .* or an SLA of 1.5s$/)
  expect(await advice(started, 700)).toMatch(/^its refreshes alone take 700ms: a longer SLA \(1.5s would be met\)/)
  expect(await advice({ ...started, schedule: '1m' })).toBe('a schedule of at most 490ms, or an SLA of 1.5s')
  expect(await advice({ ...started, schedule: '1s', sla: '50ms' })).toBe('the schedule live, or an SLA of 1.5s')
  expect(await advice({ ...started, tier: 'warm' })).toBe('the tier hot, or an SLA of 1.5s')
  expect(await advice({ ...started, schedule: 'cron: 0 6 * * *' })).toMatch(/^live or a duration for a schedule/)
  expect(await advice({ ...started, schedule: 'calculated' })).toMatch(/^a shorter schedule of what reads it/)
  expect(await advice({ ...started, schedule: 'manual' })).toMatch(/^nothing refreshes it/)
  expect(await advice({ ...started, tier: 'frozen' })).toMatch(/^nothing refreshes it/)
  expect(
    await run(`select freshet.option_of_ms(61000, true) as up, freshet.option_of_ms(61000, false) as down,
    freshet.option_of_ms(7300000, true) as hours`),
  ).toEqual([{ up: '2m', down: '1m', hours: '3h' }])
})
