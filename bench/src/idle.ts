import { setTimeout as sleep } from 'node:timers/promises'
import { measurement } from './measurement.ts'
import { processTime, serverTime } from './processor-time.ts'
import { startSchedulerProcess, stopSchedulerProcess } from './scheduler-process.ts'
import type { Bench } from './stand.ts'

/**
 * What a scheduler costs when nothing happens, and when something does that concerns no stream table: shares of one
 * core, of the scheduler and of the whole server.
 */
const SOURCES = 200
const TABLES = 1_000
const CREATORS = 4
const WATCH_MS = 10_000
/** The catalog is read, and autovacuum has seen the new tables. */
const SETTLE_MS = 10_000
/** Commits elsewhere, each of which might have been a change. */
const ELSEWHERE_PER_SECOND = 50

export async function idle(bench: Bench): Promise<void> {
  const client = await bench.database.client()
  for (let i = 0; i < SOURCES; i++) await client.query(`create table quiet_${i} (id int primary key, n int)`)
  await client.query('create table elsewhere (n int)')
  bench.say(`creating ${TABLES} live stream tables`)
  const started = performance.now()
  await Promise.all(
    Array.from({ length: CREATORS }, async (_, creator) => {
      for (let i = creator; i < TABLES; i += CREATORS) {
        await bench.freshet.create({
          name: `idle_${i}`,
          query: `select id, n from quiet_${i % SOURCES} where n > ${i}`,
          schedule: 'live',
        })
      }
    }),
  )
  bench.say(`created in ${Math.round((performance.now() - started) / 1000)} s`)
  const scheduler = startSchedulerProcess(bench)
  try {
    const { pid } = scheduler
    if (pid === undefined) throw new Error('the scheduler did not start')
    const watch = async (name: string, work: () => Promise<void>) => {
      await sleep(SETTLE_MS)
      bench.say(`${name}: watching for ${WATCH_MS / 1000} s`)
      const begun = performance.now()
      const [own, server] = [await processTime(pid), await serverTime(client)]
      await work()
      const share = (before: number, after: number) => ((after - before) / (performance.now() - begun)) * 100
      const figure = (metric: string, value: number) =>
        bench.report(measurement({ suite: 'idle', case: name, metric, value, unit: '% of a core' }))
      figure('scheduler', share(own, await processTime(pid)))
      if (bench.local) figure('server', share(server, await serverTime(client)))
    }
    await watch(`${TABLES} tables`, () => sleep(WATCH_MS))
    await watch(`${ELSEWHERE_PER_SECOND} commits/s elsewhere`, async () => {
      const until = performance.now() + WATCH_MS
      while (performance.now() < until) {
        await client.query('insert into elsewhere values (1)')
        await sleep(1_000 / ELSEWHERE_PER_SECOND)
      }
    })
  } finally {
    await stopSchedulerProcess(scheduler)
  }
}
