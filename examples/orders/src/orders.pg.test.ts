import { raw } from '@freshet/core'
import { createTestDatabase, freePort, freshSeed, random, startKafka } from '@freshet/testkit'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, onTestFailed, test } from 'vitest'

/**
 * The example as its README says: processes of their own, two databases, a real broker. Relay and billing are killed while
 * orders are placed; every order that was placed has one invoice, those that were not have none.
 */
const kafka = await startKafka()
const missing = 'missing' in kafka
if (missing) process.stderr.write(`\nSKIPPED: the example of orders; ${kafka.missing}\n\n`)
afterAll(async () => {
  if (!missing) await kafka.broker[Symbol.asyncDispose]()
})

const ORDERS = 240
const CUSTOMERS = 10
const CREDIT = 5_000

type Environment = Readonly<Record<string, string>>

/** A process that is told to be ready by what it prints, and can be killed and started again. */
class Running {
  readonly #start: () => ChildProcess
  #child: ChildProcess | undefined
  #ready: string

  constructor(script: string, ready: string, env: Environment, ...args: readonly string[]) {
    const file = fileURLToPath(new URL(script, import.meta.url))
    this.#ready = ready
    this.#start = () =>
      spawn(process.execPath, ['--conditions=@freshet/source', file, ...args], {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
  }

  async start(): Promise<void> {
    const child = this.#start()
    this.#child = child
    let said = ''
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        said += chunk.toString()
        if (said.includes(this.#ready)) resolve()
      })
      child.once('exit', () => reject(new Error(`it ended, and said: ${said}`)))
    })
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
}

describe.skipIf(missing)('the example of orders', () => {
  test('relay and billing are killed, and each order has one invoice', { timeout: 240_000 }, async () => {
    if (missing) return
    const seed = freshSeed()
    onTestFailed(() => void process.stderr.write(`seed ${seed}\n`))
    const chance = random(seed)
    await using shop = await createTestDatabase()
    await using billing = await createTestDatabase({ migrated: false })
    const port = await freePort()
    const env = {
      SHOP_DATABASE_URL: shop.url,
      BILLING_DATABASE_URL: billing.url,
      KAFKA: kafka.broker.address,
      PORT: String(port),
    }
    const install = spawn(
      process.execPath,
      ['--conditions=@freshet/source', fileURLToPath(new URL('install.ts', import.meta.url))],
      { env: { ...process.env, ...env }, stdio: 'inherit' },
    )
    expect(await once(install, 'exit')).toEqual([0, null])
    const config = fileURLToPath(new URL('../relay.yaml', import.meta.url))
    const service = new Running('service.ts', 'listens', env)
    const relay = new Running('../../../apps/cli/src/main.ts', 'The relay runs', env, 'relay', '--config', config)
    const biller = new Running('billing.ts', 'Billing reads', env)
    for (const one of [service, relay]) shop.defer(() => one.kill())
    billing.defer(() => biller.kill())
    await service.start()
    await relay.start()

    const answers: number[] = []
    const place = async (customer: string, total: string) => {
      const body = JSON.stringify({ customer, total })
      const response = await fetch(`http://127.0.0.1:${port}/orders`, { method: 'POST', body })
      answers.push(response.status)
      await response.arrayBuffer()
    }
    const placeSome = async (count: number) => {
      const all = Array.from({ length: count }, () => [
        `customer-${chance.int(1, CUSTOMERS)}`,
        // one in ten is more than a customer has
        chance.chance(0.1) ? String(CREDIT + 1) : `${chance.int(0, 20)}.${chance.int(10, 99)}`,
      ])
      for (let at = 0; at < all.length; at += 6)
        await Promise.all(all.slice(at, at + 6).map(([customer = '', total = '']) => place(customer, total)))
    }
    const count = async (name: 'orders' | 'invoices') => {
      const [found] =
        name === 'orders'
          ? await shop.database.query<{ n: number }>(raw('select count(*)::int as n from shop.orders'))
          : await billing.database.query<{ n: number }>(raw('select count(*)::int as n from billing.invoices'))
      return found?.n ?? 0
    }
    const untilInvoices = async (n: number) => {
      for (let waited = 0; (await count('invoices')) < n; waited++) {
        if (waited > 4_000) throw new Error(`there are ${await count('invoices')} of ${n} invoices`)
        // as if the time had passed in which a lease ends
        await shop.database.query(
          raw(`update freshet.lease set expires_at = clock_timestamp() where name = 'relay:orders'
          and not exists (select from pg_stat_activity where application_name = 'freshet-relay' and datname = current_database())`),
        )
        await sleep(20)
      }
    }

    await placeSome(ORDERS / 3)
    await biller.start()
    await untilInvoices(1)
    await Promise.all([placeSome(ORDERS / 3), relay.kill(), biller.kill()])
    const between = await count('invoices')
    await relay.start()
    await biller.start()
    await placeSome(ORDERS / 3)
    await relay.kill()
    await biller.kill()
    await relay.start()
    await biller.start()
    const placed = await count('orders')
    await untilInvoices(placed)

    const orders = await shop.database.query<{ id: string; customer: string; total: string }>(
      raw('select id::text, customer, total from shop.orders o order by o.id'),
    )
    const invoices = await billing.database.query<{ id: string; customer: string; total: string }>(
      raw('select order_id as id, customer, amount as total from billing.invoices order by order_id::bigint'),
    )
    process.stdout.write(
      `orders: ${placed} placed, ${between} invoices when both were killed, ${invoices.length} at the end; seed ${seed}\n`,
    )
    expect(invoices).toEqual(orders)
    expect(answers.length).toBe(ORDERS)
    expect(answers.filter((status) => status === 201).length).toBe(placed)
    expect(answers.filter((status) => status === 402).length).toBe(ORDERS - placed)
    await place('customer-1', 'a lot')
    expect(answers.at(-1)).toBe(400)
    const dead = await billing.database.query(
      raw('select event_id, error from billing.inbox where dead_at is not null'),
    )
    expect(dead).toEqual([])
  })
})
