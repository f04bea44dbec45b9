import { raw } from '@freshet/core'
import { freshSeed, random } from '@freshet/testkit'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, onTestFailed, test } from 'vitest'
import { LONG } from '../../length.ts'
import { IN_ORDER } from './account.ts'
import { startOutboxWriters } from './outbox-writers.ts'
import { brokerAndWay, patiently, relayWorld, type RelayWorld, TOPIC } from './relay-world.ts'

/**
 * Relay, broker, database and what lies between them struck at random, while writers commit late, roll back and go on; no
 * writer waits for the disk. In Kafka, as `read_committed` shows it, every message is there once, those of a key in the order
 * of their commits, and none that the database does not have.
 */
const SIZE = LONG
  ? { writers: 16, messages: 1_000_000, keys: 40, rows: 400, strikes: 40, pauseMs: 2_000 }
  : { writers: 6, messages: 6_000, keys: 40, rows: 12, strikes: 5, pauseMs: 400 }
const way = await brokerAndWay('the relay struck at random')
afterAll(() => way?.[Symbol.asyncDispose]())

/** Whether the relay has to begin anew afterwards: of some strikes it need not even hear. */
const KINDS = {
  relay: true,
  database: true,
  session: false,
  'network to the database': false,
  'network to the broker': false,
  slow: false,
  frozen: false,
  // it takes its time to start
  ...(LONG ? { broker: true } : {}),
} as const
type Kind = keyof typeof KINDS | 'broker'

test.skipIf(way === null)(
  `${SIZE.messages} messages, ${SIZE.writers} writers, ${SIZE.strikes} strikes`,
  async () => {
    if (way === null) return
    const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
    onTestFailed(() => void process.stderr.write(`seed ${seed}\n`))
    const dice = random(seed)
    await using world = await relayWorld(way, { synchronous_commit: 'off' })
    const { relay, own } = world
    const began = performance.now()
    const writers = await startOutboxWriters(own, TOPIC, SIZE, dice)
    const kinds = Object.keys(KINDS) as Kind[]
    const planned = [...dice.shuffle(kinds), ...Array.from({ length: SIZE.strikes }, () => dice.pick(kinds))]
    const struck = new Map<Kind, number>()
    let before = 0
    for (const kind of planned.slice(0, SIZE.strikes)) {
      // struck while it delivers, not while it starts
      await relay.worksAgain(before)
      await sleep(dice.int(20, SIZE.pauseMs))
      const anew = relay.started
      await strike(world, kind)
      struck.set(kind, (struck.get(kind) ?? 0) + 1)
      if (kind === 'broker' || KINDS[kind]) before = anew
    }
    await writers.ended()
    await world.delivered()
    const seconds = Math.round((performance.now() - began) / 1_000)
    const account = await world.account()
    const strikes = [...struck].map(([kind, times]) => `${kind} ${times}`).join(', ')
    process.stdout.write(
      `relay, struck at random: ${account.written} messages in ${seconds} s; struck ${strikes}; transactions broken off ${writers.brokenOff()}; failures of the relay ${relay.failures.length}; lost ${account.lost}, doubled ${account.doubled}, invented ${account.invented}, out of order ${account.disordered}; seed ${seed}\n`,
    )
    expect(account).toMatchObject(IN_ORDER)
    expect(account.written).toBeGreaterThan(SIZE.messages / 2)
    expect([...struck.values()].reduce((sum, times) => sum + times, 0)).toBe(SIZE.strikes)
  },
  LONG ? 3_600_000 : 240_000,
)

async function strike(world: RelayWorld, kind: Kind): Promise<void> {
  const { relay, database, server, broker, kafka, network } = world
  switch (kind) {
    case 'relay':
      await relay.kill()
      return world.anotherRelay()
    case 'database':
      await server.stop('kill')
      return server.start()
    case 'broker':
      await broker.kill()
      return broker.restart()
    case 'session':
      await patiently(() =>
        database.query(
          raw(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'freshet-relay'`),
        ),
      )
      return
    case 'network to the database':
      network.cut()
      return
    case 'network to the broker':
      kafka.cut()
      return
    case 'slow':
      for (const link of [network, kafka]) link.slow(20)
      await sleep(500)
      for (const link of [network, kafka]) link.slow(0)
      return
    case 'frozen':
      relay.signal('SIGSTOP')
      await sleep(500)
      relay.signal('SIGCONT')
  }
}
