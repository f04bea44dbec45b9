import { createTestDatabase } from '@freshet/testkit'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GraphAnswer, HistoryAnswer, SeriesAnswer, StatusAnswer } from './api.ts'
import { type Scheduler, startScheduler } from './scheduler.ts'
import { openShop, type Shop } from './shop.fixture.ts'

let shop: Shop
let scheduler: Scheduler

beforeAll(async () => {
  shop = await openShop()
  scheduler = await startScheduler({ databaseUrl: shop.own.url, port: 0, logLevel: 'silent' })
  shop.own.defer(() => scheduler.stop())
})

afterAll(() => shop.own.drop())

async function ask<T>(path: string): Promise<T> {
  const response = await fetch(scheduler.url + path)
  expect(response.status).toBe(200)
  return (await response.json()) as T
}

async function until(condition: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${condition.toString()}`)
    await sleep(20)
  }
}

async function isEqual(name: string): Promise<boolean> {
  return (await shop.freshet.verify(name)).equal
}

describe('a scheduler', () => {
  test('keeps the tables equal to their queries, the chain included', async () => {
    for (let i = 0; i < 20; i++) await shop.order(3)
    const [row] = await shop.freshet.database.query<{ n: string }>({
      text: 'select count(*) as n from orders',
      values: [],
    })
    await until(async () => {
      const [sum] = await shop.freshet.database.query<{ n: string }>({
        text: 'select sum(orders) as n from sales_by_country',
        values: [],
      })
      return sum?.n === row?.n
    })
    for (const { name } of await shop.freshet.list()) expect(await isEqual(name)).toBe(true)
    const { refreshes } = await ask<HistoryAnswer>('/api/history?limit=500')
    expect(new Set(refreshes.map(({ initiatedBy }) => initiatedBy))).toContain('scheduler')
  })

  test('works beside others, and every change is read once', async () => {
    const options = { databaseUrl: shop.own.url, port: 0, logLevel: 'silent' } as const
    const others = [await startScheduler(options), await startScheduler(options)]
    const read = async () => {
      const refreshes = await shop.freshet.history({ name: 'order_line', limit: 1_000 })
      return refreshes.reduce((sum, { changeRows }) => sum + changeRows, 0)
    }
    const before = await read()
    for (let i = 0; i < 60; i++) await shop.order(2)
    await until(async () => (await read()) - before >= 120)
    for (const { name } of await shop.freshet.list()) expect(await isEqual(name)).toBe(true)
    expect((await read()) - before).toBe(120)
    await Promise.all(others.map((other) => other.stop()))
  })

  test('answers for its health and its metrics', async () => {
    await until(async () => (await fetch(`${scheduler.url}/health`)).ok)
    expect(await ask('/health')).toEqual({ live: true, ready: true, reason: null })
    expect(await ask('/health/live')).toMatchObject({ live: true })
    const metrics = await (await fetch(`${scheduler.url}/metrics`)).text()
    expect(metrics).toMatch(/^freshet_ready 1$/m)
    expect(metrics).toMatch(/^freshet_refreshes_total\{stream_table="public.order_line",action="differential"\} [1-9]/m)
    expect(metrics).toMatch(/^process_cpu_seconds_total /m)
  })

  test('answers with status, graph, history and series', async () => {
    const { tables, ready, reason } = await ask<StatusAnswer>('/api/status')
    expect([ready, reason]).toEqual([true, null])
    expect(tables.map(({ name }) => name)).toEqual([
      'public.big_spender',
      'public.country',
      'public.order_line',
      'public.sales_by_country',
      'public.sales_by_product',
    ])
    expect(tables.find(({ name }) => name === 'public.country')).toMatchObject({ schedule: '1m', status: 'active' })
    const graph = await ask<GraphAnswer>('/api/graph')
    expect(graph.nodes).toContainEqual({ id: 'public.orders', kind: 'source' })
    expect(graph.nodes).toContainEqual({ id: 'public.order_line', kind: 'stream_table' })
    expect(graph.edges).toContainEqual({ from: 'public.order_line', to: 'public.sales_by_country' })
    const { refreshes } = await ask<HistoryAnswer>('/api/history?name=sales_by_country&limit=2')
    expect(refreshes.length).toBeGreaterThan(0)
    expect(refreshes.length).toBeLessThanOrEqual(2)
    for (const refresh of refreshes) expect(refresh.name).toBe('public.sales_by_country')
    const { samples } = await ask<SeriesAnswer>('/api/series')
    expect(samples.some((sample) => sample.refreshes > 0 && (sample.freshnessP50Ms ?? 0) > 0)).toBe(true)
  })

  test.each([
    ['/nowhere', 404, 'USAGE'],
    ['/api/history?limit=0', 400, 'USAGE'],
    ['/api/history?limit=many', 400, 'USAGE'],
    ['/api/history?name=nobody', 404, 'UNKNOWN_STREAM_TABLE'],
    ['/api/history?name=%22', 400, 'INVALID_NAME'],
    ['/..%2f..%2fpackage.json', 404, 'USAGE'],
  ])('GET %s is %d %s', async (path, status, code) => {
    const response = await fetch(scheduler.url + path)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { code } })
  })

  test('suspends a table that fails for good, with what to do, and the rest goes on', async () => {
    const { database } = shop.freshet
    await database.query({
      text: `insert into freshet.setting values ('error_backoff_min_ms', '5'), ('max_consecutive_errors', '2')`,
      values: [],
    })
    await shop.freshet.create({ name: 'ratio', query: 'select id, 100 / quantity as ratio from orders' })
    await sleep(1_200)
    await database.query({
      text: 'insert into orders (customer_id, product_id, quantity) values (1, 1, 0)',
      values: [],
    })
    await until(async () => (await shop.freshet.get('ratio')).status === 'suspended')
    const ratio = async () => {
      const { tables } = await ask<StatusAnswer>('/api/status')
      return tables.find(({ name }) => name === 'public.ratio')
    }
    await until(async () => (await ratio())?.status === 'suspended') // the answer is shared for two seconds
    expect(await ratio()).toMatchObject({
      lastError: { code: 'QUERY_FAILED', message: expect.stringContaining('division by zero') },
      statusReason: expect.stringContaining('gave up after 2 errors in a row'),
    })
    await until(() => isEqual('order_line'))
    await database.query({ text: 'update orders set quantity = 1 where quantity = 0', values: [] })
    await shop.freshet.resume('ratio')
    await until(async () => (await ratio())?.lagMs === 0) // the last attempt is a full refresh
    expect(await isEqual('ratio')).toBe(true)
    await shop.freshet.drop('ratio')
  })
})

describe('starting', () => {
  test('refuses a database without Freshet, an unknown address, and a port that is taken', async () => {
    await using bare = await createTestDatabase({ migrated: false })
    await expect(startScheduler({ databaseUrl: bare.url, port: 0 })).rejects.toMatchObject({ code: 'NOT_INSTALLED' })
    const closed = 'postgres://me:secret@127.0.0.1:1/none'
    await expect(startScheduler({ databaseUrl: closed, port: 0 })).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' })
    await expect(startScheduler({ databaseUrl: shop.own.url, port: scheduler.port })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('EADDRINUSE'),
    })
  })

  test('as a process it refreshes, says where it serves, and ends well on SIGTERM', async () => {
    await using own = await createTestDatabase()
    const main = fileURLToPath(new URL('./main.ts', import.meta.url))
    const child = spawn(process.execPath, ['--conditions=@freshet/source', main], {
      env: { ...process.env, DATABASE_URL: own.url, FRESHET_HTTP_PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const errors = text(child.stderr)
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    await until(() => Promise.resolve(/"url":"http:\/\/127\.0\.0\.1:\d+"/.test(output)))
    const url = /"url":"([^"]+)"/.exec(output)?.[1] ?? ''
    await until(async () => (await fetch(`${url}/health`)).ok)
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(await errors).toBe('')
    expect(output).toContain('"msg":"stopped"')
  })
})
