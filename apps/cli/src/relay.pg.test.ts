import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { raw } from '@freshet/core'
import { createOutbox, listOutboxes } from '@freshet/relay'
import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { end, firstLine, freshetHere, startFreshet } from './process.fixture.ts'

let own: TestDatabase
let folder: string
beforeEach(async () => {
  own = await createTestDatabase()
  folder = await mkdtemp(join(tmpdir(), 'freshet-cli-relay-'))
  own.defer(() => rm(folder, { recursive: true }))
  await createOutbox(own.database, { name: 'box', keepMs: 3_600_000 })
})
afterEach(() => own.drop())

const freshet = (...words: readonly string[]) => freshetHere(words, { DATABASE_URL: own.url })

const put = (from: number, to: number) =>
  own.database.query(
    raw(
      `insert into box (topic, payload) select 't', jsonb_build_object('n', i) from generate_series(${from}, ${to}) i`,
    ),
  )

async function configured(settings: string): Promise<string> {
  const path = join(folder, 'relay.yaml')
  await writeFile(path, `relays:\n  orders:\n    source: { outbox: box }\n    format: plain\n${settings}`)
  return path
}

async function started(config: string) {
  const child = startFreshet(['relay', '--config', config], { DATABASE_URL: own.url })
  own.defer(async () => void (await end(child, 'SIGKILL')))
  await firstLine(child)
  return child
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await what()); waited += 10) {
    if (waited > 30_000) throw new Error('it did not come to pass')
    await sleep(10)
  }
}

test('at SIGTERM what is on its way is delivered and recorded, and nothing else is begun', async () => {
  const taken: string[] = []
  const waiting: (() => void)[] = []
  let open = false
  const hook = createServer((request, response) => {
    taken.push(String(request.headers['freshet-event-id']).split('-').at(-1) ?? '')
    request.resume()
    if (open) response.end()
    else waiting.push(() => response.end())
  }).listen(0, '127.0.0.1')
  await once(hook, 'listening')
  own.defer(() => {
    hook.closeAllConnections()
    hook.close()
    return Promise.resolve()
  })
  const address = hook.address()
  if (typeof address !== 'object' || address === null) throw new Error('the hook does not listen')
  const config = await configured(
    `    sink_max_inflight: 4\n    sink: { kind: webhook, url: 'http://127.0.0.1:${address.port}/', timeout_ms: 60000 }\n`,
  )
  await put(1, 10)
  const first = await started(config)
  await until(() => taken.length === 2)
  const drained = end(first, 'SIGTERM')
  let told = ''
  first.stderr?.on('data', (data: Buffer) => (told += data.toString()))
  await until(() => told.includes('delivering what is under way'))
  expect(first.exitCode).toBeNull()
  open = true
  for (const answer of waiting) answer()
  expect(await drained).toBe(0)
  expect(taken).toEqual(['1', '2'])
  const [box] = await listOutboxes(own.database)
  // of a window in the middle of which it stands, everything waits
  expect(box?.consumers).toMatchObject([{ name: 'orders', lag: 10 }])
  const second = await started(config)
  await until(() => taken.length >= 10)
  expect(await end(second)).toBe(0)
  expect(taken).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10'])
})

test('dead letters are shown, and delivered again when somebody asks for it', async () => {
  await writeFile(
    join(folder, 'transform.mjs'),
    `export const transform = (event) => {
       if (JSON.parse(event.payload.json).n === 2) throw new Error('two is too many')
       return event
     }`,
  )
  const config = await configured(`    transform: ./transform.mjs\n    sink: { kind: file, path: messages }\n`)
  const lines = async () => (await readFile(join(folder, 'messages'), 'utf8').catch(() => '')).split('\n').length - 1
  expect(await freshet('relay', 'dead-letters')).toMatchObject({ exitCode: 0, out: 'There are no dead letters.\n' })
  await put(1, 3)
  const child = await started(config)
  await until(async () => (await lines()) === 2)

  const shown = await freshet('relay', 'dead-letters', '--json')
  expect(JSON.parse(shown.out)).toMatchObject([
    {
      consumer: 'orders',
      topic: 't',
      value: Buffer.from('{"n": 2}').toString('base64'),
      error: expect.stringContaining('two is too many'),
      requested: false,
    },
  ])
  expect((await freshet('relay', 'dead-letters', '--relay', 'orders')).out).toContain('two is too many')
  expect((await freshet('relay', 'dead-letters', '--relay', 'other', '--json')).out.trim()).toBe('[]')
  expect(await freshet('relay', 'dead-letters', '--replay')).toMatchObject({ exitCode: 2 })
  expect(await freshet('relay', 'dead-letters', '--relay', 'orders', '--replay', '999')).toMatchObject({ exitCode: 2 })

  expect(await freshet('relay', 'dead-letters', '--relay', 'orders', '--replay')).toMatchObject({
    exitCode: 0,
    out: 'Asked for 1 of orders.\n',
  })
  await until(async () => (await lines()) === 3)
  await until(async () => (await freshet('relay', 'dead-letters', '--json')).out.trim() === '[]')
  expect(await end(child)).toBe(0)
})
