import { createOutbox, EVENT_ID_HEADER } from '@freshet/relay'
import { startKafka } from '@freshet/testkit'
import { type Consumer, Kafka, logLevel } from 'kafkajs'
import { setTimeout as sleep } from 'node:timers/promises'
import { measurement, milliseconds, percentile } from './measurement.ts'
import { type RelayKind, type RelayProcess, startRelayProcess } from './relay-process.ts'
import type { Bench } from './stand.ts'

/**
 * From an outbox to a real Kafka broker beside the database on this machine, as `read_committed` shows it: messages of 200
 * bytes a second, time from the commit to the consumer at 1,000 a second, and what is lost when some commit late.
 *
 * Rival, in the same run: a relay as it is often written, which asks for `id > last` and sends to an idempotent producer
 * without transactions. Ratio: ours ÷ its figure; where less is better, its figure ÷ ours.
 */
const MESSAGES = 500_000
const STEADY = { perSecond: 1_000, seconds: 10 }
const LATE = { writers: 8, messages: 4_000 }
const PAYLOAD = `jsonb_build_object('at', extract(epoch from clock_timestamp()) * 1000, 'fill', repeat('x', 150))`

export async function relay(bench: Bench): Promise<void> {
  const kafka = await startKafka()
  if ('missing' in kafka) {
    bench.say(`SKIPPED: ${kafka.missing}`)
    return
  }
  await using broker = kafka.broker
  const { address } = broker
  await createOutbox(bench.database.database, { name: 'outbox', keepMs: 86_400_000 })
  const ours = await measured(bench, address, 'freshet')
  const rival = await measured(bench, address, 'polling')
  const of = (metric: string, unit: string, mine: number, its: number, more: boolean) =>
    bench.report(
      measurement({
        suite: 'relay',
        case: 'kafka',
        metric,
        value: mine,
        unit,
        baseline: its,
        ...(mine === 0 || its === 0 ? {} : { ratio: more ? mine / its : its / mine }),
      }),
    )
  of('throughput', 'messages/s', ours.throughput, rival.throughput, true)
  of('latency p50 at 1k/s', 'ms', ours.p50, rival.p50, false)
  of('latency p99 at 1k/s', 'ms', ours.p99, rival.p99, false)
  of('lost', 'messages', ours.lost, rival.lost, false)
  of('doubled', 'messages', ours.doubled, rival.doubled, false)
}

interface Figures {
  readonly throughput: number
  readonly p50: number
  readonly p99: number
  readonly lost: number
  readonly doubled: number
}

async function measured(bench: Bench, address: string, kind: RelayKind): Promise<Figures> {
  bench.say(kind)
  const throughput = await atFullSpeed(bench, address, kind)
  const { p50, p99 } = await steadily(bench, address, kind)
  const { lost, doubled } = await withLateCommitters(bench, address, kind)
  return { throughput, p50, p99, lost, doubled }
}

function started(bench: Bench, broker: string, name: RelayKind, topic: string): Promise<RelayProcess> {
  return startRelayProcess({ name, databaseUrl: bench.database.url, broker, topic })
}

/** All is written before the relay begins, which is counted from when its process is there. */
async function atFullSpeed(bench: Bench, address: string, kind: RelayKind): Promise<number> {
  const topic = `${kind}.full`
  await using reader = await readerOf(address, topic)
  const client = await bench.database.client()
  await client.query('truncate outbox')
  await client.query(
    `insert into outbox (topic, key, payload) select '${topic}', (i % 1000)::text, ${PAYLOAD} from generate_series(1, ${MESSAGES}) i`,
  )
  await client.query('vacuum analyze outbox')
  await using running = await started(bench, address, kind, topic)
  const ms = await milliseconds(() => reader.until(MESSAGES))
  bench.say(`${running.name}: ${reader.ids.length} messages`)
  return (MESSAGES * 1_000) / ms
}

async function steadily(bench: Bench, address: string, kind: RelayKind): Promise<{ p50: number; p99: number }> {
  const topic = `${kind}.steady`
  const client = await bench.database.client()
  await client.query('truncate outbox')
  await using reader = await readerOf(address, topic)
  await using running = await started(bench, address, kind, topic)
  await sleep(1_000)
  const began = performance.now()
  const total = STEADY.perSecond * STEADY.seconds
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.ceil(((performance.now() - began) / 1_000) * STEADY.perSecond))
    if (due > sent)
      await client.query(
        `insert into outbox (topic, key, payload) select '${topic}', i::text, ${PAYLOAD} from generate_series(${sent + 1}, ${due}) i`,
      )
    sent = due
    await sleep(1)
  }
  await reader.until(total)
  bench.say(`${running.name}: ${reader.waits.length} messages at ${STEADY.perSecond} a second`)
  return { p50: percentile(reader.waits, 0.5), p99: percentile(reader.waits, 0.99) }
}

/** Writers whose transactions stay open for some milliseconds; the ids that never came, and those that came twice. */
async function withLateCommitters(
  bench: Bench,
  address: string,
  kind: RelayKind,
): Promise<{ lost: number; doubled: number }> {
  const topic = `${kind}.late`
  const control = await bench.database.client()
  await control.query('truncate outbox')
  await using reader = await readerOf(address, topic)
  await using running = await started(bench, address, kind, topic)
  await Promise.all(
    Array.from({ length: LATE.writers }, async (_, writer) => {
      const client = await bench.database.client()
      for (let i = 0; i < LATE.messages / LATE.writers; i++) {
        await client.query('begin')
        await client.query(`insert into outbox (topic, key, payload) values ('${topic}', '${writer}', ${PAYLOAD})`)
        await sleep((i * 7 + writer) % 12)
        await client.query('commit')
      }
      await client.end()
    }),
  )
  await control.query(`insert into outbox (topic, key, payload) values ('${topic}', 'last', ${PAYLOAD})`)
  const { rows } = await control.query<{ id: string }>('select id from outbox')
  await reader.untilKey('last')
  // the last one has come; what was delivered before it may still be on its way from the other partitions
  await reader.untilQuiet()
  const seen = new Set(reader.ids)
  bench.say(`${running.name}: ${reader.ids.length} of ${rows.length} messages with late committers`)
  return { lost: rows.filter(({ id }) => !seen.has(id)).length, doubled: reader.ids.length - seen.size }
}

interface Reader extends AsyncDisposable {
  /** Of the outbox's rows. */
  readonly ids: string[]
  /** Milliseconds from the writing to the reading. */
  readonly waits: number[]
  until(count: number): Promise<void>
  untilKey(key: string): Promise<void>
  /** Nothing has come for so long that nothing more will. */
  untilQuiet(): Promise<void>
}

const QUIET_MS = 2_000

async function readerOf(address: string, topic: string): Promise<Reader> {
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: true })
  await admin.disconnect()
  const consumer: Consumer = kafka.consumer({ groupId: `bench-${topic}`, readUncommitted: false, maxWaitTimeInMs: 5 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let heardAt = performance.now()
  const [ids, waits, keys]: [string[], number[], Set<string>] = [[], [], new Set()]
  await consumer.run({
    eachBatch: ({ batch }) => {
      const now = Date.now()
      heardAt = performance.now()
      for (const { headers, value, key } of batch.messages) {
        ids.push(String(headers?.[EVENT_ID_HEADER]).split('-').at(-1) ?? '')
        keys.add(String(key))
        const at = Number(/"at": ([\d.]+)/.exec(String(value))?.[1])
        waits.push(now - at)
      }
      return Promise.resolve()
    },
  })
  const until = async (done: () => boolean) => {
    while (!done()) await sleep(5)
  }
  return {
    ids,
    waits,
    until: (count) => until(() => ids.length >= count),
    untilKey: (key) => until(() => keys.has(key)),
    untilQuiet: () => until(() => performance.now() - heardAt > QUIET_MS),
    [Symbol.asyncDispose]: () => consumer.disconnect(),
  }
}
