import { raw, sql } from '@freshet/core'
import { createTestDatabase, freshSeed, type KafkaBroker, random, startKafka } from '@freshet/testkit'
import { Kafka, logLevel } from 'kafkajs'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import { kafkaSink } from '../sinks/kafka/kafka.ts'
import { sinkServer } from '../sinks/server.fixture.ts'
import { message } from '../sinks/sink-conformance.fixture.ts'
import { consumeInbox, revive } from './consume.ts'
import { readKafka } from './from-kafka.ts'

/** Members that die are given up after a second, not after half a minute. */
const kafka = await sinkServer<KafkaBroker>('kafka, read into an inbox', async () => {
  const found = await startKafka({ 'group.min.session.timeout.ms': '500' })
  return 'broker' in found ? found.broker : found
})
const client = () => new Kafka({ brokers: [kafka.get().address], logLevel: logLevel.NOTHING })
const PARTITIONS = 3

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 90_000
  while (!(await what())) {
    if (performance.now() > end) throw new Error('it did not come to pass')
    await sleep(20)
  }
}

describe.skipIf(kafka.missing)('kafka into an inbox', () => {
  beforeAll(async () => {
    const admin = client().admin()
    await admin.connect()
    await admin.createTopics({ topics: ['orders', 'foreign'].map((topic) => ({ topic, numPartitions: PARTITIONS })) })
    await admin.disconnect()
  })

  test('readers that are killed between the rows and the offset: each effect once, keys in order', async () => {
    const seed = freshSeed()
    onTestFailed(() => void process.stderr.write(`seed ${seed}\n`))
    const chance = random(seed)
    await using own = await createTestDatabase({ migrated: false })
    const { database } = own
    await database.query(raw('create table effects (place int generated always as identity, key text, n int)'))
    const strikes = chance.shuffle(['before', 'after', 'after'])
    const script = fileURLToPath(new URL('kafka-inbox-process.fixture.ts', import.meta.url))
    const start = (strike: string) =>
      fork(script, [own.url, kafka.get().address, 'billing', strike], {
        execArgv: ['--conditions=@freshet/source'],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
    const sink = kafkaSink({ brokers: [kafka.get().address], identity: 'orders' })
    await sink.open()
    let written = 0
    const write = async (position: string) => {
      const all = Array.from({ length: 200 }, () => ({ ...message(written, `k${written++ % 7}`), topic: 'orders' }))
      await sink.deliver(all, position)
    }
    for (const when of strikes) {
      await write(`p${written}`)
      // the first transaction of its own looks for the table
      const reader = start(`${when} ${chance.int(2, 3)}`)
      own.defer(() => Promise.resolve(void reader.kill('SIGKILL')))
      const [, signal] = (await once(reader, 'exit')) as [number | null, string | null]
      expect(signal).toBe('SIGKILL')
    }
    const [before] = await database.query<{ n: number }>(sql`select count(*)::int as n from inbox`)
    await write('last')
    await sink.close()
    const last = await readKafka(database, 'inbox', {
      brokers: [kafka.get().address],
      group: 'billing',
      topics: ['orders'],
      sessionTimeoutMs: 1_000,
    })
    const consumer = await consumeInbox(
      database,
      'inbox',
      async ({ key, headers }, transaction) => {
        await transaction.query(sql`insert into effects (key, n) values (${key}, ${Number(headers['n'])})`)
      },
      { pollMs: 5 },
    )
    const effects = () => database.query<{ key: string; n: number }>(sql`select key, n from effects order by place`)
    await until(async () => (await effects()).length >= written)
    await last.stop()
    await consumer.stop()
    const done = await effects()
    expect(done.length).toBe(written)
    for (let key = 0; key < 7; key++) {
      const numbers = done.filter((one) => one.key === `k${key}`).map(({ n }) => n)
      expect(numbers).toEqual(Array.from({ length: written }, (_, n) => n).filter((n) => n % 7 === key))
    }
    process.stdout.write(
      `inbox: ${written} records, strikes ${strikes.join(' ')}, ${before?.n} rows before the last reader; seed ${seed}\n`,
    )
    expect(before?.n).toBeGreaterThan(0)
  })

  test('records of others are taken, too; what is no text is dead on arrival, and the others go on', async () => {
    await using own = await createTestDatabase({ migrated: false })
    const { database } = own
    const producer = client().producer()
    await producer.connect()
    await producer.send({
      topic: 'foreign',
      messages: [
        { partition: 0, key: 'a', value: 'one', headers: { kind: 'first' } },
        { partition: 0, key: Buffer.from([0xff]), value: 'two' },
        { partition: 0, key: 'nul\0', value: 'three' },
        { partition: 0, key: 'a', value: 'four', headers: { kind: Buffer.from([0xc3, 0x28]) } },
        { partition: 0, key: null, value: null },
      ],
    })
    await producer.disconnect()
    const options = { brokers: [kafka.get().address], group: 'foreign', topics: ['foreign'] }
    const reader = await readKafka(database, 'inbox', options)
    const rows = () =>
      database.query<{
        event_id: string
        key: string | null
        value: Buffer | null
        error: string | null
        dead: boolean
      }>(sql`select event_id, key, value, error, dead_at is not null as dead from inbox order by id`)
    await until(async () => (await rows()).length === 5)
    await reader.stop()
    const found = await rows()
    expect(found.map(({ key, value, dead }) => [key, value === null ? null : String(value), dead])).toEqual([
      ['a', 'one', false],
      [null, 'two', true],
      [null, 'three', true],
      [null, 'four', true],
      [null, null, false],
    ])
    expect(found[1]).toMatchObject({
      event_id: expect.stringMatching(/^foreign-0-1-\d+$/) as string,
      error: expect.stringContaining('partition 0, offset 1') as string,
    })
    expect(await revive(database, 'inbox', null)).toBe(3)
  })

  test('while the database is away it waits, and goes on; a group that is not let in is told', async () => {
    await using own = await createTestDatabase({ migrated: false })
    const { database } = own
    const failures: string[] = []
    const options = { brokers: [kafka.get().address], group: 'waits', topics: ['orders'] }
    const reader = await readKafka(database, 'inbox', {
      ...options,
      onFailure: ({ code }) => void failures.push(code),
    })
    await until(async () => {
      await database.query(
        raw(`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid()`),
      )
      const [found] = await database.query<{ n: number }>(sql`select count(*)::int as n from inbox`)
      return found?.n === 800
    })
    await reader.stop()
    await reader.ended
    await expect(readKafka(database, 'inbox', { ...options, topics: ['never.made'] })).rejects.toMatchObject({
      code: 'SINK_REFUSED',
    })
  })
})
