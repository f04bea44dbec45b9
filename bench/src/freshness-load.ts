import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { assertEqualToQuery } from '@freshet/testkit'
import { agesOf, type Arrival } from './arrivals.ts'
import { type EventLoad, EVENTS, now, startEventLoad } from './event-load.ts'
import { measurement, percentile } from './measurement.ts'
import { startSchedulerProcess, stopSchedulerProcess } from './scheduler-process.ts'
import type { Bench } from './stand.ts'

/**
 * 1,000 transactions a second on one source that five stream tables read, all `live`: from COMMIT returning in the writer
 * to the change being visible in each of them; and then the same with 100 subscribers, a process of their own, from
 * COMMIT to the delta in a subscriber's hands. Baseline of those: visible in the same run.
 */
const PER_SECOND = 1_000
const WRITERS = 8
const RUN_MS = 15_000
/** Connections are made and statements planned, for tables that are not empty. */
const WARM_UP_MS = 5_000
const SETTLE_MS = 2_000
const POLL_MS = 2
/** Whose transactions are looked for: looking takes processor time from what is measured. The others write as they do. */
const WATCHED = 1
const SUBSCRIBERS = 100
const KINDS = 100
/** After the last transaction. */
const PATIENCE_MS = 60_000

/** Each row has a writer, and the number of the last of its transactions that is in it. */
const TABLES: Readonly<Record<string, string>> = {
  by_writer: 'select writer, max(seq) as seq, sum(amount) as amount, count(*) as events from events group by writer',
  by_kind: 'select writer, kind, max(seq) as seq, sum(amount) as amount from events group by writer, kind',
  filtered: 'select id, writer, seq, amount from events where amount > 1',
  joined: 'select e.id, e.writer, e.seq, k.name from events e join kind k on k.kind = e.kind',
  listed: 'select id, writer, seq from events e where exists (select from kind k where k.kind = e.kind and k.listed)',
}
const NAMES = Object.keys(TABLES)

export async function freshnessUnderLoad(bench: Bench): Promise<void> {
  const client = await bench.database.client()
  await client.query(EVENTS)
  await client.query(`create table kind (kind int primary key, name text not null, listed bool not null default true);
    insert into kind select i, 'kind ' || i from generate_series(0, ${KINDS - 1}) i; analyze kind`)
  for (const [name, query] of Object.entries(TABLES)) {
    await bench.freshet.create({ name, query, mode: 'differential', schedule: 'live' })
    await client.query(`create index on ${name} (writer, seq)`)
  }
  const scheduler = startSchedulerProcess(bench)
  try {
    await sleep(SETTLE_MS)
    await writeAndWatch(bench, WARM_UP_MS)
    await visible(bench)
    await subscribed(bench)
  } finally {
    await stopSchedulerProcess(scheduler)
  }
  for (const [name, query] of Object.entries(TABLES)) await assertEqualToQuery(bench.database.database, name, query)
}

async function visible(bench: Bench): Promise<void> {
  const name = `${PER_SECOND} tx/s, ${NAMES.length} tables`
  bench.say(`${name}, for ${RUN_MS / 1000} s`)
  const { ages, written } = await writeAndWatch(bench)
  for (const table of NAMES) reportAges(bench, name, table, ages.get(table) ?? [])
  reportAges(bench, name, 'visible', [...ages.values()].flat())
  bench.report(measurement({ suite: 'freshness', case: name, metric: 'written', value: written, unit: 'tx/s' }))
}

async function subscribed(bench: Bench): Promise<void> {
  const name = `${SUBSCRIBERS} subscribers`
  bench.say(`${name} at ${PER_SECOND} tx/s, for ${RUN_MS / 1000} s`)
  const subscribers = await startSubscribers(bench)
  await sleep(SETTLE_MS)
  const { ages, load, written } = await writeAndWatch(bench)
  const arrivals = await stopSubscribers(subscribers, load)
  const delivered = arrivals.flatMap((own) => {
    const seen: number[] = []
    return own.flatMap((arrival) => agesOf(arrival, seen, (writer, seq) => load.committedAt(writer, seq)))
  })
  const seen = [...ages.values()].flat()
  reportAges(bench, name, 'visible', seen)
  reportAges(bench, name, 'in their hands', delivered, seen)
  bench.report(measurement({ suite: 'freshness', case: name, metric: 'written', value: written, unit: 'tx/s' }))
}

function reportAges(
  bench: Bench,
  name: string,
  what: string,
  ages: readonly number[],
  visible?: readonly number[],
): void {
  for (const [metric, rank] of [
    ['p50', 0.5],
    ['p99', 0.99],
  ] as const) {
    const value = percentile(ages, rank)
    const baseline = visible === undefined ? {} : { baseline: percentile(visible, rank) }
    bench.report(
      measurement({ suite: 'freshness', case: name, metric: `${metric} ${what}`, value, unit: 'ms', ...baseline }),
    )
  }
}

interface Watched {
  readonly load: EventLoad
  readonly ages: ReadonlyMap<string, readonly number[]>
  readonly written: number
}

/** The events of an earlier run are removed first, so that each writer's numbers begin again. */
async function writeAndWatch(bench: Bench, runMs = RUN_MS): Promise<Watched> {
  const client = await bench.database.client()
  await client.query('delete from events')
  const look = async () => {
    const { rows } = await client.query<{ name: string; seqs: number[]; seen_at: number }>({
      name: 'look',
      text: LOOK,
      values: [WATCHED],
    })
    const answeredAt = now()
    // the answer was true when the server made it, not when this process came to read it; one machine has one clock
    const seenAt = bench.local ? (rows[0]?.seen_at ?? NaN) - wallClock() : answeredAt
    return { at: Math.min(seenAt, answeredAt), seqs: new Map(rows.map(({ name, seqs }) => [name, seqs])) }
  }
  while ([...(await look()).seqs.values()].some((seqs) => seqs.some((seq) => seq > 0))) await sleep(POLL_MS)
  const load = await startEventLoad(bench, { writers: WRITERS, perSecond: PER_SECOND, runMs, kinds: KINDS })
  const ages = new Map(NAMES.map((name) => [name, [] as number[]]))
  const seen = NAMES.map((): number[] => [])
  const state = { writing: true }
  const written = load.written.finally(() => {
    state.writing = false
  })
  const behind = () =>
    seen.some((own) => Array.from({ length: WATCHED }, (_, w) => load.committed(w) - (own[w] ?? 0)).some((n) => n > 0))
  const until = now() + runMs + PATIENCE_MS
  while (state.writing || behind()) {
    if (now() > until) throw new Error(`changes did not become visible within ${PATIENCE_MS / 1000} s`)
    const { at, seqs } = await look()
    NAMES.forEach((name, i) => {
      const own = agesOf({ at, seqs: seqs.get(name) ?? [] }, seen[i] ?? [], (writer, seq) =>
        load.committedAt(writer, seq),
      )
      ages.get(name)?.push(...own)
    })
    await sleep(POLL_MS)
  }
  return { load, ages, written: await written }
}

/** By how much the clock on the wall is ahead of `now()`, in milliseconds. */
function wallClock(): number {
  return performance.timeOrigin + performance.now() - now()
}

/** Of each table and each writer that is watched, the newest transaction; 0 where there is none. */
const LOOK = `
  with clock as materialized (select extract(epoch from clock_timestamp())::float8 * 1000 as seen_at)
  ${NAMES.map(
    (name) => `
  select '${name}' as name, array(select coalesce((select max(seq) from ${name} t where t.writer = w.writer), 0)
    from generate_series(0, $1::int - 1) w (writer) order by w.writer) as seqs, seen_at from clock`,
  ).join(' union all ')}`

async function startSubscribers(bench: Bench): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('./subscribers.js', import.meta.url))
  const child = fork(script, [bench.database.url, String(SUBSCRIBERS), ...NAMES], { serialization: 'advanced' })
  await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error('the subscribers ended by themselves')
    }),
  ])
  return child
}

/** When they have all that was committed. */
async function stopSubscribers(child: ChildProcess, load: EventLoad): Promise<Arrival[][]> {
  const told = once(child, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) })
  child.send(Array.from({ length: load.writers }, (_, writer) => load.committed(writer)))
  const [arrivals] = (await told) as [Arrival[][]]
  await once(child, 'exit')
  return arrivals
}
