import { connect, sql } from '@freshet/core'
import { type Inbox, createInbox, receiveDurably } from '@freshet/relay'
import { createTestDatabase, startKafka, type TestDatabase } from '@freshet/testkit'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { end, firstLine, freshet as freshetProcess, freshetHere, startFreshet } from './process.fixture.ts'

/** The database has nothing of Freshet: an inbox may be anywhere. */
let own: TestDatabase
let folder: string
beforeAll(async () => {
  own = await createTestDatabase({ migrated: false })
  folder = await mkdtemp(join(tmpdir(), 'freshet-inbox-'))
})
afterAll(async () => {
  await own.drop()
  await rm(folder, { recursive: true })
})

const freshet = (...words: readonly string[]) => freshetHere(words, { DATABASE_URL: own.url })

const kafka = await startKafka({ 'auto.create.topics.enable': 'true' })
const broker = 'broker' in kafka && kafka.broker.produceByJava !== null ? kafka.broker : null
if (broker === null) process.stderr.write('\nSKIPPED: freshet inbox read; there is no Kafka with its tools\n\n')
afterAll(async () => {
  if ('broker' in kafka) await kafka.broker[Symbol.asyncDispose]()
})

test('what is dead is shown, and revived', async () => {
  expect(await freshet('inbox', 'create', 'box')).toMatchObject({
    exitCode: 0,
    out: 'The inbox public.box is there.\n',
  })
  expect((await freshet('inbox', 'dead-letters', 'box')).out).toBe('No message is dead.\n')
  const box: Inbox = await createInbox(own.database, 'box')
  const message = { id: 'e-1', topic: 'orders', key: null, headers: {}, value: Buffer.from('{}') }
  await receiveDurably(own.database, box, [
    { message, fault: 'its key is no text' },
    { message: { ...message, id: 'e-2' }, fault: null },
  ])
  expect((await freshet('inbox', 'dead-letters', 'box')).out).toMatch(/e-1 +orders +0 +20.* its key is no text/)
  const { out } = await freshet('inbox', 'dead-letters', 'box', '--json')
  expect(JSON.parse(out)).toMatchObject([{ id: 'e-1', value: 'e30=' }])
  expect(await freshet('inbox', 'dead-letters', 'box', '--revive', 'e-2')).toMatchObject({ out: 'Revived 0 of box.\n' })
  expect(await freshet('inbox', 'dead-letters', 'box', '--revive')).toMatchObject({ out: 'Revived 1 of box.\n' })
  expect((await freshet('inbox', 'dead-letters', 'box')).out).toBe('No message is dead.\n')
})

test('wrong words, and mistakes of the configuration, are told', async () => {
  for (const words of [['inbox'], ['inbox', 'read'], ['inbox', 'check'], ['inbox', 'create']])
    expect(await freshet(...words), words.join(' ')).toMatchObject({ exitCode: 2 })
  const file = join(folder, 'wrong.yaml')
  await writeFile(file, 'inbox: box\nsource: { kind: kafka, brokers: [kafka], group: g, topics: [] }\n')
  const { exitCode, err } = await freshetProcess(['inbox', 'check', '--config', file])
  expect(exitCode).toBe(1)
  expect(err).toContain('source.brokers[0]: must be host:port')
  expect(err).toContain('source.topics: ')
})

describe.skipIf(broker === null)('from Kafka', () => {
  test('reads into an inbox until it is asked to end', async () => {
    const produce = broker?.produceByJava ?? null
    if (broker === null || produce === null) throw new Error('it should be skipped')
    await produce('orders', [
      { key: 'a', value: 'one' },
      { key: 'a', value: 'two' },
    ])
    const file = join(folder, 'inbox.yaml')
    await writeFile(
      file,
      `database: \${ENV:WHERE}\ninbox: read\nsource: { kind: kafka, brokers: ['${broker.address}'], group: g, topics: [orders] }\n`,
    )
    const reading = startFreshet(['inbox', 'read', '--config', file], { WHERE: own.url })
    own.defer(() => Promise.resolve(void reading.kill('SIGKILL')))
    expect(await firstLine(reading)).toBe('Reading into read.')
    const database = await connect({ url: own.url })
    own.defer(() => database.close())
    const rows = () =>
      database.query<{ key: string; value: string }>(
        sql`select key, convert_from(value, 'UTF8') as value from read order by id`,
      )
    for (const until = performance.now() + 60_000; (await rows()).length < 2 && performance.now() < until;)
      await sleep(50)
    expect(await rows()).toEqual([
      { key: 'a', value: 'one' },
      { key: 'a', value: 'two' },
    ])
    expect(await end(reading)).toBe(0)
  })
})
