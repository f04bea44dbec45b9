import { queueIsDurable, startRabbitmq } from '@freshet/testkit'
import { type Channel, connect } from 'amqplib'
import { describe, expect, test } from 'vitest'
import type { Message } from '../../message.ts'
import { LOGIN, securedServer, sinkIsSecured } from '../secured.fixture.ts'
import { message, sinkConformance, TOPIC, toTopic } from '../sink-conformance.fixture.ts'
import { rabbitmqSink, type RabbitmqSinkOptions } from './rabbitmq.ts'
import { takeAll } from './reader.fixture.ts'

const secured = await securedServer('rabbitmq', startRabbitmq)
const { server: rabbitmq } = secured

function urlOf(): string {
  return `amqp://${LOGIN.user}:${LOGIN.password}@127.0.0.1:${rabbitmq.get().port}`
}

function sinkOf(options: Partial<RabbitmqSinkOptions> = {}) {
  return rabbitmqSink({ url: urlOf(), ...options })
}

async function withChannel<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
  const model = await connect(urlOf())
  try {
    return await work(await model.createChannel())
  } finally {
    await model.close()
  }
}

async function deliver(messages: readonly Message[], options: Partial<RabbitmqSinkOptions> = {}): Promise<void> {
  const sink = sinkOf(options)
  try {
    await sink.open()
    await sink.deliver(messages, 'p')
  } finally {
    await sink.close()
  }
}

let world = 0

describe.skipIf(rabbitmq.missing)('rabbitmq', () => {
  sinkConformance(
    'rabbitmq',
    'at least once',
    async () => {
      const queue = `${TOPIC}.${++world}`
      await withChannel((channel) => channel.assertQueue(queue, { durable: true }))
      const seen: Message[] = []
      return {
        create: () => toTopic(sinkOf(), queue),
        shown: async () => {
          seen.push(...(await takeAll(urlOf(), queue)).map((one) => ({ ...one, topic: TOPIC })))
          return seen
        },
        refused: { ...message(99), headers: { BCC: 'elsewhere' } },
        outage: {
          begin: async () => {
            await queueIsDurable(rabbitmq.get().folder, queue)
            await rabbitmq.get().kill()
          },
          end: () => rabbitmq.get().restart(),
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }
    },
    { refuses: true, server: true },
  )

  test('a message that no queue takes is told, by its routing key', async () => {
    await expect(deliver([{ ...message(1), topic: 'nobody' }])).rejects.toMatchObject({
      code: 'SINK_REFUSED',
      message: expect.stringContaining('no queue is called nobody'),
    })
    await withChannel((channel) => channel.assertExchange('bound', 'topic'))
    await expect(deliver([message(1)], { exchange: 'bound', routingKey: 'all.{key}' })).rejects.toMatchObject({
      code: 'SINK_REFUSED',
      message: expect.stringContaining('no queue of bound takes all.k'),
    })
  })

  test('exchange and routing key are made of what a message has', async () => {
    await withChannel(async (channel) => {
      await channel.assertExchange('shop.events', 'topic')
      await channel.assertQueue('only-eu')
      await channel.bindQueue('only-eu', 'shop.events', 'orders.eu.*')
    })
    const orders = { ...message(1), topic: 'shop', headers: { kind: 'orders', region: 'eu' } }
    await deliver([orders], { exchange: '{topic}.events', routingKey: '{header:kind}.{header:region}.{key}' })
    const found = await takeAll(urlOf(), 'only-eu')
    expect(found).toEqual([{ ...orders, topic: 'orders.eu.k' }])
  })

  test('a queue that is full refuses, and that is an error: what it has not taken comes again', async () => {
    const [topic, dead] = ['full', 'a dead letter of RabbitMQ']
    await withChannel(async (channel) => {
      await channel.assertQueue(dead)
      await channel.assertQueue(topic, { arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } })
    })
    const all = [message(1), message(2), message(3)].map((one) => ({ ...one, topic }))
    await expect(deliver(all)).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE', retry: 'reconnect' })
    expect((await takeAll(urlOf(), topic)).map(({ id }) => id)).toEqual(['m-1'])
  })

  test('what is missing is named together, and queues are made', async () => {
    const [exchange, queues] = ['never.made', ['missing.one', 'missing.two']]
    const missing = sinkOf({ exchange, queues })
    await expect(missing.open()).rejects.toMatchObject({
      code: 'SINK_REFUSED',
      message: 'RabbitMQ does not have the exchange never.made, the queue missing.one, the queue missing.two',
    })
    for (const type of ['quorum', 'classic'] as const) {
      const topic = `made.${type}`
      for (const n of [1, 2]) await deliver([{ ...message(n), topic }], { queues: [topic], createQueues: type })
      expect((await takeAll(urlOf(), topic)).map(({ id }) => id)).toEqual(['m-1', 'm-2'])
    }
  })

  test('an exchange that goes away is told by name', async () => {
    await expect(deliver([message(1)], { exchange: '{topic}' })).rejects.toMatchObject({
      code: 'SINK_REFUSED',
      message: expect.stringContaining(`no exchange '${TOPIC}'`),
    })
  })

  test('a message that would not arrive as it is, or is too large, is refused by name', async () => {
    const topic = 'picky'
    await withChannel((channel) => channel.assertQueue(topic))
    const good = { ...message(1, null), topic }
    const odd = [
      { ...message(2), topic: 'x'.repeat(256) },
      { ...good, id: 'm'.repeat(256) },
      { ...good, id: 'm-4', headers: { CC: 'elsewhere' } },
      { ...good, id: 'm-5', headers: { 'freshet-tombstone': 'true' } },
      { ...good, id: 'm-6', headers: { ['n'.repeat(256)]: '' } },
      { ...good, id: 'm-7', headers: { long: 'x'.repeat(65_536) } },
      { ...good, id: 'm-8', value: Buffer.alloc(1_000_001) },
    ]
    for (const refused of odd)
      await expect(deliver([good, refused]), refused.id).rejects.toMatchObject({ code: 'MESSAGE_REFUSED', refused })
    const last = { ...good, id: 'm-9', headers: { long: 'x'.repeat(64_000) }, value: Buffer.alloc(1_000_000) }
    await deliver([last])
    expect((await takeAll(urlOf(), topic)).at(-1)).toEqual(last)
  })

  test('a server that says nothing more is given up', async () => {
    const topic = 'silent'
    await withChannel((channel) => channel.assertQueue(topic))
    const sink = sinkOf({ acknowledgeMs: 100 })
    await sink.open()
    await rabbitmq.get().freeze()
    try {
      await expect(sink.deliver([{ ...message(1), topic }], 'p')).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE' })
    } finally {
      await rabbitmq.get().thaw()
    }
  })

  test('no server is told as such, and so are a wrong password and a virtual host that is not there', async () => {
    for (const [url, code] of [
      ['amqp://127.0.0.1:1', 'SINK_UNAVAILABLE'],
      [`amqp://relay:wrong@127.0.0.1:${rabbitmq.get().port}`, 'SINK_REFUSED'],
      [`${urlOf()}/nowhere`, 'SINK_REFUSED'],
    ] as const) {
      const sink = sinkOf({ url })
      await expect(sink.open(), url).rejects.toMatchObject({ code, message: expect.not.stringContaining('wrong') })
      await sink.close()
    }
  })
})

sinkIsSecured(secured, {
  name: 'rabbitmq',
  create: ({ host, port }, tls, { user, password }) =>
    rabbitmqSink({ url: `amqps://${user}:${password}@${host}:${port}`, tls }),
  prepare: () => withChannel(async (channel) => void (await channel.assertQueue('secured'))),
})
