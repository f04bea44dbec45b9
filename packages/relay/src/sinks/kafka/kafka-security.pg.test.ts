import { createAuthority, type KafkaBroker, startKafka } from '@freshet/testkit'
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { redact } from '../../config/environment.ts'
import { sinkServer } from '../server.fixture.ts'
import { message } from '../sink-conformance.fixture.ts'
import { kafkaSink, type KafkaSinkOptions } from './kafka.ts'
import { readPartitions } from './reader.fixture.ts'

/** A broker whose certificate only an authority of the test has signed, and that lets one user in. */
const [authority, another] = [await createAuthority(), await createAuthority()]
const USER = { username: 'relay', password: 'not-to-be-told' }
const kafka = await sinkServer<KafkaBroker>('kafka over TLS', async () => {
  const certificate = await authority.issue(['localhost'])
  const found = await startKafka({}, { security: { certificate, user: USER.username, password: USER.password } })
  if (!('broker' in found)) return found
  return found.broker.secured === null ? { missing: 'a broker from outside has no certificate of ours' } : found.broker
})
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const
const tls = { ca: [authority.certificate] }

function addresses() {
  const { secured } = kafka.get()
  if (secured === null) throw new Error('it speaks no TLS')
  return secured
}

async function makeTopic(topic: string, numPartitions: number): Promise<void> {
  const admin = new Kafka({ brokers: [kafka.get().address], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions }] })
  await admin.disconnect()
}

let sinks = 0
async function deliver(options: Partial<KafkaSinkOptions>, topic: string): Promise<void> {
  const sink = kafkaSink({ identity: `secured-${++sinks}`, brokers: [addresses().tls], ...options })
  try {
    await sink.open()
    await sink.deliver([{ ...message(sinks), topic }], 'p')
  } finally {
    await sink.close()
  }
}

describe.skipIf(kafka.missing)('kafka', () => {
  test('delivers over TLS, and logs in by PLAIN and by SCRAM', async () => {
    const topic = 'secured'
    await makeTopic(topic, 1)
    await deliver({ tls }, topic)
    for (const mechanism of MECHANISMS)
      await deliver({ brokers: [addresses().login], tls, sasl: { mechanism, ...USER } }, topic)
    const [shown] = await readPartitions(kafka.get().address, topic)
    expect(shown?.length).toBe(1 + MECHANISMS.length)
  })

  test('a certificate of another authority, or for another name, is not trusted', async () => {
    const [, port = ''] = addresses().tls.split(':')
    for (const [options, told] of [
      [{ tls: { ca: [another.certificate] } }, 'not to be trusted'],
      [{ tls: true }, 'not to be trusted'],
      [{ brokers: [`127.0.0.1:${port}`], tls: { ...tls } }, 'for another name'],
      [{ tls: { ...tls, servername: 'kafka.example' } }, 'for another name'],
    ] as const)
      await expect(deliver({ ...options }, 'secured')).rejects.toMatchObject({
        code: 'SINK_REFUSED',
        message: expect.stringContaining(told),
      })
  })

  test('a wrong password is told, and not the password', async () => {
    for (const mechanism of MECHANISMS) {
      const sasl = { mechanism, username: USER.username, password: 'guessed-and-wrong' }
      const failed = deliver({ brokers: [addresses().login], tls, sasl }, 'secured')
      const error: unknown = await failed.catch((thrown: unknown) => thrown)
      expect(error, mechanism).toMatchObject({ code: 'SINK_REFUSED', message: expect.stringContaining('authentica') })
      expect(JSON.stringify(error) + String(error)).not.toContain(sasl.password)
      expect(redact(String(error), [sasl.password])).toBe(String(error))
    }
  })

  test('a broker that speaks TLS to one that does not, or the other way round, is told as away', async () => {
    await expect(deliver({ tls: false }, 'secured')).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE' })
    await expect(deliver({ brokers: [kafka.get().address], tls }, 'secured')).rejects.toMatchObject({
      code: 'SINK_UNAVAILABLE',
    })
  })

  test("a key goes where Java's own producer puts it, or where the template says", async () => {
    const keys = ['1', '42', 'order-7', 'Grüße', '世界', 'a-little-bit-long-string', 'x'.repeat(300)]
    const byJava = 'by.java'
    const byUs = 'by.us'
    for (const topic of [byJava, byUs]) await makeTopic(topic, 7)
    await kafka.get().produceByJava?.(
      byJava,
      keys.map((key) => ({ key, value: '{}' })),
    )
    const sink = kafkaSink({ identity: 'partitions', brokers: [kafka.get().address] })
    await sink.open()
    await sink.deliver(
      keys.map((key, i) => ({ ...message(i, key), topic: byUs })),
      'p',
    )
    await sink.close()
    const placed = async (topic: string) =>
      (await readPartitions(kafka.get().address, topic)).map((shown) => new Set(shown.map(({ key }) => key)))
    const java = await placed(byJava)
    expect(java.flatMap((found) => [...found]).length).toBe(keys.length)
    expect(await placed(byUs)).toEqual(java)
  })

  test('a template gives the partition, and what is none is refused', async () => {
    const topic = 'by.template'
    await makeTopic(topic, 3)
    const sinkOf = async () => {
      const sink = kafkaSink({
        identity: 'template',
        brokers: [kafka.get().address],
        partition: '{header:partition}',
        partitioner: 'legacy',
      })
      await sink.open()
      return sink
    }
    const sink = await sinkOf()
    const of = (n: number, partition: string) => ({ ...message(n), topic, headers: { partition } })
    await sink.deliver([of(1, '2'), of(2, '0'), of(3, '2')], 'p')
    const found = await readPartitions(kafka.get().address, topic)
    expect(found.map((shown) => shown.map(({ id }) => id))).toEqual([['m-2'], [], ['m-1', 'm-3']])
    await sink.close()
    for (const refused of [of(4, '3'), of(5, 'two'), of(6, '-1')]) {
      const next = await sinkOf()
      await expect(next.deliver([of(7, '1'), refused], 'q')).rejects.toMatchObject({ code: 'MESSAGE_REFUSED', refused })
      await next.close()
    }
  })
})
