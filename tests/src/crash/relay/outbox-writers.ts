import { raw } from '@freshet/core'
import type { Random, TestDatabase } from '@freshet/testkit'
import pg from 'pg'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Writers of an outbox: transactions of a key each, whose row they lock first; some stay open for a while, some are rolled
 * back, and what a crash of the server breaks off is written anew.
 */
export interface OutboxWriters {
  /** Until they have written enough, and were asked to end. */
  ended(): Promise<void>
  /** Transactions that were broken off. */
  brokenOff(): number
}

export interface WriterSize {
  readonly writers: number
  readonly messages: number
  readonly keys: number
  /** Of a transaction, at most. */
  readonly rows: number
}

const LATE_MS = 30
const LEISURELY = { rows: 12, ms: 60 }

export async function startOutboxWriters(
  own: TestDatabase,
  topic: string,
  size: WriterSize,
  chance: Random,
): Promise<OutboxWriters> {
  await own.database.query(raw(`create table keys as select k, 0 as n from generate_series(1, ${size.keys}) k`))
  await own.database.query(raw('create unique index on keys (k)'))
  const state = { ending: false, brokenOff: 0 }
  const each = size.messages / size.writers
  const all = Array.from({ length: size.writers }, async () => {
    const dice = chance.fork()
    let client: pg.Client | null = null
    for (let written = 0; written < each || !state.ending;) {
      const leisurely = written >= each
      const rows = dice.int(1, leisurely ? LEISURELY.rows : size.rows)
      const rollback = dice.chance(0.1)
      try {
        client ??= await connected(own.url)
        await client.query('begin')
        await client.query(
          `with one as (update keys set n = n + $2 where k = $1 returning k)
           insert into outbox (topic, key, payload)
           select '${topic}', one.k::text, jsonb_build_object('i', i) from one, generate_series(1, $2::int) i order by i`,
          [dice.int(1, size.keys), rows],
        )
        if (leisurely || dice.chance(0.3)) await sleep(dice.int(1, leisurely ? LEISURELY.ms : LATE_MS))
        await client.query(rollback ? 'rollback' : 'commit')
        if (!rollback) written += rows
      } catch (error) {
        if (!(error instanceof Error) || !isOfCrash(error)) throw error
        state.brokenOff++
        client?.end().catch(() => undefined) // it is gone
        client = null
        await sleep(50)
      }
    }
    await client?.end()
  })
  const together = Promise.all(all)
  together.catch(() => undefined) // told at the end
  return {
    ended: async () => {
      state.ending = true
      await together
    },
    brokenOff: () => state.brokenOff,
  }
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client(url)
  client.on('error', () => undefined) // its next statement says it
  await client.connect()
  return client
}

/** The connection is lost, the server starts or ends, or nobody listens. */
function isOfCrash(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : ''
  return code === '' || /^(57P0[1-3]|08...|ECONN.*|EPIPE)$/.test(code)
}
