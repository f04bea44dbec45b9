import { sql } from '@freshet/core'
import { listDeadLetters } from '@freshet/relay'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeEach, afterEach, describe, expect, test } from 'vitest'
import { LONG } from '../../length.ts'
import { type Account, IN_ORDER, ledger, takeTopic } from './account.ts'
import { RelayProcess, until } from './relay-process.ts'
import { administered, brokerAndWay, makeTopic, relayWorld, type RelayWorld, TOPIC } from './relay-world.ts'

/** What can happen to a relay besides being killed: its networks, its topic, a broker that takes nothing, another relay. */
const way = await brokerAndWay('faults of networks, topics and relays')
afterAll(() => way?.[Symbol.asyncDispose]())

describe.skipIf(way === null)(
  'networks that are cut, slow or still; topics that are deleted or full; relays that come back',
  () => {
    let world: RelayWorld
    beforeEach(async () => {
      if (way === null) throw new Error('there is no broker')
      world = await relayWorld(way)
      await world.relay.worksAgain(0)
    })
    afterEach(() => world[Symbol.asyncDispose]())

    const told = (fault: string, { written, lost, doubled, invented, disordered }: Account) =>
      void process.stdout.write(
        `relay, ${fault}: ${written} messages, failures ${world.relay.failures.join(' ') || 'none'}; lost ${lost}, doubled ${doubled}, invented ${invented}, out of order ${disordered}\n`,
      )

    test('each network cut, and slow', async () => {
      const { relay, kafka, network } = world
      let cut = 0
      for (const link of [kafka, network]) {
        for (let round = 0; round < (LONG ? 10 : 1); round++) {
          const before = relay.failures.length
          await world.write(500)
          cut += link.cut()
          await world.write(500)
          await world.delivered()
          expect(relay.failures.length).toBeGreaterThanOrEqual(before)
        }
        link.slow(15)
        const before = link.delayed()
        await world.write(500)
        await world.delivered()
        link.slow(0)
        expect(link.delayed()).toBeGreaterThan(before)
      }
      const account = await world.account()
      told(`${cut} connections cut, ${kafka.delayed() + network.delayed()} sendings delayed`, account)
      expect(cut).toBeGreaterThan(2)
      expect(account).toMatchObject(IN_ORDER)
    })

    test('a window of whole pages, whose last one is empty: killed after it, the relay knows where it stands', async () => {
      const { relay } = world
      await world.write(1_000)
      await world.delivered()
      await relay.kill()
      const before = relay.started
      await world.anotherRelay()
      await relay.worksAgain(before)
      await world.write(10)
      await world.delivered()
      const account = await world.account()
      told('killed after a window of whole pages', account)
      expect(relay.failures).not.toContain('CONSUMER_LOST')
      expect(account).toMatchObject({ ...IN_ORDER, written: 1_010 })
    })

    test('each network stands still, and goes on', async () => {
      const { kafka, network } = world
      let still = 0
      for (const link of [kafka, network]) {
        await world.write(100)
        still += link.freeze()
        await world.write(1_000)
        await sleep(LONG ? 35_000 : 300)
        link.thaw()
        await world.delivered()
      }
      const account = await world.account()
      told(`${still} connections that stood still`, account)
      expect(still).toBeGreaterThan(1)
      expect(account).toMatchObject(IN_ORDER)
    })

    test('a topic that takes only small batches from now on: refused, then sent in smaller ones', async () => {
      const { broker, relay, database } = world
      await world.write(1_000)
      await world.delivered()
      await largestBatch(broker.address, 2_000)
      await world.write(300)
      await world.delivered()
      const account = await world.account()
      told('batches that are refused for their size', account)
      expect(relay.failures).toContain('SINK_UNAVAILABLE')
      expect(await listDeadLetters(database, null)).toEqual([])
      expect(account).toMatchObject(IN_ORDER)
    })

    test('a topic that is deleted: the relay says so, and goes on when it is made again', async () => {
      const { broker, relay, database } = world
      await world.write(200)
      await world.delivered()
      const shown = ledger()
      await takeTopic(shown, broker.address, TOPIC)
      await administered(broker.address, (admin) => admin.deleteTopics({ topics: [TOPIC] }))
      await world.write(200)
      await until('the relay misses its topic', () => relay.failures.includes('SINK_REFUSED'))
      await makeTopic(broker.address, TOPIC)
      if (!LONG) {
        // it would look again after half a minute
        await relay.kill()
        await world.anotherRelay()
      }
      await world.delivered()
      await takeTopic(shown, broker.address, TOPIC)
      const account = await shown.account(database)
      told('a topic that was deleted', account)
      expect(account).toMatchObject(IN_ORDER)
    })

    test('a relay that stood still in a transaction while another took over: it is fenced', async () => {
      const { relay, kafka, own, database } = world
      await world.write(100)
      await world.delivered()
      let struck = false
      let release: () => void = () => undefined
      const released = new Promise<void>((resolve) => (release = resolve))
      kafka.listen({
        at: 'EndTxn',
        side: 'before',
        strike: async () => {
          relay.signal('SIGSTOP')
          struck = true
          await released
          return 'itself'
        },
      })
      await world.write(300)
      await until('it stands still', () => struck)
      await database.query(sql`update freshet.lease set expires_at = clock_timestamp() where name = 'relay:orders'`)
      const other = new RelayProcess(world.config, own.url)
      own.defer(() => other.kill())
      await other.worksAgain(0)
      await world.delivered()
      release()
      relay.signal('SIGCONT')
      await world.write(300)
      await until('it is fenced', () => relay.failures.some((code) => code === 'SINK_FENCED' || code === 'LEASE_LOST'))
      await world.delivered()
      const account = await world.account()
      told('frozen in a transaction, and taken over', account)
      expect(relay.failures).toContain('SINK_FENCED')
      expect(account).toMatchObject(IN_ORDER)
      await other.kill()
    })
  },
)

async function largestBatch(address: string, bytes: number): Promise<void> {
  const configEntries = [{ name: 'max.message.bytes', value: String(bytes) }]
  await administered(address, (admin) =>
    admin.alterConfigs({ validateOnly: false, resources: [{ type: TOPIC_RESOURCE, name: TOPIC, configEntries }] }),
  )
}

/** Of the protocol. */
const TOPIC_RESOURCE = 2
