import { serve } from '@hono/node-server'
import { FreshetError } from '@freshet/core'
import { Hono } from 'hono'
import type { AddressInfo } from 'node:net'
import type { RelayHealth } from './health.ts'

/** `/health` and `/metrics` of a relay. It only reads. */
export interface RelayServing {
  readonly host: string
  readonly port: number
  readonly health: () => RelayHealth
  readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>
}

export interface RelayServer {
  readonly url: string
  close(): Promise<void>
}

export async function serveRelay({ host, port, health, metrics }: RelayServing): Promise<RelayServer> {
  const app = new Hono()
  app.get('/health', (context) => {
    const now = health()
    return context.json(now, now.ready ? 200 : 503)
  })
  app.get('/metrics', async (context) => {
    const { text, contentType } = await metrics()
    return context.body(text, 200, { 'content-type': contentType })
  })
  const { promise, resolve, reject } = answer<AddressInfo>()
  const server = serve({ fetch: app.fetch, hostname: host, port }, resolve)
  server.once('error', (error: Error) =>
    reject(new FreshetError('USAGE', `can not listen on ${host}:${port}: ${error.message}`, { cause: error })),
  )
  const address = await promise
  const shown = host.includes(':') ? `[${host}]` : host
  return {
    url: `http://${shown}:${address.port}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}

function answer<T>() {
  let resolve: (value: T) => void = () => undefined
  let reject: (reason: Error) => void = () => undefined
  const promise = new Promise<T>((accept, refuse) => {
    resolve = accept
    reject = refuse
  })
  return { promise, resolve, reject }
}
