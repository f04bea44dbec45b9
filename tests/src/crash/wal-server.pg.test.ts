import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Freshet, type StreamEvent } from '@freshet/client'
import { isFreshetError, raw } from '@freshet/core'
import {
  countingLink,
  createTestDatabase,
  type Ending,
  freshSeed,
  type Random,
  random,
  startRestartableServer,
  type TestDatabase,
} from '@freshet/testkit'
import { expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { bank, holdStream, settled } from '../wal-bank.ts'
import { BANK_STREAMS, TOTAL } from '../writers.ts'
import { startSteadyWriters } from './steady-writers.ts'

/**
 * The server fails under capture by WAL: it is stopped, killed, loses a process, gives the slot up, or waits for a reader
 * that stands still. Afterwards every stream table equals its query, by differential refreshes unless the slot was lost;
 * there is one slot as long as it is needed, and none when it is not (the test database looks for that).
 */
const NAMES = Object.keys(BANK_STREAMS)

async function one<T extends Record<string, unknown>>(database: TestDatabase, text: string): Promise<T | undefined> {
  return (await database.database.query<T>(raw(text)))[0]
}

const SLOTS = `select count(*)::int as slots, max(generation) as generation
  from pg_replication_slots s left join freshet.wal_stream w using (slot_name) where database = current_database()`

/** Refreshes and verifies, whatever happens to the server: what fails says so, and what answers is right. */
function keepRefreshing(freshet: Freshet, order: Random, seed: number) {
  const state = { stopped: false, verified: 0, failed: 0 }
  const loop = (async () => {
    while (!state.stopped) {
      try {
        const name = order.pick(NAMES)
        await freshet.refresh(name)
        expect(await freshet.verify(name), `seed ${seed}, ${name}`).toMatchObject({ equal: true })
        state.verified++
      } catch (error) {
        if (!isFreshetError(error)) throw error
        expect(error, `seed ${seed}`).not.toMatchObject({ retry: 'definition' })
        state.failed++
        await sleep(10)
      }
    }
  })()
  const ended = Promise.allSettled([loop])
  return {
    state,
    async verified(more: number): Promise<void> {
      const enough = state.verified + more
      while (state.verified < enough) if ((await Promise.race([ended, sleep(10)])) !== undefined) await this.stop()
    },
    async stop(): Promise<void> {
      state.stopped = true
      const [outcome] = await ended
      if (outcome.status === 'rejected') throw new Error('a refresh was wrong', { cause: outcome.reason })
    },
  }
}

const ROUNDS: readonly (Ending | 'backend')[] = LONG
  ? Array.from({ length: 6 }, () => ['fast', 'kill', 'immediate', 'backend'] as const).flat()
  : ['kill', 'fast']

test(`the server is stopped and killed under load, ${ROUNDS.length} times`, { timeout: 600_000 }, async () => {
  const seed = freshSeed()
  await using server = await startRestartableServer()
  await using database = await createTestDatabase({ serverUrl: server.url })
  const { freshet, events } = await bank(database)
  const writers = startSteadyWriters(database, random(seed), 4)
  const refreshing = keepRefreshing(freshet, random(seed + 1), seed)
  for (const round of ROUNDS) {
    await writers.more(20)
    await refreshing.verified(5)
    if (round === 'backend') {
      const sender = await one<{ pid: number }>(
        database,
        'select active_pid as pid from pg_replication_slots where active',
      )
      if (sender !== undefined) process.kill(sender.pid, 'SIGKILL') // the server ends all others, too, and recovers
    } else {
      await server.stop(round)
      await server.start()
    }
  }
  await writers.more(20)
  await refreshing.verified(5)
  await refreshing.stop()
  await writers.stop()
  await settled(freshet)
  expect(await one(database, SLOTS)).toEqual({ slots: 1, generation: 1 })
  expect(await one(database, 'select total::int from total')).toEqual({ total: TOTAL })
  expect(events.map(({ kind }) => kind)).not.toContain('replaced')
  const kinds = await one(
    database,
    `select count(*) filter (where action = 'full')::int as full from freshet.refresh_history`,
  )
  expect(kinds).toEqual({ full: 0 })
  console.log(`seed ${seed}`, { ...writers.counts, ...refreshing.state, rounds: ROUNDS.length })
  expect(writers.counts.broken).toBeGreaterThan(0)
})

test('a slot that keeps too much is given up by the server: replaced once, recomputed once', async () => {
  await using server = await startRestartableServer({ settings: { max_slot_wal_keep_size: '1MB' } })
  for (let round = 0; round < (LONG ? 4 : 1); round++) {
    await using database = await createTestDatabase({ serverUrl: server.url })
    const { freshet, events } = await bank(database)
    await settled(freshet)
    const writer = await database.client()
    const held = await holdStream(database)
    await writer.query('insert into ledger values (1, 5), (2, -5)')
    for (;;) {
      const { rows } = await writer.query<{ status: string }>('select wal_status as status from pg_replication_slots')
      if (rows[0]?.status === 'lost') break
      await writer.query(`select pg_logical_emit_message(true, 'noise', 'x')`)
      await writer.query('select pg_switch_wal()')
      await writer.query('checkpoint')
    }
    await held.release()
    while (!events.some(({ kind }) => kind === 'replaced')) await sleep(20)
    expect(await freshet.refresh('moves')).toMatchObject({ action: 'full', reason: 'TRUNCATED' })
    await settled(freshet)
    for (let i = 0; i < 3; i++) {
      await writer.query(`insert into ledger values (3, ${10 + i})`)
      expect(await freshet.refresh('moves')).toMatchObject({ action: 'differential', changeRows: 1 })
      await settled(freshet)
    }
    expect(await one(database, SLOTS)).toEqual({ slots: 1, generation: 2 })
    expect(events.filter(({ kind }) => kind === 'replaced')).toHaveLength(1)
  }
})

test('a reader of the stream that stands still, in the middle of applying: another takes over', async () => {
  await using server = await startRestartableServer({ settings: { wal_sender_timeout: '2s' } })
  await using database = await createTestDatabase({ serverUrl: server.url })
  // after twelve times this the server ends a transaction of the stream that nobody goes on with
  await database.database.query(raw(`alter database ${database.name} set freshet.wal_patience = 0.2`))
  const link = await countingLink(database.url)
  const still = await connect(link.url)
  const stillEvents: StreamEvent[] = []
  still.startStream((event) => void stillEvents.push(event))
  database.defer(async () => {
    link.thaw()
    await still.close()
    await link[Symbol.asyncDispose]()
  })
  const { freshet, events } = await bank(database)
  await settled(freshet)
  const streaming = (list: readonly StreamEvent[]) => list.some(({ kind }) => kind === 'streaming')
  // whichever of the two was first; the one that is to stand still shall have it
  const writer = await database.client()
  while (!streaming(stillEvents)) {
    await writer.query('select pg_terminate_backend(active_pid) from pg_replication_slots where active')
    await sleep(50)
  }
  const held = await holdStream(database)
  await writer.query('insert into ledger values (4, 20)')
  const waits = `select count(*)::int as waiting from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'wal_stream'`
  while ((await one(database, waits))?.['waiting'] === 0) await sleep(5)
  link.freeze()
  // its transaction goes on at the server, and nobody ends it
  await held.release()
  const outcome = await freshet.refresh('moves').catch((error: unknown) => error)
  if (isFreshetError(outcome)) expect(outcome.code).toBe('STREAM_BEHIND')
  for (;;) {
    const done = await freshet.refresh('moves').then(
      () => true,
      (error: unknown) => (isFreshetError(error, 'STREAM_BEHIND') ? false : Promise.reject(error as Error)),
    )
    if (done) break
  }
  await settled(freshet)
  link.thaw()
  await writer.query('insert into ledger values (5, 30)')
  await settled(freshet)
  expect(streaming(events)).toBe(true)
  expect(await one(database, SLOTS)).toEqual({ slots: 1, generation: 1 })
  expect(await one(database, 'select count(*)::int as n from ledger where amount >= 20')).toEqual(
    await one(database, 'select count(*)::int as n from moves where amount >= 20'),
  )
})
