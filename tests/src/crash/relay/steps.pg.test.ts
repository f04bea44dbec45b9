import { freshSeed, random } from '@freshet/testkit'
import { afterAll, expect, onTestFailed, test } from 'vitest'
import { LONG } from '../../length.ts'
import { IN_ORDER } from './account.ts'
import { KAFKA_REQUESTS, type KafkaRequest } from './kafka-link.ts'
import { until } from './relay-process.ts'
import { brokerAndWay, relayWorld, type RelayWorld } from './relay-world.ts'

/**
 * Between any two steps of a delivery the relay, the broker or the database is killed with SIGKILL: before a request reaches
 * the broker or the database, or when it was done and nobody has heard of it. Afterwards every message is there once.
 */
const way = await brokerAndWay('the relay killed at every step')
afterAll(() => way?.[Symbol.asyncDispose]())

type Victim = 'relay' | 'broker' | 'database'
type Side = 'before' | 'after'

interface Point {
  readonly at: { readonly kafka: KafkaRequest } | { readonly statement: string }
  readonly side: Side
}

/** Of a relay that works: the lease, the window, where it stands. */
const STATEMENTS = [
  'insert into freshet.lease',
  'select now.*',
  'update freshet.consumer',
  'select freshet.fence',
  'commit',
]
const POINTS: readonly Point[] = (['before', 'after'] as const).flatMap((side) => [
  ...KAFKA_REQUESTS.map((kafka) => ({ at: { kafka }, side })),
  ...STATEMENTS.map((statement) => ({ at: { statement }, side })),
])
/** What happens only while a relay begins. */
const OF_A_BEGINNING = new Set<string>(['InitProducerId', 'OffsetFetch', 'insert into freshet.lease'])

const ofDelivery = POINTS.filter(({ at }) => 'kafka' in at && !OF_A_BEGINNING.has(at.kafka))

function planned(seed: number): readonly (readonly [Victim, Point])[] {
  const dice = random(seed)
  if (LONG)
    return (['relay', 'database', 'broker'] as const).flatMap((victim) =>
      POINTS.map((point) => [victim, point] as const),
    )
  return [
    ...dice.sample(ofDelivery, 2).map((point) => ['relay', point] as const),
    ...dice.sample(POINTS, 1).map((point) => ['database', point] as const),
    ['broker', dice.pick(ofDelivery)],
  ]
}

const ROUND = 50

test.skipIf(way === null)(
  'the relay, the broker and the database killed at every step of a delivery',
  async () => {
    if (way === null) return
    const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
    onTestFailed(() => void process.stderr.write(`seed ${seed}\n`))
    await using world = await relayWorld(way)
    const struck = { relay: 0, broker: 0, database: 0 }
    await world.relay.worksAgain(0)
    for (const [victim, point] of planned(seed)) {
      await world.write(ROUND)
      await world.delivered()
      const name = 'kafka' in point.at ? point.at.kafka : point.at.statement
      if (OF_A_BEGINNING.has(name)) await world.relay.kill()
      const happened = listening(world, point, victim)
      if (OF_A_BEGINNING.has(name)) await world.anotherRelay()
      await world.write(ROUND)
      await happened
      struck[victim]++
      await again(world, victim)
      await world.delivered()
    }
    const account = await world.account()
    process.stdout.write(
      `relay, killed at its steps: ${account.written} messages; struck relay ${struck.relay}, broker ${struck.broker}, database ${struck.database}; lost ${account.lost}, doubled ${account.doubled}, invented ${account.invented}, out of order ${account.disordered}; seed ${seed}\n`,
    )
    expect(account).toMatchObject(IN_ORDER)
    expect(struck.relay + struck.broker + struck.database).toBe(planned(seed).length)
  },
  LONG ? 3_600_000 : 240_000,
)

/** Ends when it has been struck. */
async function listening(world: RelayWorld, { at, side }: Point, victim: Victim): Promise<void> {
  let struck = false
  const strike = async () => {
    await kill(world, victim)
    struck = true
    return 'nothing' as const
  }
  if ('kafka' in at) world.kafka.listen({ at: at.kafka, side, strike })
  else
    world.statements.listen({
      at: (label) => label.startsWith(at.statement),
      side,
      strike,
    })
  await until(`somebody comes by ${JSON.stringify(at)}, ${side}`, () => struck)
}

async function kill({ relay, broker, server }: RelayWorld, victim: Victim): Promise<void> {
  if (victim === 'relay') await relay.kill()
  else if (victim === 'broker') await broker.kill()
  else await server.stop('kill')
}

async function again({ relay, broker, server, kafka, network, ...world }: RelayWorld, victim: Victim): Promise<void> {
  if (victim === 'broker') await broker.restart()
  if (victim === 'database') await server.start()
  if (victim !== 'relay' && LONG) return // it comes back by itself
  // what it knew is gone, and its pauses need not be waited for
  await relay.kill()
  kafka.cut()
  network.cut()
  await world.anotherRelay()
}
