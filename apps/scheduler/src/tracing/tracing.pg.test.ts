import { connect, type FeedPage, type Freshet, type Subscription } from '@freshet/client'
import { raw, refreshTrace, databaseWord } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { type Scheduler, startScheduler } from '../scheduler.ts'
import { type OtlpReceiver, otlpReceiver, type ReceivedSpan } from './otlp-receiver.fixture.ts'

/** From a write to its refreshes to a subscriber, as a collector is told of it. */
const QUERIES = {
  kinds: 'select kind, count(*) as n, sum(1.0 / share) as shares from item group by kind',
  total: 'select sum(n) as n from kinds',
}

let own: TestDatabase
let freshet: Freshet
let receiver: OtlpReceiver
let scheduler: Scheduler

beforeEach(async () => {
  own = await createTestDatabase()
  onTestFinished(() => own.drop())
  receiver = await otlpReceiver()
  own.defer(async () => receiver[Symbol.asyncDispose]())
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', receiver.url)
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json')
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '20')
  onTestFinished(() => void vi.unstubAllEnvs())
  await own.database.query(
    raw('create table item (id int generated always as identity primary key, kind text not null, share int not null)'),
  )
  freshet = await connect(own.url)
  own.defer(() => freshet.close())
  for (const [name, query] of Object.entries(QUERIES))
    await freshet.create({ name, query, mode: 'differential', schedule: 'live' })
  scheduler = await started()
})

async function started(): Promise<Scheduler> {
  const another = await startScheduler({ databaseUrl: own.url, port: 0, tracing: true, logLevel: 'silent' })
  own.defer(() => another.stop())
  return another
}

async function untilFresh(): Promise<void> {
  await vi.waitFor(() => assertEqualToQuery(own.database, 'kinds', QUERIES.kinds), { timeout: 60_000 })
}

const write = (rows: string) => own.database.query(raw(`insert into item (kind, share) values ${rows}`))

const of = (name: string, more: Readonly<Record<string, unknown>> = {}) => {
  return (span: ReceivedSpan) =>
    span.name === name && Object.entries(more).every(([key, value]) => span.attributes[key] === value)
}

async function historyOf(name: string, refreshId: unknown): Promise<Record<string, unknown> | undefined> {
  const [entry] = (await freshet.history({ name })).filter((each) => each.refreshId === refreshId)
  if (entry === undefined) return undefined
  const { action, changeRows, rowsInserted, rowsDeleted } = entry
  return { action, changeRows, rowsInserted, rowsDeleted }
}

async function next<Row>(feed: Subscription<Row>): Promise<FeedPage<Row>> {
  const { value } = (await feed.next()) as IteratorResult<FeedPage<Row>, undefined>
  if (value === undefined) throw new Error('the feed has ended')
  return value
}

const place = ({ traceId, spanId }: ReceivedSpan) => ({ traceId, spanId })

test('a write, the two refreshes that it leads to, and the page that a subscriber gets', async () => {
  const feed = await freshet.subscribe<{ n: string }>('total', { from: 'now', durable: false })
  await write(`('a', 1), ('b', 2)`)
  const committed = BigInt(Date.now() + 1) * 1_000_000n
  const page = await next(feed)
  expect(page.changes.filter(({ weight }) => weight > 0).map(({ row }) => row)).toEqual([{ n: '2' }])
  for (const [name, query] of Object.entries(QUERIES)) await assertEqualToQuery(own.database, name, query)

  const delivered = await receiver.span(of('deliver public.total', { 'freshet.batch': 'changes' }))
  const total = await receiver.span(({ spanId }) => delivered.links.some((link) => link.spanId === spanId))
  expect(total.name).toBe('refresh public.total')
  expect(delivered.links).toEqual([place(total)])
  expect(delivered.attributes).toMatchObject({ 'freshet.stream_table': 'public.total', 'freshet.refreshes': 1 })
  expect(delivered.end).toBeGreaterThan(delivered.start)

  // the wave before it
  expect(total.links).toHaveLength(1)
  const kinds = await receiver.span(({ spanId }) => total.links.some((link) => link.spanId === spanId))
  expect(total.links).toEqual([place(kinds)])
  expect(kinds.name).toBe('refresh public.kinds')
  expect(kinds.links).toEqual([])

  // what was refreshed, as the history has it; and the places follow from its numbers
  const word = await databaseWord(own.database)
  for (const span of [kinds, total]) {
    const { attributes } = span
    const name = span.name.replace('refresh ', '')
    expect(await historyOf(name, attributes['freshet.refresh_id'])).toEqual({
      action: attributes['freshet.action'],
      changeRows: attributes['freshet.change_rows'],
      rowsInserted: attributes['freshet.rows_inserted'],
      rowsDeleted: attributes['freshet.rows_deleted'],
    })
    expect(place(span)).toEqual(refreshTrace(word, String(attributes['freshet.refresh_id'])))
    expect(span).toMatchObject({ parentSpanId: undefined, error: null, service: 'freshet-scheduler' })
    expect(attributes).toMatchObject({ 'db.namespace': own.name, 'freshet.stream_table': name })
  }
  expect(kinds.attributes).toMatchObject({ 'freshet.change_rows': 2, 'freshet.rows_inserted': 2 })
  // it begins before the write and ends after it
  expect(kinds.start).toBeLessThan(committed)

  // and what became of the time
  const parts = await Promise.all(
    ['wait', 'poll', 'run'].map((name) =>
      receiver.span((span) => span.name === name && span.traceId === kinds.traceId),
    ),
  )
  const [wait, poll, run] = parts
  expect(parts.map((span) => span.parentSpanId)).toEqual([kinds.spanId, wait?.spanId, kinds.spanId])
  expect([wait?.start, wait?.end, run?.end]).toEqual([kinds.start, run?.start, kinds.end])
  for (const span of parts) expect(span.end).toBeGreaterThanOrEqual(span.start)
  expect(poll?.start).toBeGreaterThanOrEqual(kinds.start)
  expect(poll?.end).toBeLessThanOrEqual(run?.start ?? 0n)
  await feed.close()
})

test('a batch of several refreshes points at each of them', async () => {
  const feed = await freshet.subscribe('kinds', { from: 'now', durable: false })
  await write(`('a', 1)`)
  await next(feed)
  const known = new Set([(await receiver.span(of('refresh public.kinds'))).spanId])
  // while the reader has not asked for more
  const brought: ReceivedSpan[] = []
  for (const kind of ['b', 'c']) {
    await write(`('${kind}', 1)`)
    brought.push(await receiver.span((span) => of('refresh public.kinds')(span) && !known.has(span.spanId)))
    for (const { spanId } of brought) known.add(spanId)
  }
  const second = await next(feed)
  expect(second.changes).toHaveLength(2)
  const delivered = await receiver.span(of('deliver public.kinds', { 'freshet.refreshes': 2 }))
  expect(delivered.links).toEqual(brought.map(place))
  expect(delivered.attributes).toMatchObject({ 'freshet.rows': 2, 'freshet.pages': 1 })
  await assertEqualToQuery(own.database, 'kinds', QUERIES.kinds)
  await feed.close()
})

test('a refresh that fails is a span with the code of its error', async () => {
  await write(`('a', 0)`)
  const failed = await receiver.span((span) => span.name === 'refresh public.kinds' && span.error !== null)
  expect(failed.attributes['error.type']).toBe('QUERY_FAILED')
  expect(failed.error).toContain('division by zero')
  await own.database.query(raw('delete from item where share = 0'))
  // by hand: it may have been suspended meanwhile
  await freshet.refresh('total', { upstream: true })
  for (const [name, query] of Object.entries(QUERIES)) await assertEqualToQuery(own.database, name, query)
})

test('at the end, what was not sent yet is sent; a collector that is away holds nobody up', async () => {
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '3600000')
  await scheduler.stop()
  const slow = await started()
  await write(`('z', 1)`)
  await untilFresh()
  await slow.stop()
  const refreshed = await receiver.span(of('refresh public.kinds'))
  expect(refreshed.attributes).toMatchObject({ 'freshet.change_rows': 1 })

  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:1')
  const alone = await started()
  await write(`('y', 1)`)
  await untilFresh()
  await alone.stop()
})
