import { serve } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { FreshetError, toFreshetError } from '@freshet/core'
import type { CoordinatorView } from '@freshet/coordinator'
import { type Context, Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Api } from './api.ts'
import { healthOf } from './health.ts'
import { memo } from './memo.ts'
import type { Metrics } from './metrics.ts'

/** Health, metrics, the JSON endpoints, feeds and the dashboard. It only reads: there is nothing here that changes anything. */
export interface HttpParts {
  readonly api: Api
  readonly metrics: Metrics
  readonly view: () => CoordinatorView
  readonly feeds: Hono
}

export interface HttpServer {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** The built dashboard; the path is right from `src` and from `dist`. */
const DASHBOARD = fileURLToPath(new URL('../dist/dashboard', import.meta.url))

const ANSWER_TTL_MS = 500
/** It counts what waits, and reads an hour of history. */
const STATUS_TTL_MS = 2_000
const HISTORY_LIMIT = { usual: 50, most: 1_000 }

export function createApp({ api, metrics, view, feeds }: HttpParts): Hono {
  const app = new Hono()
  const status = memo(STATUS_TTL_MS, () => api.status())
  const graph = memo(ANSWER_TTL_MS, () => api.graph())
  const recent = memo(ANSWER_TTL_MS, () => api.history({ limit: HISTORY_LIMIT.usual }))

  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
      },
      strictTransportSecurity: false,
    }),
  )
  app.get('/health', (context) => {
    const health = healthOf(view())
    return context.json(health, health.ready ? 200 : 503)
  })
  app.get('/health/live', (context) => {
    const health = healthOf(view())
    return context.json(health, health.live ? 200 : 503)
  })
  app.get('/metrics', async (context) => {
    const { text, contentType } = await metrics.expose()
    return context.body(text, 200, { 'content-type': contentType })
  })
  app.get('/api/status', async (context) => context.json(await status()))
  app.get('/api/graph', async (context) => context.json(await graph()))
  app.get('/api/series', (context) => context.json(api.series()))
  app.get('/api/history', async (context) => {
    const name = context.req.query('name')
    const limit = limitOf(context.req.query('limit'))
    if (name === undefined && limit === HISTORY_LIMIT.usual) return context.json(await recent())
    return context.json(await api.history({ limit, ...(name === undefined ? {} : { name }) }))
  })
  app.route('/api/feeds', feeds)
  app.use('/assets/*', async (context, next) => {
    await next()
    if (context.res.ok) context.header('cache-control', 'public, max-age=31536000, immutable') // their names carry a hash
  })
  app.get('*', serveStatic({ root: DASHBOARD }))
  app.notFound((context) => answer(context, 404, new FreshetError('USAGE', `there is nothing at ${context.req.path}`)))
  app.onError((thrown, context) => {
    const error = toFreshetError(thrown)
    return answer(context, statusOf(error), error)
  })
  return app
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return HISTORY_LIMIT.usual
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= HISTORY_LIMIT.most) return limit
  throw new FreshetError('USAGE', `limit can not be ${text}`, { hint: `It takes 1 to ${HISTORY_LIMIT.most}.` })
}

type Status = 400 | 401 | 404 | 500 | 503

function statusOf(error: FreshetError): Status {
  if (error.code === 'UNAUTHORIZED') return 401
  if (error.code === 'UNKNOWN_STREAM_TABLE') return 404
  if (error.code === 'USAGE' || error.code === 'INVALID_NAME') return 400
  return error.retry === 'reconnect' || error.retry === 'retry' ? 503 : 500
}

function answer(context: Context, status: Status, error: FreshetError) {
  if (status === 401) context.header('www-authenticate', 'Bearer')
  return context.json({ error: error.toJSON() }, status)
}

/** Port 0 takes any free one; the answer says which. */
export async function listen(app: Hono, host: string, port: number): Promise<HttpServer> {
  const { promise: address, server } = started(app, host, port)
  const { port: taken } = await address
  const shown = host.includes(':') ? `[${host}]` : host
  return {
    url: `http://${shown}:${taken}`,
    port: taken,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}

function started(app: Hono, host: string, port: number) {
  let server: ReturnType<typeof serve> | undefined
  const promise = new Promise<AddressInfo>((resolve, reject) => {
    server = serve({ fetch: app.fetch, hostname: host, port }, resolve)
    server.once('error', (error: Error) => {
      reject(new FreshetError('USAGE', `can not listen on ${host}:${port}: ${error.message}`, { cause: error }))
    })
  })
  if (server === undefined) throw new FreshetError('INTERNAL', 'the HTTP server was not made')
  return { promise, server }
}
