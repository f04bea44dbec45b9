import { createServer } from 'node:net'
import { once } from 'node:events'
import { startEmbeddedPostgres } from '@freshet/cli'
import { connect, type Freshet, type StreamTable, type Verification } from '@freshet/client'
import { FreshetError } from '@freshet/core'
import { DEFAULT_HOST, DEFAULT_PORT, type Scheduler, startScheduler } from '@freshet/scheduler'
import { type Agenda, agenda } from './agenda.ts'
import { type FlightData, readFlightData } from './flights.ts'
import type { DemoOptions } from './options.ts'
import { pace } from './pace.ts'
import { probe } from './probe.ts'
import { createSources } from './schema.ts'
import { openScreen } from './screen.ts'
import { createStreamTables, STREAM_TABLES } from './stream-tables.ts'
import { summary } from './summary.ts'
import { type Tally, tally } from './tally.ts'
import { count, ms } from './text-table.ts'
import { watch } from './watch.ts'
import { rename, write } from './writer.ts'

/**
 * The whole story, in order: a server, the data, the stream tables, the scheduler; writers until it is time; then every
 * table is compared with its query. Returns the exit code: 0 equal, 3 not, 130 when it was ended before it had begun.
 */
export interface Signals {
  /** Ends the replay; the demo aborts it itself when the time is over or something broke. */
  readonly stop: AbortController
  /** Leaves out everything but stopping the server. */
  readonly hurry: AbortSignal
}

const WRITERS = 4
/** Where the replay begins: on the third day at eight in the morning, with a full board. */
const BEGINNING = Date.UTC(2001, 0, 3, 8)

export async function demo(options: DemoOptions, signals: Signals): Promise<number> {
  const interrupted = new Promise<number>((resolve) => {
    signals.hurry.addEventListener('abort', () => resolve(130), { once: true })
  })
  say('starting an embedded PostgreSQL')
  const server = await startEmbeddedPostgres({ settings: { shared_buffers: '256MB' } })
  try {
    say(`PostgreSQL runs: ${server.url}`)
    const broken = server.ended.then(({ error }) => Promise.reject(error))
    return await Promise.race([scenes(server.url, options, signals.stop), broken, interrupted])
  } finally {
    await server.stop()
    say('PostgreSQL is stopped, and its directory removed')
  }
}

async function scenes(url: string, options: DemoOptions, stop: AbortController): Promise<number> {
  const freshet = await connect({ databaseUrl: url, poolSize: WRITERS + 6, applicationName: 'freshet-demo' })
  try {
    const data = await prepare(freshet, stop.signal)
    if (data === null) return 130
    const watched = tally()
    const { port, warnings, log } = await surroundings()
    const scheduler = await startScheduler({ databaseUrl: url, port, log, listener: watched.listener })
    try {
      say(`dashboard: ${scheduler.url}`)
      const replayed = await replay(freshet, { data, options, stop, tally: watched, scheduler, warnings })
      await settle(scheduler)
      const tables = await verify(freshet)
      console.log(summary({ ...replayed, tally: watched, tables }).join('\n'))
      for (const warning of warnings) console.error(warning)
      return tables.every(({ verification }) => verification.equal) ? 0 : 3
    } finally {
      await scheduler.stop({ drainTimeoutMs: 10_000 })
    }
  } finally {
    await freshet.close()
  }
}

interface Prepared extends FlightData {
  readonly plan: Agenda
}

/** Source tables with a past, and stream tables over them. Null when it was told to stop. */
async function prepare(freshet: Freshet, signal: AbortSignal): Promise<Prepared | null> {
  const data = await readFlightData()
  if (signal.aborted) return null
  const { flights, airports } = data
  const past = flights.findIndex(({ departsAt }) => departsAt >= BEGINNING)
  say(`loading ${count(airports.length)} airports and the first ${count(past)} of ${count(flights.length)} flights`)
  const plan = agenda(flights, past)
  await createSources(freshet.database, { airports, flights, past, plan, until: BEGINNING })
  if (signal.aborted) return null
  await freshet.init()
  say(`creating ${STREAM_TABLES.length} stream tables`)
  const width = Math.max(...STREAM_TABLES.map(({ name }) => name.length))
  const created = await createStreamTables(freshet, signal, ({ table, effectiveMode, schedule, modeReason }, took) => {
    const reason = modeReason === null ? '' : ` (${modeReason.code}: ${modeReason.detail})`
    say(`  ${table.padEnd(width)}  ${effectiveMode}${reason}, ${schedule}, filled in ${ms(took)}`)
  })
  return created ? { ...data, plan } : null
}

/** The usual port when it is free; the scheduler's warnings are kept for the view. */
async function surroundings() {
  const warnings: string[] = []
  const log = {
    write: (line: string) => {
      warnings.push(line.trim())
      if (warnings.length > 5) warnings.shift()
    },
  }
  return { port: (await isFree(DEFAULT_PORT)) ? DEFAULT_PORT : 0, warnings, log }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const listening = once(server.listen(port, DEFAULT_HOST), 'listening').then(
    () => true,
    () => false,
  )
  if (!(await listening)) return false
  server.close()
  await once(server, 'close')
  return true
}

interface Replay {
  readonly data: Prepared
  readonly options: DemoOptions
  readonly stop: AbortController
  readonly tally: Tally
  readonly scheduler: Scheduler
  readonly warnings: readonly string[]
}

async function replay(freshet: Freshet, { data, options, stop, tally: watched, scheduler, warnings }: Replay) {
  const { database } = freshet
  const { flights, plan } = data
  const tables = (await freshet.list()).toSorted((a, b) => a.id - b.id) // as created
  const startedAt = performance.now()
  const seconds = () => (performance.now() - startedAt) / 1_000
  const from = plan.now
  const parts = { database, agenda: plan, pace: pace(options.rowsPerSecond), tally: watched, signal: stop.signal }
  const served = [...new Set(flights.map(({ origin }) => origin))]
  const screen = openScreen(process.stdout)
  const timer = options.seconds === null ? undefined : setTimeout(() => stop.abort(), options.seconds * 1_000)
  const now = () => ({
    dashboard: scheduler.url,
    seconds: seconds(),
    endsAfter: options.seconds,
    flightTime: plan.now,
    flights: plan.flights,
    flightsOfData: flights.length,
    writers: WRITERS,
    warnings,
  })
  const tasks = [
    ...Array.from({ length: WRITERS }, (_, i) => write(i + 1, parts)),
    rename(served, parts),
    probe(database, plan, watched, stop.signal),
    watch(screen, database, tables, watched, { now, signal: stop.signal }),
  ]
  for (const task of tasks) task.catch(() => stop.abort())
  try {
    const ended = await Promise.allSettled(tasks)
    for (const result of ended) if (result.status === 'rejected') throw result.reason
  } finally {
    clearTimeout(timer)
    screen.close()
  }
  return { seconds: seconds(), from, to: plan.now }
}

const SETTLE_MS = 60_000

/** The scheduler has the time to take in the last changes by itself: what is verified is its work. */
async function settle(scheduler: Scheduler): Promise<void> {
  say('the writers have stopped; waiting for the last changes to arrive')
  const startedAt = performance.now()
  const late = () => {
    const elapsed = performance.now() - startedAt
    return scheduler.view().tables.filter(({ pending, running, lagMs }) => pending || running || lagMs > elapsed)
  }
  let calm = 0
  while (calm < 20) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    calm = late().length === 0 ? calm + 1 : 0
    if (performance.now() - startedAt > SETTLE_MS) {
      const names = late().map(({ name }) => name)
      throw new FreshetError('INTERNAL', `after ${SETTLE_MS / 1_000} s these do not come to rest: ${names.join(', ')}`)
    }
  }
}

async function verify(freshet: Freshet): Promise<{ table: StreamTable; verification: Verification }[]> {
  say('comparing every stream table with its query')
  const tables: { table: StreamTable; verification: Verification }[] = []
  for (const table of (await freshet.list()).toSorted((a, b) => a.id - b.id)) {
    tables.push({ table, verification: await freshet.verify(table.name) })
  }
  return tables
}

function say(message: string): void {
  console.log(`▸ ${message}`)
}
