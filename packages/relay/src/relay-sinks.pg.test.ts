import { raw, sql } from '@freshet/core'
import { freshSeed, random, type Service, startNats, startRabbitmq, startRedis } from '@freshet/testkit'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFailed, test } from 'vitest'
import type { Message } from './message.ts'
import { outboxWorld } from './outbox/outbox.fixture.ts'
import { readStream } from './sinks/nats/reader.fixture.ts'
import { takeAll } from './sinks/rabbitmq/reader.fixture.ts'
import { readRedisStream } from './sinks/redis/reader.fixture.ts'
import { serviceOf, sinkServer } from './sinks/server.fixture.ts'

/**
 * From the outbox to the servers of sinks, by a relay that is killed again and again: nothing is lost, what comes twice is the
 * same and has the same id, and of a key nothing comes for the first time after what was written later.
 */
const MESSAGES = 1_200
const KEYS = 7
const KILLS = 3

interface Reached {
  readonly name: string
  /** Of a relay's configuration. */
  readonly sink: string
  /** What has arrived since it was asked the last time, or all of it. */
  readonly read: () => Promise<readonly Message[]>
  readonly taken: boolean
  /** Whether a double is a mistake. */
  readonly once: boolean
}

const nats = await sinkServer<Service>('nats, end to end', async () => serviceOf(await startNats()))
const redis = await sinkServer<Service>('redis, end to end', async () => serviceOf(await startRedis()))
const rabbitmq = await sinkServer<Service>('rabbitmq, end to end', async () => serviceOf(await startRabbitmq()))

const SINKS: readonly { readonly name: string; readonly missing: boolean; readonly reach: () => Reached }[] = [
  {
    name: 'nats',
    missing: nats.missing,
    reach: () => ({
      name: 'nats',
      sink: `{ kind: nats, servers: ['127.0.0.1:${nats.get().port}'], create_stream: { name: all, subjects: [orders] } }`,
      read: () => readStream(nats.get().port, 'all'),
      taken: false,
      once: true,
    }),
  },
  {
    name: 'redis',
    missing: redis.missing,
    reach: () => ({
      name: 'redis',
      sink: `{ kind: redis, url: 'redis://127.0.0.1:${redis.get().port}' }`,
      read: () => readRedisStream(redis.get().port, 'orders'),
      taken: false,
      once: true,
    }),
  },
  {
    name: 'rabbitmq',
    missing: rabbitmq.missing,
    reach: () => {
      const url = `amqp://127.0.0.1:${rabbitmq.get().port}`
      return {
        name: 'rabbitmq',
        sink: `{ kind: rabbitmq, url: '${url}', queues: [orders], create_queues: quorum }`,
        read: () => takeAll(url, 'orders'),
        taken: true,
        once: false,
      }
    },
  },
]

/** A process that begins to work, and is killed. */
class Relay {
  readonly #child: ChildProcess
  readonly started: Promise<unknown>

  constructor(config: string, url: string) {
    const script = fileURLToPath(new URL('relay-process.fixture.ts', import.meta.url))
    this.#child = fork(script, [config, url], {
      execArgv: ['--conditions=@freshet/source'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.started = new Promise<void>((resolve, reject) => {
      this.#child.on('message', (told) => {
        if (told === 'started') resolve()
      })
      this.#child.on('exit', (code) => reject(new Error(`the relay ended with ${code}`)))
    })
    this.started.catch(() => undefined) // told to whoever waits for it
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}

describe.each(SINKS)('a relay to $name', ({ missing, reach }) => {
  test.skipIf(missing)(`is killed ${KILLS} times: nothing lost, doubles have the same id, keys in order`, async () => {
    const seed = freshSeed()
    onTestFailed(() => void process.stderr.write(`seed ${seed}\n`))
    const chance = random(seed)
    const { name, sink, read, taken, once: noDoubles } = reach()
    await using world = await outboxWorld()
    const { database, test: own } = world
    await database.query(raw('update freshet.outbox set keep_ms = 86400000'))
    const config = `relays: { orders: { source: { outbox: outbox }, format: plain, sink_max_inflight: 40, sink: ${sink} } }`
    const before: Message[] = []
    const shown = async () => {
      const found = await read()
      if (!taken) return found
      before.push(...found)
      return before
    }
    let written = 0
    const write = async (count: number) => {
      for (const end = written + count; written < end; written += 20)
        await database.query(
          sql`insert into outbox (topic, key, payload)
            select 'orders', 'k' || i % ${KEYS}, jsonb_build_object('n', i)
            from generate_series(${written}::int, ${written + 19}::int) i order by i`,
        )
    }
    const until = async (count: number) => {
      const end = performance.now() + 90_000
      while (new Set((await shown()).map(({ id }) => id)).size < count) {
        if (performance.now() > end) throw new Error(`${(await shown()).length} of ${count} arrived`)
        await sleep(20)
      }
    }

    let relay = new Relay(config, own.url)
    own.defer(() => relay.kill())
    await relay.started
    for (let kill = 1; kill <= KILLS; kill++) {
      const reached = written
      await write(MESSAGES / (KILLS + 1))
      // struck while it delivers
      await until(reached + chance.int(1, 60))
      await relay.kill()
      await database.query(raw(`update freshet.lease set expires_at = clock_timestamp() where name = 'relay:orders'`))
      relay = new Relay(config, own.url)
      await relay.started
    }
    await write(MESSAGES / (KILLS + 1))
    await until(written)

    const found = await shown()
    const first = new Map<string, Message>()
    for (const one of found) {
      const known = first.get(one.id)
      if (known === undefined) first.set(one.id, one)
      else expect(one).toEqual(known)
    }
    const doubled = found.length - first.size
    process.stdout.write(
      `${name}: ${written} messages, ${KILLS} kills; lost ${written - first.size}, doubled ${doubled}; seed ${seed}\n`,
    )
    if (noDoubles) expect(doubled).toBe(0)
    const numbers = Array.from({ length: KEYS }, (): number[] => [])
    for (const { key, value } of first.values())
      numbers[Number(key?.slice(1))]?.push((JSON.parse(String(value)) as { n: number }).n)
    const all = Array.from({ length: written }, (_, n) => n)
    expect(numbers).toEqual(numbers.map((_, key) => all.filter((n) => n % KEYS === key)))
    await relay.kill()
  })
})
