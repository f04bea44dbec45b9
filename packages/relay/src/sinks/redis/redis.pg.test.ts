import { type Service, startRedis } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { securedServer, sinkIsSecured } from '../secured.fixture.ts'
import { serviceOf, sinkServer } from '../server.fixture.ts'
import { message, sinkConformance, TOPIC, toTopic } from '../sink-conformance.fixture.ts'
import { askRedis, readRedisStream } from './reader.fixture.ts'
import { redisSink, type RedisSinkOptions } from './redis.ts'

const redis = await sinkServer<Service>('redis', async () => serviceOf(await startRedis()))

let world = 0
function sinkOf(options: Partial<RedisSinkOptions> = {}) {
  return redisSink({ url: `redis://127.0.0.1:${redis.get().port}`, identity: `test-${world}`, ...options })
}

const ask = (...command: string[]) => askRedis(redis.get().port, ...command)
const readStream = (stream: string) => readRedisStream(redis.get().port, stream)

describe.skipIf(redis.missing)('redis', () => {
  sinkConformance(
    'redis',
    'exactly once',
    () => {
      world++
      const topic = `${TOPIC}.${world}`
      return Promise.resolve({
        create: () => toTopic(sinkOf(), topic),
        shown: async () => (await readStream(topic)).map((one) => ({ ...one, topic: TOPIC })),
        refused: {
          ...message(99),
          headers: Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`h${i}`, ''])),
        },
        outage: { begin: () => redis.get().kill(), end: () => redis.get().restart() },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      })
    },
    { refuses: true, server: true },
  )

  test('more than a script may hold goes in several, and is shown at once with its position', async () => {
    const [topic, identity] = ['large', 'large']
    const large = Array.from({ length: 1_201 }, (_, i) => ({ ...message(i), topic, value: Buffer.alloc(10_000, i) }))
    const sink = sinkOf({ identity })
    await sink.open()
    await sink.deliver(large.slice(0, 700), null)
    expect(await readStream(topic)).toEqual([])
    await sink.deliver(large.slice(700), 'p')
    expect(await readStream(topic)).toEqual(large)
    await sink.close()
    const next = sinkOf({ identity })
    expect(await next.open()).toBe('p')
    await next.close()
  })

  test('where one message can not go, none does, and the position stays', async () => {
    const identity = 'not-a-stream'
    await ask('SET', 'text', 'something else')
    const sink = sinkOf({ identity })
    await sink.open()
    const both = [
      { ...message(1), topic: 'good' },
      { ...message(2), topic: 'text' },
    ]
    await expect(sink.deliver(both, 'p')).rejects.toMatchObject({ code: 'SINK_REFUSED' })
    expect(await readStream('good')).toEqual([])
    const next = sinkOf({ identity })
    expect(await next.open()).toBeNull()
    await next.close()
  })

  test('a message for a key of the relay itself is refused', async () => {
    const sink = sinkOf()
    await sink.open()
    const refused = { ...message(1), topic: `freshet:relay:test-${world}` }
    await expect(sink.deliver([refused], 'p')).rejects.toMatchObject({ code: 'MESSAGE_REFUSED', refused })
    await sink.close()
  })

  test('a Redis that may lose what it has acknowledged is refused, unless a person says that it is enough', async () => {
    await ask('CONFIG', 'SET', 'appendfsync', 'everysec')
    await expect(sinkOf().open()).rejects.toMatchObject({ code: 'SINK_REFUSED' })
    const enough = sinkOf({ durability: 'server' })
    await enough.open()
    await enough.close()
    await ask('CONFIG', 'SET', 'appendfsync', 'always', 'maxmemory', '1gb', 'maxmemory-policy', 'allkeys-lru')
    await expect(sinkOf({ durability: 'server' }).open()).rejects.toMatchObject({ code: 'SINK_REFUSED' })
    await ask('CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction')
  })

  test('no server is told as such', async () => {
    const sink = sinkOf({ url: 'redis://127.0.0.1:1' })
    await expect(sink.open()).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE', retry: 'reconnect' })
    await sink.close()
  })
})

sinkIsSecured(await securedServer('redis', startRedis), {
  name: 'redis',
  create: ({ host, port }, tls, { user, password }) =>
    redisSink({ url: `rediss://${user}:${password}@${host}:${port}`, tls, identity: 'secured' }),
  prepare: () => Promise.resolve(),
})
