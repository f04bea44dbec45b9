import { connect, FreshetError, raw, sql } from '@freshet/core'
import {
  createTestDatabase,
  freshSeed,
  type KafkaBroker,
  random,
  startKafka,
  startRestartableServer,
} from '@freshet/testkit'
import { Kafka, logLevel, type Message as Record, type Producer } from 'kafkajs'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, onTestFailed, test } from 'vitest'
import { receiveFromKafka } from './receive-from-kafka.ts'

const kafka = await startKafka()
if ('missing' in kafka) process.stderr.write(`\nSKIPPED: from Kafka into an inbox. ${kafka.missing}\n\n`)

function brokerOf(): KafkaBroker {
  if ('missing' in kafka) throw new Error(kafka.missing)
  return kafka.broker
}

afterAll(async () => {
  if ('broker' in kafka) await kafka.broker[Symbol.asyncDispose]()
})

const PARTITIONS = 3

async function withTopic(topic: string, work: (client: Kafka) => Promise<void>): Promise<void> {
  const client = new Kafka({ brokers: [brokerOf().address], logLevel: logLevel.NOTHING })
  const admin = client.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }] })
  await admin.disconnect()
  await work(client)
}

async function until(what: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000
  while (!(await what())) {
    if (performance.now() > end) throw new Error('it did not come to pass')
    await sleep(20)
  }
}

/** Numbered records of several keys, each with an event id. */
function records(from: number, count: number, keys: number): Record[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `k${(from + i) % keys}`,
    value: String(from + i),
    headers: { 'freshet-event-id': `e${from + i}` },
  }))
}

async function producing<T>(client: Kafka, work: (producer: Producer) => Promise<T>): Promise<T> {
  const producer = client.producer({ idempotent: true, maxInFlightRequests: 1, transactionalId: `t-${Math.random()}` })
  await producer.connect()
  try {
    return await work(producer)
  } finally {
    await producer.disconnect()
  }
}

describe.skipIf('missing' in kafka)('from Kafka into an inbox', () => {
  test('what is committed, ours and others’, text and bytes, each once; what is aborted never', async () => {
    await using own = await createTestDatabase({ migrated: false })
    await withTopic('mixed', async (client) => {
      const sent: Record[] = [
        ...records(0, 5, 2),
        ...records(3, 2, 2), // some of them once more
        { key: Buffer.from([0xff, 0]), value: Buffer.from([0, 1, 2]) },
        { key: null, value: null, headers: { note: 'a\0b' } },
      ]
      await producing(client, async (producer) => {
        const aborted = await producer.transaction()
        await aborted.send({ topic: 'mixed', messages: records(100, 3, 1) })
        await aborted.abort()
        const committed = await producer.transaction()
        await committed.send({ topic: 'mixed', messages: sent })
        await committed.commit()
      })
      const receiver = await receiveFromKafka(own.database, 'inbox', {
        brokers: [brokerOf().address],
        topics: ['mixed'],
        group: 'mixed',
      })
      const there = () =>
        own.database.query<{ key: string | null; value: Buffer | null; event_id: string; headers: object }>(
          raw('select event_id, key, headers, value from inbox order by event_id'),
        )
      await until(async () => (await there()).length >= 7)
      await receiver.stop()
      const rows = await there()
      expect(rows.filter(({ event_id }) => event_id.startsWith('e')).map(({ value }) => String(value))).toEqual([
        '0',
        '1',
        '2',
        '3',
        '4',
      ])
      const others = rows.filter(({ event_id }) => event_id.startsWith('mixed-'))
      expect(others).toHaveLength(2)
      expect(others).toContainEqual(
        expect.objectContaining({
          key: 'base64,/wA=',
          value: Buffer.from([0, 1, 2]),
          headers: { 'freshet-base64': 'key' },
        }),
      )
      expect(others).toContainEqual(
        expect.objectContaining({ key: null, value: null, headers: { note: 'base64,YQBi', 'freshet-base64': 'note' } }),
      )
      expect(rows).toHaveLength(7)
    })
  })

  test('members that are killed, and the database too: each message once, those of a key in their order', async () => {
    const seed = freshSeed()
    onTestFailed(() => void process.stderr.write(`seed ${seed}\n`))
    const chance = random(seed)
    await using server = await startRestartableServer()
    await using own = await createTestDatabase({ serverUrl: server.url, migrated: false })
    const MESSAGES = 3_000
    const KEYS = 9
    await withTopic('struck', async (client) => {
      const members: ChildProcess[] = []
      own.defer(async () => {
        for (const member of members) await kill(member)
      })
      const join = async () => {
        const script = fileURLToPath(new URL('receiver-process.fixture.ts', import.meta.url))
        const member = fork(script, [own.url, brokerOf().address, 'struck'], {
          execArgv: ['--conditions=@freshet/source'],
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        })
        members.push(member)
        await once(member, 'message')
      }
      await join()
      await join()
      const sending = producing(client, async (producer) => {
        for (let from = 0; from < MESSAGES; from += 50) {
          const transaction = await producer.transaction()
          await transaction.send({ topic: 'struck', messages: records(from, 50, KEYS) })
          await transaction.commit()
          await sleep(20)
        }
      })
      for (const strike of ['server', 'member']) {
        await sleep(chance.int(100, 600))
        if (strike === 'server') {
          await server.stop('kill')
          await server.start()
        } else {
          const member = members.shift()
          if (member !== undefined) await kill(member)
          await join()
        }
      }
      await sending
      const counted = async () => {
        const [row] = await own.database.query<{ n: number }>(sql`select count(*)::int as n from inbox`)
        return row?.n ?? 0
      }
      await until(async () => (await counted()) >= MESSAGES)
      const rows = await own.database.query<{ key: string; n: number }>(
        sql`select key, convert_from(value, 'UTF8')::int as n from inbox order by id`,
      )
      expect(rows).toHaveLength(MESSAGES)
      for (let key = 0; key < KEYS; key++) {
        const numbers = rows.filter((row) => row.key === `k${key}`).map(({ n }) => n)
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
        expect(numbers.length).toBe(Math.ceil((MESSAGES - key) / KEYS))
      }
    })
  })

  test('a topic that is missing, and a table that goes away, are told', async () => {
    await using own = await createTestDatabase({ migrated: false })
    const options = { brokers: [brokerOf().address], group: 'told' }
    await expect(
      receiveFromKafka(own.database, 'inbox', { ...options, topics: ['no.such.topic'] }),
    ).rejects.toMatchObject({ code: 'SINK_REFUSED' })
    await withTopic('told', async (client) => {
      const database = await connect({ url: own.url })
      own.defer(() => database.close())
      const receiver = await receiveFromKafka(database, 'inbox', { ...options, topics: ['told'] })
      await database.query(raw('drop table inbox'))
      await producing(client, async (producer) => {
        const transaction = await producer.transaction()
        await transaction.send({ topic: 'told', messages: records(0, 1, 1) })
        await transaction.commit()
      })
      await expect(receiver.ended).rejects.toBeInstanceOf(FreshetError)
      await expect(receiver.stop()).rejects.toMatchObject({ sqlState: '42P01' })
    })
  })
})

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
