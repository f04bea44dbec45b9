import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import type { Message } from '../message.ts'
import { message, sinkConformance } from './sink-conformance.fixture.ts'
import { retryAfter, sign, webhookSink, type WebhookOptions } from './webhook.ts'

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
}

/** A receiver that keeps what it has answered with 200. */
async function receiver(answer: (message: Message, before: number) => Answer = () => ({ status: 200 })) {
  const taken: Message[] = []
  const signatures: string[] = []
  let asked = 0
  const start = async (port: number): Promise<Server> => {
    const server = createServer((request, response) => {
      void messageOf(request).then((found) => {
        const { status, headers = {} } = answer(found, asked++)
        if (status === 200) taken.push(found)
        signatures.push(String(request.headers['freshet-signature']))
        response.writeHead(status, headers).end()
      })
    }).listen(port, '127.0.0.1')
    await once(server, 'listening')
    return server
  }
  let server = await start(0)
  const { port } = server.address() as AddressInfo
  const stop = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return {
    taken,
    signatures,
    url: `http://127.0.0.1:${port}/hook?token=secret`,
    outage: {
      begin: stop,
      end: async () => {
        server = await start(port)
      },
    },
    [Symbol.asyncDispose]: stop,
  }
}

async function messageOf(request: IncomingMessage): Promise<Message> {
  const text = (name: string) => decodeURIComponent(String(request.headers[name] ?? ''))
  const body = await buffer(request)
  return {
    id: text('freshet-event-id'),
    topic: text('freshet-topic'),
    key: request.headers['freshet-key'] === undefined ? null : text('freshet-key'),
    headers: JSON.parse(text('freshet-headers')) as Record<string, string>,
    value: request.headers['freshet-tombstone'] === undefined ? body : null,
  }
}

sinkConformance(
  'webhook',
  'at least once',
  async () => {
    const { url, taken, outage, ...disposable } = await receiver(({ id }) => ({ status: id === 'm-5000' ? 422 : 200 }))
    return {
      create: () => webhookSink({ url, attempts: 2 }),
      shown: () => Promise.resolve(taken),
      refused: message(5_000),
      outage,
      ...disposable,
    }
  },
  { refuses: true, server: true },
)

async function delivered(answer: (message: Message, before: number) => Answer, more: Partial<WebhookOptions> = {}) {
  await using hook = await receiver(answer)
  const sink = webhookSink({ url: hook.url, attempts: 3, ...more })
  const failed = await sink.deliver([message(1), message(2)], null).catch((error: unknown) => error)
  await sink.close()
  return { failed, ids: hook.taken.map(({ id }) => id), signatures: hook.signatures }
}

test('what passes is asked again, and those of the key wait for it', async () => {
  for (const status of [408, 429, 500, 503]) {
    const answer = (_message: Message, before: number) => ({ status: before < 2 ? status : 200 })
    expect(await delivered(answer)).toMatchObject({ failed: undefined, ids: ['m-1', 'm-2'] })
  }
})

test('what does not pass in so many attempts ends the delivery; what is wrong ends it at once', async () => {
  const away = await delivered(() => ({ status: 503, headers: { 'retry-after': '0' } }))
  expect(away).toMatchObject({ failed: { code: 'SINK_UNAVAILABLE', retry: 'reconnect' }, ids: [] })
  expect(away.signatures.length).toBe(3)
  for (const status of [401, 404]) {
    const wrong = await delivered(() => ({ status }))
    expect(wrong).toMatchObject({ failed: { code: 'SINK_REFUSED' } })
    expect(String(wrong.failed)).not.toContain('secret')
    expect(wrong.signatures.length).toBe(1)
  }
})

test('Retry-After, in seconds or as a date, is kept to', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  expect(retryAfter('3', now)).toBe(3_000)
  expect(retryAfter('Thu, 01 Jan 2026 00:00:05 GMT', now)).toBe(5_000)
  expect(retryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0)
  expect(retryAfter('soon', now)).toBeNull()
  expect(retryAfter(null, now)).toBeNull()
})

test('a signature is of the time, the id and the body', async () => {
  const { signatures } = await delivered(() => ({ status: 200 }), { secret: 'shared' })
  const [first = ''] = signatures
  const seconds = Number(/^t=(\d+),v1=[0-9a-f]{64}$/.exec(first)?.[1])
  expect(first).toBe(sign('shared', seconds, 'm-1', message(1).value))
  expect(first).not.toBe(sign('shared', seconds, 'm-2', message(1).value))
  expect(first).not.toBe(sign('shared', seconds + 1, 'm-1', message(1).value))
})
