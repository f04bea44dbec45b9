import { type Database, raw, sql } from '@freshet/core'
import { createOutbox, listOutboxes } from '@freshet/relay'
import {
  createTestDatabase,
  type KafkaBroker,
  type RestartableServer,
  startKafka,
  startRestartableServer,
  type TestDatabase,
} from '@freshet/testkit'
import { Kafka, logLevel } from 'kafkajs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FaultLink, faultLink } from '../fault-link.ts'
import { type Account, ledger, takeTopic } from './account.ts'
import { type KafkaLink, kafkaLink } from './kafka-link.ts'
import { type NetworkLink, networkLink } from './network-link.ts'
import { RelayProcess } from './relay-process.ts'

/** An outbox on a server of its own, a broker, a relay between them, and ways on which each can be struck. */
export interface RelayWorld extends AsyncDisposable {
  readonly server: RestartableServer
  readonly own: TestDatabase
  readonly database: Database
  readonly broker: LocalBroker
  /** Between relay and broker. */
  readonly kafka: KafkaLink
  /** Between relay and database: statements, and behind them the network. */
  readonly statements: FaultLink
  readonly network: NetworkLink
  readonly relay: RelayProcess
  readonly config: string
  /** Messages of a few keys, in one transaction. */
  write(count: number): Promise<void>
  /** Until the relay has delivered all that is there. */
  delivered(): Promise<void>
  /** Another process takes its place at once, as if the time had passed in which a lease ends. */
  anotherRelay(): Promise<void>
  account(): Promise<Account>
}

/** One that can be killed. */
export interface LocalBroker {
  readonly address: string
  kill(): Promise<void>
  restart(): Promise<void>
}

export const TOPIC = 'orders'

export interface BrokerAndWay extends AsyncDisposable {
  readonly broker: LocalBroker
  readonly kafka: KafkaLink
}

/** Null, said loudly, where there is none. */
export async function brokerAndWay(
  what: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<BrokerAndWay | null> {
  const links: KafkaLink[] = []
  const way = async (address: string) => {
    const link = await kafkaLink(address)
    links.push(link)
    return link.address
  }
  const started = await startKafka(settings, { way })
  const [kafka] = links
  if ('missing' in started || kafka === undefined) {
    const { missing = 'no way to Kafka' } = 'missing' in started ? started : {}
    process.stderr.write(`\nSKIPPED: ${what}. ${missing}\n\n`)
    return null
  }
  const broker = localBroker(started.broker)
  return {
    broker,
    kafka,
    [Symbol.asyncDispose]: async () => {
      await started.broker[Symbol.asyncDispose]()
      await kafka[Symbol.asyncDispose]()
    },
  }
}

function localBroker({ address, kill, restart }: KafkaBroker): LocalBroker {
  if (kill === null || restart === null) throw new Error('the broker is not one of this machine')
  return { address, kill, restart }
}

export async function relayWorld(
  { broker, kafka }: BrokerAndWay,
  settings: Readonly<Record<string, string>> = {},
): Promise<RelayWorld> {
  const server = await startRestartableServer({ settings: { synchronous_commit: 'on', ...settings } })
  const own = await createTestDatabase({ serverUrl: server.url })
  const { database } = own
  await createOutbox(database, { name: 'outbox', keepMs: 86_400_000 })
  const address = new URL(own.url)
  const network = await networkLink(`${address.hostname}:${address.port}`)
  const near = new URL(own.url)
  near.port = network.address.split(':')[1] ?? ''
  const statements = await faultLink(near.toString())
  await makeTopic(broker.address, TOPIC)
  const config = `
relays:
  orders:
    source: { outbox: outbox }
    format: plain
    sink: { kind: kafka, brokers: ['${kafka.address}'] }
`
  const relay = new RelayProcess(config, statements.url)
  const anotherRelay = async () => {
    await patiently(() =>
      database.query(sql`update freshet.lease set expires_at = clock_timestamp() where name = 'relay:orders'`),
    )
    relay.restart()
  }
  return {
    server,
    own,
    database,
    broker,
    kafka,
    statements,
    network,
    relay,
    config,
    write: (count) =>
      patiently(async () => {
        await database.query(
          sql`insert into outbox (topic, key, payload) select ${TOPIC}, (i % 7)::text, '{}' from generate_series(1, ${count}::int) i`,
        )
      }),
    delivered: () => delivered(database),
    anotherRelay,
    account: async () => {
      const shown = ledger()
      await takeTopic(shown, broker.address, TOPIC)
      return shown.account(database)
    },
    [Symbol.asyncDispose]: async () => {
      await relay.kill()
      await statements[Symbol.asyncDispose]()
      await network[Symbol.asyncDispose]()
      await dropTopics(broker.address)
      await patiently(() => database.query(raw('select 1')))
      await own.drop()
      await server[Symbol.asyncDispose]()
    },
  }
}

const NO_PROGRESS_MS = 90_000

/** As long as it moves, it is waited for: what waits is counted by windows, and one may be large. */
export async function delivered(database: Database): Promise<void> {
  let last = ''
  let since = performance.now()
  for (;;) {
    const [outbox] = await patiently(() => listOutboxes(database))
    const lag = outbox?.consumers.reduce((sum, one) => sum + (one.lag ?? 1), 0) ?? 0
    if (lag === 0) return
    const now = JSON.stringify(outbox?.consumers)
    if (now !== last) since = performance.now()
    last = now
    if (performance.now() - since > NO_PROGRESS_MS) throw new Error(`the relay does not get on; ${lag} messages wait`)
    await sleep(lag > 10_000 ? 1_000 : 20)
  }
}

/** Asks again while the server is away or recovers. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await work()
    } catch (error) {
      if (failures === 100) throw error
      await sleep(50)
    }
  }
}

export async function makeTopic(address: string, topic: string): Promise<void> {
  await administered(address, (admin) =>
    admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: true }),
  )
}

async function dropTopics(address: string): Promise<void> {
  await administered(address, async (admin) => admin.deleteTopics({ topics: [TOPIC] }))
}

type Admin = ReturnType<Kafka['admin']>

export async function administered<T>(address: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}
