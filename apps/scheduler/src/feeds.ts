import { createHash, timingSafeEqual } from 'node:crypto'
import type { Change, FeedPage, Freshet, Subscription } from '@freshet/client'
import { type ErrorCode, FreshetError, isFreshetError, toFreshetError } from '@freshet/core'
import { type Context, Hono } from 'hono'
import { getCookie } from 'hono/cookie'
import { cors } from 'hono/cors'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'

/**
 * Stream tables for browsers: server-sent events. Whoever has the token reads every stream table; where no token is
 * configured nobody reads any.
 *
 * A page is an event, and the last page of a batch carries the feed's token as its id. A browser that lost the connection
 * sends that id by itself and goes on there, or begins with the table where that is not possible any more: a snapshot
 * takes the place of everything known before, so what the browser holds is always the table at some moment.
 */
export interface FeedAccess {
  /** What readers show. Null: no feeds. */
  readonly token: string | null
  /** Pages of which other origins may read, besides the scheduler's own. */
  readonly origins: readonly string[]
}

export interface FeedParts {
  /** Of the database that a request is about. */
  readonly source: (context: Context) => FeedSource
  readonly access: FeedAccess
}

export interface FeedSource {
  freshet(): Pick<Freshet, 'subscribe'>
  /** One more, or one less. */
  opened(more: 1 | -1): void
}

/** Of a browser that can not set headers; as safe as any cookie of a session. */
export const FEED_COOKIE = 'freshet_feed'

const LARGEST_COUNT = 1_000
/** Proxies end what is silent for a minute. */
const HEARTBEAT_MS = 15_000
/** After this time a browser whose connection was lost comes back. */
const RETRY_MS = 1_000
/** For so long what came meanwhile is kept for it; later it begins with the table. */
const LINGER_MS = 60_000
/** The token can not be gone on from: begin anew. */
const STALE: readonly ErrorCode[] = ['FEED_TOKEN_EXPIRED', 'FEED_TOKEN_INVALID']

/** Mounted where the feeds are: `/:name` is a stream table. */
export function createFeeds({ source, access }: FeedParts): Hono {
  const app = new Hono()
  let open = 0

  if (access.origins.length > 0)
    app.use(cors({ origin: [...access.origins], credentials: true, allowHeaders: ['authorization', 'last-event-id'] }))
  app.get('/:name', async (context) => {
    requireAccess(context, access.token)
    if (open >= LARGEST_COUNT)
      throw new FreshetError('SERVER_OVERLOADED', `${LARGEST_COUNT} feeds are open`, { hint: 'Try again later.' })
    const asked = source(context)
    const count = (more: 1 | -1) => {
      open += more
      asked.opened(more)
    }
    const ending = new AbortController()
    count(1)
    try {
      // what can not be read is told by the status of the answer, and the browser does not come back
      const feed = await begin(asked.freshet(), context, ending.signal)
      context.header('x-accel-buffering', 'no') // nginx
      return streamSSE(context, async (stream) => {
        stream.onAbort(() => ending.abort())
        try {
          await send(feed, stream)
        } finally {
          count(-1)
          await feed.close()
        }
      })
    } catch (error) {
      count(-1)
      throw error
    }
  })
  return app
}

async function begin(freshet: Pick<Freshet, 'subscribe'>, context: Context, signal: AbortSignal) {
  const name = context.req.param('name') ?? ''
  const token = context.req.header('last-event-id') ?? context.req.query('from')
  const options = { durable: false, lingerMs: LINGER_MS, signal } as const
  if (token === undefined || token === '') return freshet.subscribe(name, options)
  try {
    return await freshet.subscribe(name, { ...options, from: { token } })
  } catch (error) {
    if (!STALE.some((code) => isFreshetError(error, code))) throw error
    return freshet.subscribe(name, options)
  }
}

async function send(feed: Subscription<Record<string, unknown>>, stream: SSEStreamingApi): Promise<void> {
  await stream.write(`retry: ${RETRY_MS}\n\n`)
  const heartbeat = setInterval(() => void stream.write(':\n\n'), HEARTBEAT_MS)
  try {
    for await (const page of feed) await stream.writeSSE(eventOf(page))
  } catch (thrown) {
    await stream.writeSSE({ event: 'failed', data: JSON.stringify({ error: toFreshetError(thrown) }) })
  } finally {
    clearInterval(heartbeat)
  }
}

/** `{"changes":[{"weight":1,"row":{…},"id":"…"}],"complete":true}` */
function eventOf({ kind, changes, token }: FeedPage<Record<string, unknown>>) {
  const data = JSON.stringify({ changes: changes.map(printable), complete: token !== null })
  return { event: kind, data, ...(token === null ? {} : { id: token }) }
}

function printable({ weight, row, id }: Change<Record<string, unknown>>) {
  return { weight, row: Object.fromEntries(Object.entries(row).map(([name, value]) => [name, asJson(value)])), id }
}

/** What JSON would lose: bytes, and numbers that are none. */
function asJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asJson)
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}

function requireAccess(context: Context, token: string | null): void {
  if (token === null)
    throw new FreshetError('UNAUTHORIZED', 'this scheduler serves no feeds', {
      hint: 'Start it with FRESHET_FEED_TOKEN, a secret that readers show.',
    })
  const [, shown] = /^Bearer +(\S+)$/i.exec(context.req.header('authorization') ?? '') ?? []
  if (!isSame(shown ?? getCookie(context, FEED_COOKIE) ?? '', token))
    throw new FreshetError('UNAUTHORIZED', 'the feed was asked for without the right token', {
      hint: `Send “Authorization: Bearer …”, or the cookie ${FEED_COOKIE}.`,
    })
}

/** In the same time whatever differs. */
function isSame(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(a), hash(b))
}
