import { type Service, startNats } from '@freshet/testkit'
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { describe, expect, test } from 'vitest'
import { securedServer, sinkIsSecured } from '../secured.fixture.ts'
import { serviceOf, sinkServer } from '../server.fixture.ts'
import { message, sinkConformance, TOPIC, toTopic } from '../sink-conformance.fixture.ts'
import { natsSink, type NatsSinkOptions } from './nats.ts'
import { readStream } from './reader.fixture.ts'

const nats = await sinkServer<Service>('nats', async () => serviceOf(await startNats()))

function sinkOf(options: Partial<NatsSinkOptions> = {}) {
  return natsSink({ servers: [`127.0.0.1:${nats.get().port}`], ...options })
}

async function withManager<T>(work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: `127.0.0.1:${nats.get().port}` })
  try {
    return await work(await jetstreamManager(connection))
  } finally {
    await connection.close()
  }
}

let world = 0

/** A stream of its own, and the subject that it takes. */
async function streamOf(settings: { readonly max_msg_size?: number } = {}) {
  world++
  const [name, subject] = [`conformance-${world}`, `${TOPIC}.${world}`]
  await withManager(({ streams }) => streams.add({ name, subjects: [subject], ...settings }))
  return { name, subject, read: () => readStream(nats.get().port, name) }
}

describe.skipIf(nats.missing)('nats', () => {
  sinkConformance(
    'nats',
    'at least once',
    async () => {
      const { subject, read } = await streamOf()
      return {
        create: () => toTopic(sinkOf(), subject),
        shown: async () => (await read()).map((one) => ({ ...one, topic: TOPIC })),
        refused: { ...message(99), value: Buffer.alloc(1_048_577) },
        outage: { begin: () => nats.get().kill(), end: () => nats.get().restart() },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }
    },
    { refuses: true, server: true },
  )

  test('what comes again within the window is there once', async () => {
    const { subject, read } = await streamOf()
    const all = [1, 2, 3].map((n) => ({ ...message(n), topic: subject }))
    for (const part of [all.slice(0, 2), all]) {
      const sink = sinkOf()
      await sink.open()
      await sink.deliver(part, 'p')
      await sink.close()
    }
    expect((await read()).map(({ id }) => id)).toEqual(['m-1', 'm-2', 'm-3'])
  })

  test('subjects that no stream takes are named together, or a stream is made', async () => {
    const topics = ['missing.one', 'missing.two']
    await expect(sinkOf({ topics }).open()).rejects.toMatchObject({
      code: 'SINK_REFUSED',
      message: expect.stringContaining('missing.one, missing.two'),
    })
    const createStream = { name: 'made', subjects: ['missing.*'], replicas: 1, duplicateWindowMs: 60_000 }
    for (let times = 0; times < 2; times++) {
      const sink = sinkOf({ topics, createStream })
      await sink.open()
      await sink.close()
    }
    const { config } = await withManager(({ streams }) => streams.info('made'))
    expect(config).toMatchObject({ subjects: ['missing.*'], num_replicas: 1, duplicate_window: 60_000_000_000 })
  })

  test('a subject that no stream takes when a message comes is told', async () => {
    const sink = sinkOf()
    await sink.open()
    await expect(sink.deliver([{ ...message(1), topic: 'never.made' }], 'p')).rejects.toMatchObject({
      code: 'SINK_REFUSED',
      message: 'no stream takes the subject never.made',
    })
    await sink.close()
  })

  test('a message that would not arrive as it is, or would command the server, is refused by name', async () => {
    const { subject, read } = await streamOf({ max_msg_size: 10_000 })
    const good = { ...message(1), topic: subject }
    const odd = [
      { ...message(2), topic: 'has space' },
      { ...message(3), topic: 'orders.>' },
      { ...message(4), topic: '$JS.API.STREAM.DELETE.conformance-1' },
      { ...good, id: 'm-5', headers: { 'Nats-Rollup': 'all' } },
      { ...good, id: 'm-6', headers: { 'has space': '' } },
      { ...good, id: 'm-7', headers: { folded: 'one\r\ntwo' } },
      { ...good, id: 'm-8', headers: { padded: ' one' } },
      { ...good, id: 'm-9', value: Buffer.alloc(20_000) },
    ]
    for (const refused of odd) {
      const sink = sinkOf()
      await sink.open()
      await expect(sink.deliver([good, refused], 'p')).rejects.toMatchObject({ code: 'MESSAGE_REFUSED', refused })
      await sink.close()
    }
    expect((await read()).map(({ id }) => id)).toEqual(['m-1'])
  })

  test('no server is told as such', async () => {
    const sink = natsSink({ servers: ['127.0.0.1:1'] })
    await expect(sink.open()).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE', retry: 'reconnect' })
    await sink.close()
  })
})

sinkIsSecured(await securedServer('nats', startNats), {
  name: 'nats',
  create: ({ host, port }, tls, credentials) =>
    natsSink({
      servers: [`${host}:${port}`],
      tls,
      credentials,
      createStream: { name: 'secured', subjects: ['secured'], replicas: 1, duplicateWindowMs: 60_000 },
    }),
  prepare: () => Promise.resolve(),
})
