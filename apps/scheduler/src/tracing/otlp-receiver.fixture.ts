import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A collector that keeps what it is sent: OTLP over HTTP, in JSON. */
export interface ReceivedSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly kind: number
  readonly start: bigint
  readonly end: bigint
  readonly attributes: Readonly<Record<string, unknown>>
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly error: string | null
  readonly service: unknown
}

export interface OtlpReceiver extends AsyncDisposable {
  readonly url: string
  readonly spans: readonly ReceivedSpan[]
  /** Waits for a span like that. */
  span(matches: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan>
}

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

interface SentSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly Attribute[]
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly status: { readonly code?: number; readonly message?: string }
}

interface Sent {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[]
  }[]
}

const ERROR = 2

/** Nothing at all has come for so long. */
const PATIENCE_MS = 30_000

export async function otlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = []
  const arrivals = new Set<() => void>()
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      if (request.method !== 'POST' || request.url !== '/v1/traces') return void response.writeHead(404).end()
      spans.push(...received(JSON.parse(Buffer.concat(parts).toString()) as Sent))
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      for (const arrived of arrivals) arrived()
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const arrival = () =>
    new Promise<void>((resolve, reject) => {
      const given = setTimeout(() => reject(new Error(`it did not come; there are ${summary(spans)}`)), PATIENCE_MS)
      const arrived = () => {
        arrivals.delete(arrived)
        clearTimeout(given)
        resolve()
      }
      arrivals.add(arrived)
    })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    span: async (matches) => {
      for (;;) {
        const found = spans.find(matches)
        if (found !== undefined) return found
        await arrival()
      }
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function summary(spans: readonly ReceivedSpan[]): string {
  const shown = spans.map(({ name, spanId, attributes, links }) => ({ name, spanId, attributes, links }))
  return JSON.stringify(shown, undefined, 2)
}

function received({ resourceSpans }: Sent): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, traceId, spanId, parentSpanId, kind, links = [], status, ...span }) => ({
        name,
        traceId,
        spanId,
        parentSpanId,
        kind,
        start: BigInt(span.startTimeUnixNano),
        end: BigInt(span.endTimeUnixNano),
        attributes: record(span.attributes),
        links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
        error: status.code === ERROR ? (status.message ?? '') : null,
        service: record(resource.attributes)['service.name'],
      })),
    ),
  )
}

function record(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const [[kind, plain] = ['', undefined]] = Object.entries(value)
      return [key, kind === 'intValue' ? Number(plain) : plain]
    }),
  )
}
