import { raw, sql } from '@freshet/core'
import { freshSeed, type KafkaBroker, random, startKafka } from '@freshet/testkit'
import { Kafka, logLevel } from 'kafkajs'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, onTestFailed, test } from 'vitest'
import { outboxWorld, type OutboxWorld } from './outbox/outbox.fixture.ts'
import { readTopic } from './sinks/kafka/reader.fixture.ts'

/**
 * The relay, the broker and the database's sessions struck at random while writers commit late, roll back and go on: in
 * Kafka, as `read_committed` shows it, every message is there once, and those of a key in the order of their commits.
 */
const LONG = process.env['FRESHET_TEST_LENGTH'] === 'long'
const SIZE = LONG ? { writers: 16, messages: 1_000_000, strikes: 60 } : { writers: 6, messages: 6_000, strikes: 5 }
const KEYS = 40

const kafka = await startKafka()
if ('missing' in kafka) process.stderr.write(`\nSKIPPED: crashes of the relay. ${kafka.missing}\n\n`)

function brokerOf(): KafkaBroker {
  if ('missing' in kafka) throw new Error(kafka.missing)
  return kafka.broker
}

afterAll(async () => {
  if ('broker' in kafka) await kafka.broker[Symbol.asyncDispose]()
})

const CONFIG = (address: string) => `
relays:
  orders:
    source: { outbox: outbox }
    format: plain
    sink: { kind: kafka, brokers: ['${address}'] }
`

/** Its children are killed, never asked to end. */
class RelayProcess {
  #child: ChildProcess
  readonly #args: readonly string[]

  constructor(config: string, url: string) {
    this.#args = [config, url]
    this.#child = this.#start()
  }

  #start(): ChildProcess {
    const script = fileURLToPath(new URL('relay-process.fixture.ts', import.meta.url))
    const child = fork(script, this.#args, {
      execArgv: ['--conditions=@freshet/source'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    child.on('message', (told) => {
      if (told === 'started') this.started++
    })
    return child
  }

  /** How often it has begun to deliver, over all of its lives. */
  started = 0

  /** Until it has begun once more than so often. */
  async worksAgain(before: number): Promise<void> {
    for (let waited = 0; this.started <= before && waited < 60_000; waited += 10) await sleep(10)
    if (this.started <= before) throw new Error('the relay did not begin to work')
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  restart(): void {
    this.#child = this.#start()
  }
}

/** As if the time had passed in which a lease ends. */
async function expireLease({ database }: OutboxWorld): Promise<void> {
  await database.query(sql`update freshet.lease set expires_at = clock_timestamp() where name = 'relay:orders'`)
}

async function makeTopic(address: string, topic: string): Promise<void> {
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] })
  await admin.disconnect()
}

describe.skipIf('missing' in kafka)('struck at random', () => {
  test(
    `${SIZE.messages} messages, ${SIZE.writers} writers, ${SIZE.strikes} strikes: each once, keys in order`,
    async () => {
      const seed = freshSeed()
      onTestFailed(() => void process.stderr.write(`seed ${seed}\n`))
      const chance = random(seed)
      await using world = await outboxWorld()
      const { database, test: own } = world
      const { address, kill: killBroker, restart: restartBroker } = brokerOf()
      await makeTopic(address, 'orders')
      await database.query(raw(`update freshet.outbox set keep_ms = 86400000`))
      await database.query(raw(`create table keys as select k, 0 as n from generate_series(1, ${KEYS}) k`))
      await database.query(raw('create unique index on keys (k)'))

      const each = SIZE.messages / SIZE.writers
      let striking = true
      const writers = Array.from({ length: SIZE.writers }, async () => {
        const dice = chance.fork()
        const client = await own.client()
        for (let written = 0; written < each || striking;) {
          const rows = dice.int(1, LONG ? 400 : 12)
          const rollback = dice.chance(0.1)
          await client.query('begin')
          await client.query(
            `with one as (update keys set n = n + $2 where k = $1 returning n - $2 as n)
           insert into outbox (topic, key, payload)
           select 'orders', $1::int::text, jsonb_build_object('n', one.n + i) from one, generate_series(1, $2::int) i order by i`,
            [dice.int(1, KEYS), rows],
          )
          if (!LONG || dice.chance(0.2)) await sleep(dice.int(1, 30))
          await client.query(rollback ? 'rollback' : 'commit')
          if (!rollback) written += rows
        }
      })

      const relay = new RelayProcess(CONFIG(address), own.url)
      own.defer(() => relay.kill())
      let before = 0
      const strikes: string[] = []
      const kinds = ['relay', 'relay', 'relay', 'session', ...(restartBroker === null ? [] : ['broker'])]
      // each of them once, and then as chance has it; a broker takes its time to start
      const more = LONG ? kinds : kinds.filter((kind) => kind !== 'broker')
      const planned = [
        ...chance.shuffle([...new Set(kinds)]),
        ...Array.from({ length: SIZE.strikes }, () => chance.pick(more)),
      ]
      for (const kind of planned.slice(0, SIZE.strikes)) {
        // struck while it delivers, not while it starts
        await relay.worksAgain(before)
        await sleep(chance.int(20, LONG ? 8_000 : 1_500))
        // of sessions that end between two statements, it need not even hear
        if (kind !== 'session') before = relay.started
        strikes.push(kind)
        if (kind === 'relay') {
          await relay.kill()
          await expireLease(world)
          relay.restart()
        } else if (kind === 'session')
          await database.query(
            raw(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'freshet-relay'`),
          )
        else {
          await killBroker?.()
          await restartBroker?.()
          // so that its pauses, which have grown meanwhile, need not be waited for
          await relay.kill()
          await expireLease(world)
          relay.restart()
        }
      }
      striking = false
      await Promise.all(writers)

      // a message that is written last, and may be struck no more: when it is there, all that came before is
      await database.query(raw(`insert into outbox (topic, key, payload) values ('orders', 'last', '{}')`))
      let shown = await readTopic(address, 'orders')
      for (let waited = 0; !shown.some(({ key }) => key === 'last') && waited < 120; waited++) {
        await expireLease(world)
        await sleep(500)
        shown = await readTopic(address, 'orders')
      }
      const written = await database.query<{ id: string }>(sql`select id from outbox`)
      const ids = shown.map(({ id }) => id.split('-').at(-1) ?? '')
      const known = new Set(ids)
      const lost = written.filter(({ id }) => !known.has(id)).length
      const doubled = ids.length - known.size
      process.stdout.write(
        `relay: ${written.length} messages, strikes ${strikes.join(' ')}; lost ${lost}, doubled ${doubled}; seed ${seed}\n`,
      )
      expect({ lost, doubled }).toEqual({ lost: 0, doubled: 0 })
      for (let key = 1; key <= KEYS; key++) {
        const numbers = shown
          .filter((one) => one.key === String(key))
          .map(({ value }) => (JSON.parse(String(value)) as { n: number }).n)
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
      }
      await relay.kill()
    },
    LONG ? 3_600_000 : 180_000,
  )
})
