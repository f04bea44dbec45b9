import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { askedToEnd, required } from './environment.ts'
import { order, placeOrder, type Shop } from './orders.ts'

/** The shop: `POST /orders` places one. */
const pool = new pg.Pool({ connectionString: required('SHOP_DATABASE_URL'), max: 8 })
const shop = new Kysely<Shop>({ dialect: new PostgresDialect({ pool }) })
const app = new Hono()

app.post('/orders', async (context) => {
  const parsed = order.safeParse(await context.req.json().catch(() => null))
  if (!parsed.success) return context.json({ error: parsed.error.issues.map(({ message }) => message) }, 400)
  const id = await placeOrder(shop, parsed.data)
  return id === null ? context.json({ error: 'no credit' }, 402) : context.json({ order: id }, 201)
})

const server = serve(
  { fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env['PORT'] ?? 8730) },
  ({ port }) => process.stdout.write(`The shop listens on http://127.0.0.1:${port}\n`),
)
await askedToEnd()
server.close()
await shop.destroy()
