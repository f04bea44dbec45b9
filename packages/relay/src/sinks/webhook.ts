import { FreshetError } from '@freshet/core'
import { createHmac } from 'node:crypto'
import { pauseMs } from '../backoff.ts'
import type { Message } from '../message.ts'
import { pause } from '../pause.ts'
import { RefusedMessage } from '../refused-message.ts'
import type { Sink } from '../sink.ts'
import { inKeyOrder } from './in-key-order.ts'

/**
 * One POST for each message: the value is the body, everything else is in headers. Messages of one key wait for each other;
 * different keys go side by side. At least once: an answer may be lost, and the message comes again with the same
 * `freshet-event-id`.
 *
 *   2xx                        it is delivered
 *   408, 425, 429, 5xx, none   asked again, after as long as `Retry-After` says or the usual pauses
 *   401, 403, 404, 405         the address or the credentials are wrong: nothing can be delivered
 *   any other                  this message will never be taken
 *
 * With a secret, `freshet-signature` is `t=<seconds>,v1=<hmac>`: HMAC-SHA256 of `<seconds>.<event id>.<body>`.
 */
export interface WebhookOptions {
  readonly url: string
  readonly secret?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Requests at a time. Default 8. */
  readonly concurrency?: number
  readonly timeoutMs?: number
  /** Times that a message is asked for before the delivery as a whole has failed. Default 4. */
  readonly attempts?: number
}

const AGAIN = new Set([408, 425, 429])
const WRONG = new Set([401, 403, 404, 405])
const LONGEST_RETRY_AFTER_MS = 60_000

export function webhookSink(options: WebhookOptions): Sink {
  const ending = new AbortController()
  return {
    guarantee: 'at least once',
    open: () => Promise.resolve(null),
    deliver: (messages) =>
      inKeyOrder(messages, (message) => post(message, options, ending.signal), {
        most: options.concurrency ?? 8,
        placeOf: ({ key }) => key,
      }),
    close: () => {
      ending.abort()
      return Promise.resolve()
    },
  }
}

async function post(message: Message, options: WebhookOptions, ending: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const answer = await request(message, options, ending)
    if (answer.kind === 'taken') return
    if (answer.kind === 'refused') throw new RefusedMessage(message, answer.reason)
    if (answer.kind === 'wrong')
      throw new FreshetError('SINK_REFUSED', `the webhook ${placeOf(options)} ${answer.reason}`)
    if (attempt >= (options.attempts ?? 4) || ending.aborted)
      throw new FreshetError('SINK_UNAVAILABLE', `the webhook ${placeOf(options)} ${answer.reason}`)
    const asked = answer.retryAfterMs ?? pauseMs(attempt, Math.random())
    await pause(Math.min(asked, LONGEST_RETRY_AFTER_MS), ending)
  }
}

type Answer =
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'wrong'; readonly reason: string }
  | { readonly kind: 'again'; readonly reason: string; readonly retryAfterMs: number | null }

async function request(message: Message, options: WebhookOptions, ending: AbortSignal): Promise<Answer> {
  const signal = AbortSignal.any([ending, AbortSignal.timeout(options.timeoutMs ?? 10_000)])
  const body = message.value === null ? '' : new Uint8Array(message.value)
  const headers = headersOf(message, options)
  let response: Response
  try {
    response = await fetch(options.url, { method: 'POST', body, headers, signal, redirect: 'error' })
    // so that the connection can be used again
    await response.arrayBuffer()
  } catch (error) {
    return { kind: 'again', reason: `does not answer: ${reasonOf(error)}`, retryAfterMs: null }
  }
  const { status } = response
  const reason = `answered ${status}`
  if (response.ok) return { kind: 'taken' }
  if (AGAIN.has(status) || status >= 500)
    return { kind: 'again', reason, retryAfterMs: retryAfter(response.headers.get('retry-after'), Date.now()) }
  return WRONG.has(status) ? { kind: 'wrong', reason } : { kind: 'refused', reason }
}

/** Seconds, or a date. */
export function retryAfter(text: string | null, now: number): number | null {
  if (text === null) return null
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - now) / 1_000
  return Number.isFinite(seconds) ? Math.max(0, seconds * 1_000) : null
}

function headersOf(message: Message, { headers, secret }: WebhookOptions): Record<string, string> {
  const { id, topic, key, value } = message
  const { 'content-type': contentType = 'application/octet-stream', ...own } = message.headers
  return {
    ...headers,
    'content-type': contentType,
    'idempotency-key': encodeURIComponent(id),
    'freshet-event-id': encodeURIComponent(id),
    'freshet-topic': encodeURIComponent(topic),
    'freshet-headers': encodeURIComponent(JSON.stringify(own)),
    ...(key === null ? {} : { 'freshet-key': encodeURIComponent(key) }),
    ...(value === null ? { 'freshet-tombstone': 'true' } : {}),
    ...(secret === undefined ? {} : { 'freshet-signature': sign(secret, Math.floor(Date.now() / 1_000), id, value) }),
  }
}

/** For whoever receives it: compare with the header, and refuse what is too old. */
export function sign(secret: string, seconds: number, id: string, value: Uint8Array | null): string {
  const hmac = createHmac('sha256', secret)
    .update(`${seconds}.${id}.`)
    .update(value ?? '')
  return `t=${seconds},v1=${hmac.digest('hex')}`
}

/** Without what may be a secret. */
function placeOf({ url }: WebhookOptions): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
