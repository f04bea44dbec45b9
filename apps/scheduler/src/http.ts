import { serve } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { FreshetError, toFreshetError } from '@freshet/core'
import type { CoordinatorView } from '@freshet/coordinator'
import { type Context, Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Api } from './api.ts'
import { healthOfAll } from './health.ts'
import { memo } from './memo.ts'
import type { Exposition } from './metrics.ts'

/**
 * Health, metrics, the JSON endpoints, feeds and the dashboard. It only reads: there is nothing here that changes anything.
 * What concerns one database concerns the first, unless `?database=` names another.
 */
export interface HttpParts {
  readonly databases: readonly ServedDatabase[]
  readonly metrics: () => Promise<Exposition>
  readonly feeds: Hono
}

export interface ServedDatabase {
  readonly name: string
  readonly api: Api
  view(): CoordinatorView
}

export interface HttpServer {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** The built dashboard; the path is right from `src` and from `dist`. */
const DASHBOARD = fileURLToPath(new URL('../dist/dashboard', import.meta.url))

const ANSWER_TTL_MS = 500
/** They count what waits; the status reads an hour of history. */
const STATUS_TTL_MS = 2_000
const HISTORY_LIMIT = { usual: 50, most: 1_000 }

export function createApp({ databases, metrics, feeds }: HttpParts): Hono {
  const app = new Hono()
  const shared = databases.map((database) => ({ ...database, ...sharedAnswers(database.api) }))
  const of = (context: Context) => databaseNamed(shared, context.req.query('database'))

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
    const health = healthOfAll(databases)
    return context.json(health, health.ready ? 200 : 503)
  })
  app.get('/health/live', (context) => {
    const health = healthOfAll(databases)
    return context.json(health, health.live ? 200 : 503)
  })
  app.get('/metrics', async (context) => {
    const { text, contentType } = await metrics()
    return context.body(text, 200, { 'content-type': contentType })
  })
  app.get('/api/databases', (context) => context.json({ databases: databases.map(({ name }) => name) }))
  app.get('/api/status', async (context) => context.json(await of(context).status()))
  app.get('/api/graph', async (context) => context.json(await of(context).graph()))
  app.get('/api/relays', async (context) => context.json(await of(context).relays()))
  app.get('/api/series', (context) => context.json(of(context).api.series()))
  app.get('/api/history', async (context) => {
    const { api, recent } = of(context)
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

/** However many look at one database, it is asked once in a while. */
function sharedAnswers(api: Api) {
  return {
    status: memo(STATUS_TTL_MS, () => api.status()),
    graph: memo(ANSWER_TTL_MS, () => api.graph()),
    relays: memo(STATUS_TTL_MS, () => api.relays()),
    recent: memo(ANSWER_TTL_MS, () => api.history({ limit: HISTORY_LIMIT.usual })),
  }
}

/** The database of that name; the first where none is given. */
export function databaseNamed<T extends { readonly name: string }>(databases: readonly T[], name?: string): T {
  const found = databases.find((database) => name === undefined || database.name === name)
  if (found !== undefined) return found
  throw new FreshetError('USAGE', `this scheduler has no database ${name}`, {
    hint: `It has ${databases.map((database) => database.name).join(', ')}.`,
  })
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
