import { connect, type Freshet } from '@freshet/client'
import { type Database, raw } from '@freshet/core'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { parseConfig } from './config/config.ts'
import { FORMATS } from './envelope/envelope.ts'
import { outboxWorld, type OutboxWorld } from './outbox/outbox.fixture.ts'
import { runPipeline } from './pipeline.ts'
import type { Sink } from './sink.ts'

/** A sink that is slower than what is written: what was read and is not delivered stays within its bounds, all the while. */
interface Held {
  readonly rows: number
  readonly bytes: number
}

/** A reader that does not read ahead in this time does not. */
const PATIENCE_MS = 20_000

test.each([
  ['by their number', 'sink_max_inflight: 100', 200, { rows: 102, bytes: 200_000 }, { rows: 90, bytes: 0 }],
  ['by their bytes', 'sink_max_bytes: 65536', 5_000, { rows: 1_002, bytes: 65_536 }, { rows: 2, bytes: 40_000 }],
] as const)('messages of an outbox are bounded %s', async (_, bound, length, most, least) => {
  await using world = await outboxWorld()
  await world.database.query(
    raw(`insert into outbox (topic, key, payload)
      select 't', (i % 3)::text, jsonb_build_object('x', repeat('x', ${length})) from generate_series(1, 400) i`),
  )
  const { peak, delivered } = await relayed(world, bound, '{ outbox: outbox }', 400, least)
  expect(delivered).toBe(400)
  expect(peak.rows).toBeLessThanOrEqual(most.rows)
  expect(peak.bytes).toBeLessThanOrEqual(most.bytes)
  // it does read ahead
  expect(peak.rows).toBeGreaterThanOrEqual(least.rows)
  expect(peak.bytes).toBeGreaterThanOrEqual(least.bytes)
})

test('rows of a stream table are bounded by their bytes', async () => {
  await using world = await outboxWorld()
  const { database, test: own } = world
  await database.query(raw('create table notes (id int primary key, filling text)'))
  await database.query(raw(`insert into notes select i, repeat('x', 5000) from generate_series(1, 300) i`))
  const freshet = await connect(own.url)
  own.defer(() => freshet.close())
  await freshet.create({ name: 'copy', query: 'select id, filling from notes', schedule: 'manual' })
  const { largest, delivered } = await relayed(world, 'sink_max_bytes: 65536', '{ stream_table: copy }', 300)
  expect(delivered).toBe(300)
  // two of these are held, and what the feed reads is bounded by its own test
  expect(largest).toBeLessThanOrEqual(65_536 / 2)
  expect(largest).toBeGreaterThan(5_200)
})

async function relayed(
  { test: own }: OutboxWorld,
  bound: string,
  source: string,
  total: number,
  least: Held = { rows: 0, bytes: 0 },
): Promise<{ readonly peak: Held; readonly largest: number; readonly delivered: number }> {
  const text = `relays:\n  slow:\n    source: ${source}\n    format: plain\n    ${bound}\n    sink: { kind: stdout }\n`
  const config = parseConfig(text, {}).config.relays['slow']
  if (config === undefined) throw new Error('there is no relay')
  const held = { rows: 0, bytes: 0 }
  const peak = { rows: 0, bytes: 0 }
  let delivered = 0
  let largest = 0
  const ending = new AbortController()
  const sink: Sink = {
    guarantee: 'at least once',
    open: () => Promise.resolve(null),
    deliver: async (messages) => {
      // whoever reads could read on in so many turns, and on a machine that is busy it takes longer, once
      const until = delivered === 0 ? performance.now() + PATIENCE_MS : 0
      const isAhead = () => peak.rows >= least.rows && peak.bytes >= least.bytes
      for (let i = 0; i < 50 || (!isAhead() && performance.now() < until); i++) await turn()
      const bytes = messages.reduce((sum, { value }) => sum + (value?.byteLength ?? 0), 0)
      largest = Math.max(largest, bytes)
      held.rows -= messages.length
      held.bytes -= bytes
      delivered += messages.length
      if (delivered === total) ending.abort()
    },
    close: () => Promise.resolve(),
  }
  const freshet = await connect(own.url)
  own.defer(() => freshet.close())
  const heard = (rows: readonly Record<string, unknown>[]) => {
    for (const { payload, json } of rows) {
      const value = payload ?? json
      if (typeof value !== 'string') continue
      held.rows++
      held.bytes += Buffer.byteLength(value)
    }
    peak.rows = Math.max(peak.rows, held.rows)
    peak.bytes = Math.max(peak.bytes, held.bytes)
  }
  const encoding = { format: FORMATS.plain, route: { topic: config.topic, key: config.key }, transform: null }
  await runPipeline(
    {
      name: 'slow',
      config,
      freshet: overheard(freshet, heard),
      encoding,
      createSink: () => sink,
      listener: (notice) => {
        if (notice.kind === 'failed') process.stderr.write(`slow: ${notice.error.message}\n`)
      },
    },
    ending.signal,
  )
  return { peak, largest, delivered }
}

/** The same, and every answer of the database is told. */
function overheard(freshet: Freshet, heard: (rows: readonly Record<string, unknown>[]) => void): Freshet {
  const listening = <T extends object>(of: T, own: Partial<Record<string, unknown>>): T =>
    new Proxy(of, {
      get: (target, name) => {
        if (typeof name === 'string' && name in own) return own[name]
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  const { database } = freshet
  const query: Database['query'] = async (...asked) => {
    const rows = await database.query(...asked)
    heard(rows)
    return rows as never
  }
  return listening(freshet, { database: listening(database, { query }) })
}
