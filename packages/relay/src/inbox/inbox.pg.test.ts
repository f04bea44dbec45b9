import { raw, sql } from '@freshet/core'
import { createTestDatabase, freshSeed, random, type RestartableServer, startRestartableServer } from '@freshet/testkit'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, onTestFailed, test } from 'vitest'
import type { Message } from '../message.ts'
import { inboxSink } from '../sinks/inbox.ts'
import { message, sinkConformance } from '../sinks/sink-conformance.fixture.ts'
import { consumeInbox, revive } from './consume.ts'
import { createInbox, receive } from './inbox.ts'

let started: Promise<RestartableServer> | undefined
afterAll(async () => {
  await (await started)?.[Symbol.asyncDispose]()
})

sinkConformance(
  'inbox',
  'at least once',
  async () => {
    const server = await (started ??= startRestartableServer())
    const test = await createTestDatabase({ serverUrl: server.url, migrated: false })
    return {
      create: () => inboxSink({ databaseUrl: test.url, table: 'inbox' }),
      shown: async () => {
        const [there] = await test.database.query<{ there: boolean }>(
          sql`select to_regclass('inbox') is not null as there`,
        )
        if (!there?.there) return []
        return test.database.query<Message>(
          sql`select event_id as id, topic, key, headers, value from inbox order by inbox.id`,
        )
      },
      outage: { begin: () => server.stop('kill'), end: () => server.start() },
      [Symbol.asyncDispose]: async () => {
        await test.drop()
      },
    }
  },
  { server: true },
)

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 30_000
  while (!(await what())) {
    if (performance.now() > end) throw new Error('it did not come to pass')
    await sleep(5)
  }
}

test('messages that come again, handlers that fail and processes that end: each effect once, keys in order', async () => {
  const seed = freshSeed()
  onTestFailed(() => void process.stderr.write(`seed ${seed}\n`))
  const chance = random(seed)
  await using own = await createTestDatabase({ migrated: false })
  const { database } = own
  const inbox = await createInbox(database, 'inbox')
  await database.query(raw('create table effects (place int generated always as identity, key text, n int)'))
  const all = Array.from({ length: 300 }, (_, n) => message(n, `k${n % 7}`))
  const work = () =>
    consumeInbox(
      database,
      'inbox',
      async ({ key, headers }, transaction) => {
        await transaction.query(sql`insert into effects (key, n) values (${key}, ${Number(headers['n'])})`)
        if (chance.chance(0.1)) throw new Error('not now')
        if (chance.chance(0.02)) await transaction.query(sql`select pg_terminate_backend(pg_backend_pid())`)
      },
      { attempts: 1_000, pollMs: 5 },
    )
  const consumers = [await work(), await work()]
  for (let at = 0; at < all.length; at += 50) {
    expect(await receive(database, inbox, all.slice(at, at + 50))).toBe(50)
    // some of them once more
    expect(await receive(database, inbox, all.slice(Math.max(0, at - 20), at + 30))).toBe(0)
  }
  await until(async () => {
    const [left] = await database.query<{ n: number }>(
      sql`select count(*)::int as n from inbox where processed_at is null`,
    )
    return left?.n === 0
  })
  for (const consumer of consumers) await consumer.stop()
  const effects = await database.query<{ key: string; n: number }>(sql`select key, n from effects order by place`)
  expect(effects.length).toBe(all.length)
  for (let key = 0; key < 7; key++) {
    const numbers = effects.filter((one) => one.key === `k${key}`).map(({ n }) => n)
    expect(numbers).toEqual(all.filter((one) => one.key === `k${key}`).map(({ headers }) => Number(headers['n'])))
  }
})

test('what fails again and again is dead, its key goes on, and it can be revived', async () => {
  await using own = await createTestDatabase({ migrated: false })
  const { database } = own
  const inbox = await createInbox(database, 'inbox')
  await receive(database, inbox, [message(1, 'a'), message(2, 'a'), message(3, null)])
  const done: string[] = []
  const failures: string[] = []
  let mended = false
  const consumer = await consumeInbox(
    database,
    'inbox',
    ({ id }) => {
      if (id === 'm-1' && !mended) return Promise.reject(new Error('broken'))
      done.push(id)
      return Promise.resolve()
    },
    { attempts: 2, pollMs: 5, onFailure: ({ message: { id }, dead }) => void failures.push(`${id} ${dead}`) },
  )
  await until(() => done.includes('m-2') && done.includes('m-3'))
  expect(failures).toEqual(['m-1 false', 'm-1 true'])
  const dead = await database.query(sql`select event_id, error from inbox where dead_at is not null`)
  expect(dead).toEqual([{ event_id: 'm-1', error: 'broken' }])
  mended = true
  expect(await revive(database, 'inbox', ['m-1'])).toBe(1)
  await until(() => done.includes('m-1'))
  await consumer.stop()
})
