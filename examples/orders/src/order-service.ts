import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { wantedOrder } from './order.ts'
import { openShop, placeOrder } from './shop.ts'

/** `PUT /orders/<uuid>` places an order; the same once more answers the same. */
export interface OrderService {
  readonly url: string
  /** Answers who has asked already, and stops. */
  stop(): Promise<void>
}

export async function startOrderService(databaseUrl: string, port: number): Promise<OrderService> {
  const shop = openShop(databaseUrl)
  const app = new Hono()
  app.put('/orders/:id', async (context) => {
    const id = z.uuid().safeParse(context.req.param('id'))
    if (!id.success) return context.json({ error: 'the id of an order is a UUID' }, 400)
    const body: unknown = await context.req.json().catch(() => null)
    const wanted = wantedOrder.safeParse(body)
    if (!wanted.success) return context.json({ error: z.prettifyError(wanted.error) }, 400)
    const outcome = await placeOrder(shop, id.data, wanted.data)
    if (outcome.kind === 'taken') return context.json({ error: 'this id is another customer’s order' }, 409)
    return context.json(outcome.order, outcome.kind === 'new' ? 201 : 200)
  })
  app.onError((error, context) => {
    console.error(error.message)
    return context.json({ error: 'it may or may not be there: ask for the same once more' }, 503)
  })
  const { server, address } = await new Promise<{ server: ReturnType<typeof serve>; address: AddressInfo }>(
    (resolve, reject) => {
      const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port }, (address) => resolve({ server, address }))
      server.once('error', reject)
    },
  )
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: async () => {
      await new Promise<void>((done) => server.close(() => done()))
      await shop.destroy()
    },
  }
}
