import { raw, sql } from '@freshet/core'
import { createOutbox } from '@freshet/relay'
import { createTestDatabase, freePort, freshSeed, random, startKafka, type TestDatabase } from '@freshet/testkit'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFailed, test } from 'vitest'
import { startOrderService } from './order-service.ts'

/**
 * The whole way, with processes that are killed: customers place orders, and ask again until they are answered; service,
 * relay and billing are killed meanwhile. Every order has one invoice, every customer owes the sum of theirs, and the
 * invoices of a customer were written in the order in which the orders were placed.
 */
const kafka = await startKafka()
if ('missing' in kafka) process.stderr.write(`\nSKIPPED: the example of orders. ${kafka.missing}\n\n`)

const CUSTOMERS = 6
const ORDERS_EACH = 40

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** One of the example's programs, or the relay: killed, and started again. */
class Program {
  #child: ChildProcess
  readonly #args: readonly string[]
  readonly #env: Readonly<Record<string, string>>

  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    this.#args = args
    this.#env = env
    this.#child = this.#start()
  }

  #start(): ChildProcess {
    return spawn(
      process.execPath,
      ['--conditions=@freshet/source', '--disable-warning=TimeoutNegativeWarning', ...this.#args],
      {
        env: { ...process.env, ...this.#env },
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    )
  }

  async #ended(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const { exitCode, signalCode } = this.#child
    if (exitCode !== null || signalCode !== null) return exitCode
    const ended = once(this.#child, 'exit')
    this.#child.kill(signal)
    await ended
    return this.#child.exitCode
  }

  kill(): Promise<number | null> {
    return this.#ended('SIGKILL')
  }

  stop(): Promise<number | null> {
    return this.#ended('SIGTERM')
  }

  async strike(): Promise<void> {
    await this.kill()
    this.#child = this.#start()
  }
}

async function until(what: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 90_000
  while (!(await what())) {
    if (performance.now() > end) throw new Error('it did not come to pass')
    await sleep(50)
  }
}

/** Asks until it is answered; how often it had to. */
async function place(url: string, customer: string, price: string): Promise<number> {
  const order = `${url}/orders/${randomUUID()}`
  const body = JSON.stringify({
    customer,
    lines: [
      { sku: 'apple', quantity: 3, price },
      { sku: 'box', quantity: 1, price: '0.10' },
    ],
  })
  for (let asked = 1; ; asked++) {
    const answer = await fetch(order, { method: 'PUT', body, signal: AbortSignal.timeout(10_000) }).catch(() => null)
    if (answer?.ok === true) return asked
    if (answer !== null && answer.status < 500) throw new Error(await answer.text())
    await sleep(50)
  }
}

async function hasTable({ database }: TestDatabase, name: string): Promise<boolean> {
  const [row] = await database.query<{ there: boolean }>(sql`select to_regclass(${name}) is not null as there`)
  return row?.there ?? false
}

async function invoices(billing: TestDatabase): Promise<number> {
  if (!(await hasTable(billing, 'invoice'))) return 0
  const [row] = await billing.database.query<{ n: number }>(raw('select count(*)::int as n from invoice'))
  return row?.n ?? 0
}

describe.skipIf('missing' in kafka)('orders', () => {
  test('each has one invoice, whoever is killed', { timeout: 240_000 }, async () => {
    if ('missing' in kafka) throw new Error(kafka.missing)
    await using broker = kafka.broker
    const seed = freshSeed()
    onTestFailed(() => void process.stderr.write(`seed ${seed}\n`))
    const chance = random(seed)
    await using shop = await createTestDatabase()
    await using billing = await createTestDatabase({ migrated: false })
    await createOutbox(shop.database, { name: 'outbox' })
    const port = await freePort()
    const env = {
      SHOP_DATABASE_URL: shop.url,
      BILLING_DATABASE_URL: billing.url,
      KAFKA_BROKER: broker.address,
      PORT: String(port),
    }
    const main = here('main.ts')
    const tables = new Program([main, 'shop-tables'], env)
    await until(() => hasTable(shop, 'order_line'))
    const relay = new Program([here('../../../apps/cli/src/main.ts'), 'relay', '--config', here('../relay.yaml')], env)
    // the topic is the relay's to make
    await until(async () => {
      const [row] = await shop.database.query<{ n: number }>(sql`select count(*)::int as n from freshet.consumer`)
      return row?.n === 1
    })
    const [service, biller] = [new Program([main, 'service'], env), new Program([main, 'billing'], env)]
    const programs = [tables, service, relay, biller]
    try {
      const url = `http://127.0.0.1:${port}`
      const asked = Promise.all(
        Array.from({ length: CUSTOMERS }, async (_, customer) => {
          let more = 0
          for (let order = 1; order <= ORDERS_EACH; order++) {
            more += (await place(url, `c${customer}`, `${order}.${chance.int(10, 99)}`)) - 1
            await sleep(chance.int(0, 60))
          }
          return more
        }),
      )
      for (const struck of chance.shuffle([service, relay, biller])) {
        await sleep(chance.int(300, 900))
        await struck.strike()
        // as if the time had passed in which its lease ends
        if (struck === relay) await shop.database.query(raw('update freshet.lease set expires_at = clock_timestamp()'))
      }
      const again = (await asked).reduce((sum, more) => sum + more, 0)
      await until(async () => (await invoices(billing)) >= CUSTOMERS * ORDERS_EACH)

      const placed = await shop.database.query(raw('select id, customer, number, total from orders order by id'))
      expect(placed).toHaveLength(CUSTOMERS * ORDERS_EACH)
      expect(
        await billing.database.query(raw('select order_id as id, customer, number, total from invoice order by 1')),
      ).toEqual(placed)
      expect(await billing.database.query(raw('select customer, owed from account order by 1'))).toEqual(
        await shop.database.query(raw('select customer, sum(total) as owed from orders group by 1 order by 1')),
      )
      const wrong = raw(
        'select from (select number, row_number() over (partition by customer order by id) as place from invoice) one where number <> place',
      )
      expect(await billing.database.query(wrong)).toEqual([])
      process.stdout.write(`orders: ${placed.length}, asked for ${again} times more, seed ${seed}\n`)
      // asked to end, they end well
      expect(await Promise.all([service, relay, biller].map((program) => program.stop()))).toEqual([0, 0, 0])
    } finally {
      for (const program of programs) await program.kill()
    }
  })

  test('what is no order is refused, and nothing is there of it', async () => {
    await using shop = await createTestDatabase()
    await createOutbox(shop.database, { name: 'outbox' })
    const env = { SHOP_DATABASE_URL: shop.url, PORT: String(await freePort()) }
    const tables = new Program([here('main.ts'), 'shop-tables'], env)
    await until(() => hasTable(shop, 'order_line'))
    await tables.stop()
    const service = await startOrderService(shop.url, 0)
    try {
      const put = async (id: string, body: unknown) => {
        const answer = await fetch(`${service.url}/orders/${id}`, { method: 'PUT', body: JSON.stringify(body) })
        return { status: answer.status, body: (await answer.json()) as unknown }
      }
      const line = { sku: 'a', quantity: 2, price: '1.05' }
      expect(await put('7', { customer: 'c', lines: [line] })).toMatchObject({ status: 400 })
      for (const body of [
        null,
        { customer: 'c', lines: [] },
        { customer: 'c', lines: [{ ...line, price: 1.05 }] },
        { customer: 'c', lines: [{ ...line, quantity: 0 }] },
      ])
        expect(await put(randomUUID(), body)).toMatchObject({ status: 400 })
      const id = randomUUID()
      const order = { order: id, customer: 'c', number: 1, total: '2.10' }
      expect(await put(id, { customer: 'c', lines: [line] })).toEqual({ status: 201, body: order })
      expect(await put(id, { customer: 'c', lines: [line] })).toEqual({ status: 200, body: order })
      expect(await put(id, { customer: 'd', lines: [line] })).toMatchObject({ status: 409 })
      expect(await shop.database.query(raw('select key, payload from outbox'))).toEqual([{ key: 'c', payload: order }])
    } finally {
      await service.stop()
    }
  })
})
