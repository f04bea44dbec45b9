import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { raw, sql } from '@freshet/core'
import { createOutbox, listOutboxes } from '@freshet/relay'
import { createTestDatabase, freshSeed, random, startNats } from '@freshet/testkit'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect as connectNats } from '@nats-io/transport-node'
import { afterAll, expect, onTestFailed, test } from 'vitest'
import { LONG } from '../../length.ts'
import { type Posted, startHook } from './hook.ts'
import { RelayProcess, until } from './relay-process.ts'
import { delivered } from './relay-world.ts'

/**
 * Sinks that take at least once, with the relay killed at random: nothing is lost, and what comes again has the id and the
 * content that it had. Without what came again, messages of a key are in their order.
 */
const SIZE = LONG ? { batches: 400, rows: 100, kills: 40 } : { batches: 60, rows: 20, kills: 2 }

const nats = await startNats()
if ('missing' in nats)
  process.stderr.write(`\nSKIPPED: NATS, of the sinks that take at least once. ${nats.missing}\n\n`)
afterAll(async () => {
  if ('service' in nats) await nats.service[Symbol.asyncDispose]()
})

test(
  `webhook, file and NATS: the relay killed ${SIZE.kills} times`,
  async () => {
    const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
    onTestFailed(() => void process.stderr.write(`seed ${seed}\n`))
    const dice = random(seed)
    await using own = await disposable()
    const { database } = own
    await createOutbox(database, { name: 'outbox', keepMs: 86_400_000 })
    const folder = await mkdtemp(join(tmpdir(), 'freshet-at-least-once-'))
    own.defer(() => rm(folder, { recursive: true }))
    const posted: Posted[] = []
    const url = await startHook(own, (message) => {
      posted.push(message)
      return Promise.resolve()
    })
    const address = 'service' in nats ? `127.0.0.1:${nats.service.port}` : null
    const of = (name: string, sink: string) =>
      `  ${name}:\n    source: { outbox: outbox }\n    format: plain\n    sink_max_inflight: 40\n    sink: ${sink}\n`
    const config = `relays:
${of('webhook', `{ kind: webhook, url: '${url}' }`)}${of('file', `{ kind: file, path: '${join(folder, 'messages')}' }`)}${
      address === null
        ? ''
        : of(
            'nats',
            `{ kind: nats, servers: ['${address}'], create_stream: { name: CRASH, subjects: ['crash.>'], duplicate_window_ms: 100 } }`,
          )
    }`
    const relay = new RelayProcess(config, own.url)
    own.defer(() => relay.kill())
    const relays = address === null ? 2 : 3
    let writing = true
    const written = (async () => {
      for (let batch = 0; batch < SIZE.batches || writing; batch++) {
        await database.query(
          sql`insert into outbox (topic, key, payload) select 'crash.t', (i % 7)::text, jsonb_build_object('batch', ${batch}::int, 'i', i) from generate_series(1, ${SIZE.rows}::int) i`,
        )
        await sleep(dice.int(1, 20))
      }
    })()
    for (let kill = 0; kill < SIZE.kills; kill++) {
      const before = relay.started
      await until('its relays work', () => relay.started >= before + (kill === 0 ? relays : 1))
      await sleep(dice.int(20, 500))
      await relay.kill()
      await database.query(raw('update freshet.lease set expires_at = clock_timestamp()'))
      relay.restart()
    }
    writing = false
    await written
    await until('all relays are consumers', async () => {
      const [outbox] = await listOutboxes(database)
      return outbox?.consumers.length === relays
    })
    await delivered(database)
    const rows = await database.query<{ id: string; key: string; payload: string }>(
      sql`select id::text, key, payload::text from outbox order by id`,
    )
    const lines = (await readFile(join(folder, 'messages'), 'utf8')).split('\n').slice(0, -1)
    const deliveries = {
      webhook: posted,
      file: lines
        .map((line) => JSON.parse(line) as { id: string; value: string })
        .map(({ id, value }) => ({ id, content: value })),
      ...(address === null ? {} : { nats: await storedIn(address) }),
    }
    let doubled = 0
    for (const [sink, got] of Object.entries(deliveries)) {
      const account = accountOf(rows, got)
      doubled += account.doubled
      process.stdout.write(
        `relay to ${sink}, killed ${SIZE.kills} times: ${rows.length} messages; lost ${account.lost}, came again ${account.doubled}, of these with another content ${account.changed}, out of order ${account.disordered}; seed ${seed}\n`,
      )
      expect({ sink, ...account }).toMatchObject({ sink, lost: 0, invented: 0, changed: 0, disordered: 0 })
    }
    // otherwise it was never struck in the middle of a delivery
    if (LONG) expect(doubled).toBeGreaterThan(0)
    await relay.kill()
  },
  LONG ? 1_800_000 : 180_000,
)

function accountOf(
  rows: readonly { readonly id: string; readonly key: string; readonly payload: string }[],
  got: readonly Posted[],
) {
  const byId = new Map(rows.map((row) => [row.id, row]))
  const seen = new Set<string>()
  const last = new Map<string, number>()
  const counts = { doubled: 0, invented: 0, changed: 0, disordered: 0 }
  for (const { id: eventId, content } of got) {
    const id = eventId.split('-').at(-1) ?? ''
    const row = byId.get(id)
    if (row === undefined) {
      counts.invented++
      continue
    }
    if (content !== row.payload) counts.changed++
    if (seen.has(id)) {
      counts.doubled++
      continue
    }
    seen.add(id)
    if (Number(id) < (last.get(row.key) ?? 0)) counts.disordered++
    last.set(row.key, Number(id))
  }
  return { lost: rows.length - seen.size, ...counts }
}

async function disposable() {
  const own = await createTestDatabase()
  return Object.assign(own, { [Symbol.asyncDispose]: () => own.drop() })
}

async function storedIn(address: string): Promise<readonly Posted[]> {
  const connection = await connectNats({ servers: address })
  try {
    const { state } = await (await jetstreamManager(connection)).streams.info('CRASH')
    const consumer = await jetstream(connection).consumers.get('CRASH')
    const stored: Posted[] = []
    while (stored.length < state.messages) {
      const messages = await consumer.fetch({
        max_messages: Math.min(500, state.messages - stored.length),
        expires: 5_000,
      })
      for await (const message of messages)
        stored.push({ id: message.headers?.get('Nats-Msg-Id') ?? '', content: message.string() })
    }
    return stored
  } finally {
    await connection.close()
  }
}
