import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type StreamEvent } from '@freshet/client'
import { isFreshetError } from '@freshet/core'
import {
  createTestDatabase,
  freshSeed,
  random,
  type RestartableServer,
  startRestartableServer,
  type TestDatabase,
} from '@freshet/testkit'
import pg from 'pg'
import { expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { bank, settled } from '../wal-bank.ts'
import { BANK_STREAMS, TOTAL } from '../writers.ts'
import { startSteadyWriters } from './steady-writers.ts'

/**
 * A standby is promoted. What it has of the log is a prefix of what the old server wrote, stream tables and all; its slot,
 * where it was synchronised, may be further than that. So the stream goes on, or all is recomputed: equal either way.
 */
const SLOT = 'standby'

async function ask<T extends Record<string, unknown>>(url: string, text: string): Promise<T[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query<T>(text)).rows
  } finally {
    await client.end()
  }
}

async function until(url: string, condition: string): Promise<void> {
  while ((await ask<{ done: boolean }>(url, `select coalesce((${condition}), false) as done`))[0]?.done !== true)
    await sleep(20)
}

/** By hand what its worker does now and then: when the standby has got as far as the slot. */
async function synchronise(standby: RestartableServer): Promise<void> {
  for (;;) {
    try {
      return void (await ask(standby.url, 'select pg_sync_replication_slots()'))
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.code !== '55000') throw error
      await sleep(20)
    }
  }
}

/** The stream may begin anew while it is read; a scheduler tries again as well. */
async function onceStreamed(work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isFreshetError(error, 'STREAM_BEHIND')) throw error
      await sleep(50)
    }
  }
}

/** On another server, the same database. */
function at(server: RestartableServer, { name }: TestDatabase): string {
  const url = new URL(server.url)
  url.pathname = `/${name}`
  return url.toString()
}

test.each(LONG ? ['synchronised', 'not synchronised'] : ['synchronised'])(
  'the slot is %s: promoted under load',
  async (kind) => {
    const synchronised = kind === 'synchronised'
    const seed = freshSeed()
    await using primary = await startRestartableServer()
    await using database = await createTestDatabase({ serverUrl: primary.url })
    const { freshet } = await bank(database)
    await settled(freshet)
    await ask(primary.url, `select pg_create_physical_replication_slot('${SLOT}', true)`)
    await primary.stop('fast')
    await using standby = await startRestartableServer({
      copyOf: primary.dataDirectory,
      standbyOf: { url: primary.url, slot: SLOT },
      settings: { wal_retrieve_retry_interval: '100ms' },
    })
    // as it is to be set where slots are synchronised: the stream is sent nothing that the standby has not got
    await primary.start(synchronised ? { synchronized_standby_slots: SLOT } : {})

    if (synchronised) {
      // its first copy is kept when nothing is older than what the standby has
      const kept = `select count(*) = 1 as done from pg_replication_slots where slot_name <> '${SLOT}' and synced and not temporary`
      do {
        await ask(primary.url, 'select pg_log_standby_snapshot()')
        await synchronise(standby)
      } while ((await ask<{ done: boolean }>(standby.url, kept))[0]?.done !== true)
    }
    const writers = startSteadyWriters(database, random(seed), 3)
    try {
      await writers.more(30)
      for (const name of Object.keys(BANK_STREAMS)) expect(await freshet.verify(name)).toMatchObject({ equal: true })
      if (synchronised) await synchronise(standby)
      await primary.stop('kill')
      await ask(standby.url, 'select pg_promote()')
      await until(standby.url, 'not pg_is_in_recovery()')

      const url = at(standby, database)
      const promoted = await connect(url)
      const events: StreamEvent[] = []
      promoted.startStream((event) => void events.push(event))
      for (const { gid } of await ask<{ gid: string }>(url, 'select gid from pg_prepared_xacts'))
        await ask(url, `rollback prepared '${gid}'`)
      await ask(url, `insert into ledger values (1, 1), (2, -1)`)
      if (!synchronised) while (!events.some(({ kind: event }) => event === 'replaced')) await sleep(20)
      await onceStreamed(() => settled(promoted))
      expect(await ask(url, 'select total::int as total from total')).toEqual([{ total: TOTAL }])
      await ask(url, `insert into ledger values (3, 3)`)
      expect(await promoted.refresh('moves')).toMatchObject({ action: 'differential', changeRows: 1 })
      await settled(promoted)
      const kinds = events.map(({ kind: event }) => event)
      console.log(`seed ${seed}, slot ${kind}:`, kinds.includes('replaced') ? 'recomputed' : 'went on')
      for (const { name } of await promoted.list()) await promoted.drop(name)
      expect(await ask(standby.url, 'select slot_name from pg_replication_slots')).toEqual([])
      await promoted.close()
    } finally {
      if (primary.pid === null) await primary.start()
      await writers.stop()
    }
  },
)
