import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@freshet/client'
import pg from 'pg'
import { measurement } from './measurement.ts'
import { processorTime } from './processor-time.ts'
import { createOrders, insertOrders } from './shop.ts'
import type { Bench } from './stand.ts'

/**
 * Capture by WAL. What it costs writers: single statements of one client, one at a time, on a captured table and on an
 * equal one that is not, in turn, at the same wal_level. Ratio: cost against no capture. Nobody reads the stream
 * meanwhile, for that would only show how many processors there are; how fast it is read is a figure of its own: one
 * transaction of many rows, from its commit until the slot is confirmed beyond it, by time and by the processor time of
 * the process that reads, and how much memory that took above what the process had.
 */
const SINGLE_MS = 2_000
const ROUNDS = 4
const LARGE_ROWS = 1_000_000

const TABLES = { plain: 'orders_unread', streamed: 'orders_streamed' } as const
type Side = keyof typeof TABLES

export async function captureByWal(bench: Bench, client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  )
  if ((rows[0]?.version ?? 0) < 170_000) {
    bench.say('capture by WAL needs PostgreSQL 17')
    return
  }
  for (const table of Object.values(TABLES)) {
    bench.say(`filling ${table}`)
    await createOrders(client, table, Math.min(bench.rows, 100_000))
  }
  await bench.freshet.create({
    name: 'streamed',
    query: `select customer_id, product_id, sum(quantity) as quantity from ${TABLES.streamed} group by 1, 2`,
    schedule: 'manual',
    cdc: 'wal',
  })
  try {
    await single(bench)
    await large(bench, client)
  } finally {
    await bench.freshet.drop('streamed')
  }
}

async function single(bench: Bench): Promise<void> {
  const cases: Readonly<Record<string, (table: string, id: number) => pg.QueryConfig>> = {
    'single insert': (table, id) => ({
      name: `insert ${table}`,
      text: `insert into ${table} values ($1, 1 + $1::bigint % 10000, 1 + $1::bigint % 1000, 1, 'sold', 'a note', now())`,
      values: [id],
    }),
    'single update': (table, id) => ({
      name: `update ${table}`,
      text: `update ${table} set quantity = quantity + 1 where id = $1`,
      values: [1 + (id % 10_000)],
    }),
  }
  const client = new pg.Client({ connectionString: bench.database.url })
  await client.connect()
  try {
    await client.query('set synchronous_commit = off')
    let id = 100_000_000
    for (const [name, statement] of Object.entries(cases)) {
      const rates: Record<Side, number[]> = { plain: [], streamed: [] }
      const times: Record<Side, number[]> = { plain: [], streamed: [] }
      for (let round = 0; round < ROUNDS; round++) {
        bench.say(`${name} by WAL, round ${round + 1} of ${ROUNDS}`)
        const order: readonly Side[] = round % 2 === 0 ? ['plain', 'streamed'] : ['streamed', 'plain']
        for (const side of order) {
          const before = bench.local ? await processorTime(client) : 0
          const { done, seconds } = await statements(client, () => statement(TABLES[side], ++id))
          rates[side].push(done / seconds)
          if (bench.local) times[side].push(((await processorTime(client)) - before) / done)
        }
      }
      const [value, baseline] = [Math.max(...rates.streamed), Math.max(...rates.plain)]
      const figure = { suite: 'capture', case: name, metric: '1 client, by WAL', unit: 'statements/s' }
      bench.report(measurement({ ...figure, value, baseline, ratio: baseline / value }))
      if (!bench.local) continue
      const [time, plain] = [Math.min(...times.streamed) * 1_000, Math.min(...times.plain) * 1_000]
      const processor = { ...figure, metric: 'processor time, by WAL', unit: 'µs/statement' }
      bench.report(measurement({ ...processor, value: time, baseline: plain, ratio: time / plain }))
    }
  } finally {
    await client.end()
  }
}

async function statements(
  client: pg.Client,
  next: () => pg.QueryConfig,
): Promise<{ readonly done: number; readonly seconds: number }> {
  const started = performance.now()
  let done = 0
  while (performance.now() < started + SINGLE_MS) {
    await client.query(next())
    done++
  }
  return { done, seconds: (performance.now() - started) / 1000 }
}

async function large(bench: Bench, client: pg.Client): Promise<void> {
  const reader = await connect(bench.database.url)
  try {
    reader.startStream()
    await confirmed(client)
    bench.say(`one transaction of ${LARGE_ROWS} rows through the stream`)
    await client.query(insertOrders(TABLES.streamed, 200_000_000, LARGE_ROWS))
    const [memory, cpu, started] = [process.memoryUsage().rss, process.cpuUsage(), performance.now()]
    const most = await confirmed(client)
    const seconds = (performance.now() - started) / 1000
    const { user, system } = process.cpuUsage(cpu)
    const figure = { suite: 'capture', case: `WAL stream, ${LARGE_ROWS} rows` }
    const rate = (time: number) => LARGE_ROWS / time
    bench.report(measurement({ ...figure, metric: 'decoded and applied', value: rate(seconds), unit: 'rows/s' }))
    const perProcessor = rate((user + system) / 1e6)
    bench.report(measurement({ ...figure, metric: 'by processor time', value: perProcessor, unit: 'rows/s' }))
    bench.report(measurement({ ...figure, metric: 'memory', value: Math.max(0, most - memory) / 2 ** 20, unit: 'MB' }))
  } finally {
    await reader.close()
  }
}

/** Until everything that is committed now has been applied; the most memory that this process had meanwhile. */
async function confirmed(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ end: string }>(`select pg_current_wal_flush_lsn()::text as end`)
  let most = 0
  for (;;) {
    const reached = await client.query(
      `select from pg_replication_slots where database = current_database() and confirmed_flush_lsn >= $1::pg_lsn`,
      [rows[0]?.end],
    )
    most = Math.max(most, process.memoryUsage().rss)
    if (reached.rowCount === 1) return most
    await sleep(20)
  }
}
