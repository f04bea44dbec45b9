import { type KafkaBroker, startKafka } from '@freshet/testkit'
import { Kafka, logLevel } from 'kafkajs'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Message } from '../../message.ts'
import { sinkServer } from '../server.fixture.ts'
import { message, sinkConformance, TOPIC, toTopic } from '../sink-conformance.fixture.ts'
import { COMPRESSION_NAMES } from './codecs.ts'
import { kafkaSink, type KafkaSinkOptions } from './kafka.ts'
import { readTopic } from './reader.fixture.ts'

const kafka = await sinkServer<KafkaBroker>('kafka', async () => {
  const found = await startKafka()
  return 'broker' in found ? found.broker : found
})

let world = 0
function sinkOf(options: Partial<KafkaSinkOptions> = {}) {
  return kafkaSink({ brokers: [kafka.get().address], identity: `test-${world}`, ...options })
}

async function withAdmin<T>(work: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
  const admin = new Kafka({ brokers: [kafka.get().address], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

describe.skipIf(kafka.missing)('kafka', () => {
  sinkConformance(
    'kafka',
    'exactly once',
    async () => {
      world++
      const topic = `${TOPIC}.${world}`
      await withAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions: 3 }] }))
      const { address, kill, restart } = kafka.get()
      return {
        create: () => toTopic(sinkOf(), topic),
        shown: async () => (await readTopic(address, topic)).map((one) => ({ ...one, topic: TOPIC })),
        refused: { ...message(99), value: Buffer.alloc(1_100_000) },
        ...(kill === null || restart === null ? {} : { outage: { begin: kill, end: restart } }),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }
    },
    { refuses: true, server: !kafka.missing && kafka.get().kill !== null },
  )

  beforeAll(() => {
    world++
  })

  test('topics that are missing are named together, or made', async () => {
    const topics = ['missing.one', 'missing.two']
    await expect(sinkOf({ topics }).open()).rejects.toMatchObject({
      code: 'SINK_REFUSED',
      message: expect.stringContaining('missing.one, missing.two'),
    })
    const sink = sinkOf({ topics, createTopics: { partitions: 2, replicationFactor: 1 } })
    await sink.open()
    await sink.close()
    const made = await withAdmin((admin) => admin.fetchTopicMetadata({ topics }))
    expect(made.topics.map(({ partitions }) => partitions.length)).toEqual([2, 2])
  })

  test('a topic that is missing when a message comes is told', async () => {
    const sink = sinkOf()
    await sink.open()
    await expect(sink.deliver([{ ...message(1), topic: 'never.made' }], 'p')).rejects.toMatchObject({
      code: 'SINK_REFUSED',
    })
    await sink.close()
  })

  test('more than a batch may hold goes in several, compressed or not, in one transaction', async () => {
    const topic = 'large'
    await withAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }))
    const large = Array.from({ length: 40 }, (_, i) => ({ ...message(i), topic, value: Buffer.alloc(100_000, i) }))
    for (const compression of COMPRESSION_NAMES) {
      const sink = sinkOf({ compression })
      await sink.open()
      await sink.deliver(large, compression)
      await sink.close()
    }
    const found = await readTopic(kafka.get().address, topic)
    const told = (all: readonly Message[]) => all.map(({ id, value }) => `${id} ${value?.length} ${value?.[0]}`)
    expect(told(found)).toEqual(COMPRESSION_NAMES.flatMap(() => told(large)))
    expect(found.every(({ value }) => value?.equals(Buffer.alloc(100_000, value[0])))).toBe(true)
  })

  test('a long position is kept in pieces, and a short one after it is whole', async () => {
    const identity = 'long'
    for (const position of ['x'.repeat(20_000), 'short', '', 'y'.repeat(4_001)]) {
      const sink = sinkOf({ identity })
      await sink.open()
      await sink.deliver([], position)
      await sink.close()
      const next = sinkOf({ identity })
      expect(await next.open()).toBe(position)
      await next.close()
    }
  })

  test('no broker is told as such', async () => {
    const sink = kafkaSink({ brokers: ['127.0.0.1:1'], identity: 'nowhere' })
    await expect(sink.open()).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE', retry: 'reconnect' })
    await sink.close()
  })
})
