import { setTimeout as sleep } from 'node:timers/promises'
import { freshnessUnderLoad } from './freshness-load.ts'
import { measurement, percentile } from './measurement.ts'
import { processTime } from './processor-time.ts'
import { startSchedulerProcess, stopSchedulerProcess } from './scheduler-process.ts'
import type { Bench } from './stand.ts'

/**
 * How old an answer is: from COMMIT returning in the writer to the change being visible in a `live` stream table, with
 * the scheduler as a process of its own; and what that process costs when nothing happens.
 */
const WRITERS = 4
const PER_SECOND = 200
const RUN_MS = 15_000
const IDLE_TABLES = 50
const IDLE_MS = 20_000
const POLL_MS = 1

export async function freshness(bench: Bench): Promise<void> {
  await idle(bench)
  await live(bench)
  await freshnessUnderLoad(bench)
}

async function live(bench: Bench): Promise<void> {
  const client = await bench.database.client()
  await client.query(
    'create table events (id bigint generated always as identity primary key, writer int not null, seq int not null, amount numeric)',
  )
  await bench.freshet.create({
    name: 'by_writer',
    query: 'select writer, max(seq) as seq, sum(amount) as amount, count(*) as events from events group by writer',
    schedule: 'live',
  })
  bench.say(`${PER_SECOND} transactions a second for ${RUN_MS / 1000} s`)
  const scheduler = startSchedulerProcess(bench)
  try {
    await sleep(2_000)
    const { ages, seconds } = await writeAndWatch(bench)
    const figure = (metric: string, value: number, unit: string) =>
      bench.report(measurement({ suite: 'freshness', case: `${PER_SECOND} tx/s`, metric, value, unit }))
    figure('p50', percentile(ages, 0.5), 'ms')
    figure('p99', percentile(ages, 0.99), 'ms')
    figure('written', ages.length / seconds, 'tx/s')
  } finally {
    await stopSchedulerProcess(scheduler)
  }
  await bench.freshet.drop('by_writer')
  await client.query('drop table events')
}

async function writeAndWatch(bench: Bench): Promise<{ ages: number[]; seconds: number }> {
  const ages: number[] = []
  const committed = Array.from({ length: WRITERS }, () => new Map<number, number>())
  const until = performance.now() + RUN_MS
  const writers = committed.map(async (own, writer) => {
    const client = await bench.database.client()
    const pause = (WRITERS * 1000) / PER_SECOND
    const started = performance.now() + (pause / WRITERS) * writer
    for (let seq = 1; performance.now() < until; seq++) {
      await sleep(Math.max(0, started + seq * pause - performance.now()))
      await client.query('insert into events (writer, seq, amount) values ($1, $2, 1.25)', [writer, seq])
      own.set(seq, performance.now())
    }
  })
  const state = { writing: true }
  const watcher = (async () => {
    const client = await bench.database.client()
    const seen = committed.map(() => 0)
    while (state.writing || committed.some((own) => own.size > 0)) {
      if (performance.now() > until + 30_000) throw new Error('changes did not become visible within 30 s')
      const { rows } = await client.query<{ writer: number; seq: number }>({
        name: 'watch',
        text: 'select writer, seq from by_writer',
      })
      const now = performance.now()
      for (const { writer, seq } of rows) {
        const own = committed[writer]
        if (!own) continue
        for (let each = (seen[writer] ?? 0) + 1; each <= seq; each++) {
          const at = own.get(each)
          if (at === undefined) {
            // visible before the writer itself has heard of its commit
            if (state.writing) break
            continue
          }
          ages.push(now - at)
          own.delete(each)
          seen[writer] = each
        }
      }
      await sleep(POLL_MS)
    }
  })()
  const begun = performance.now()
  await Promise.all(writers)
  const seconds = (performance.now() - begun) / 1000
  state.writing = false
  await watcher
  return { ages, seconds }
}

async function idle(bench: Bench): Promise<void> {
  const client = await bench.database.client()
  bench.say(`creating ${IDLE_TABLES} live stream tables`)
  for (let i = 0; i < IDLE_TABLES; i++) {
    await client.query(`create table quiet_${i} (id int primary key, n int)`)
    await bench.freshet.create({
      name: `idle_${i}`,
      query: `select n, count(*) as rows from quiet_${i} group by n`,
      schedule: 'live',
    })
  }
  const scheduler = startSchedulerProcess(bench)
  try {
    await sleep(5_000)
    const pid = scheduler.pid
    if (pid === undefined) throw new Error('the scheduler did not start')
    bench.say(`watching the idle scheduler for ${IDLE_MS / 1000} s`)
    const before = await processTime(pid)
    const statementsBefore = await transactions(client)
    await sleep(IDLE_MS)
    const cpu = ((await processTime(pid)) - before) / IDLE_MS
    const rate = ((await transactions(client)) - statementsBefore) / (IDLE_MS / 1000)
    const figure = (metric: string, value: number, unit: string) =>
      bench.report(measurement({ suite: 'freshness', case: `idle, ${IDLE_TABLES} tables`, metric, value, unit }))
    figure('scheduler cpu', cpu * 100, '% of a core')
    figure('transactions', rate, 'tx/s')
  } finally {
    await stopSchedulerProcess(scheduler)
  }
  for (let i = 0; i < IDLE_TABLES; i++) await bench.freshet.drop(`idle_${i}`)
}

async function transactions(client: { query(text: string): Promise<{ rows: { n: string }[] }> }): Promise<number> {
  const { rows } = await client.query(
    'select xact_commit as n from pg_stat_database where datname = current_database()',
  )
  return Number(rows[0]?.n)
}
