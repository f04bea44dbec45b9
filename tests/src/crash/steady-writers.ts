import { setTimeout as sleep } from 'node:timers/promises'
import type { Random, TestDatabase } from '@freshet/testkit'
import pg from 'pg'
import { transact, type WriterCounts } from '../writers.ts'

/**
 * Writers of the bank that outlive their server: one whose connection breaks opens another as soon as there is a server,
 * ends what it had prepared, and goes on. Half of them commit without waiting for the disk, so a crash takes some of what
 * they were told is committed: in the order of the log, as PostgreSQL promises.
 */
export interface SteadyWriters {
  readonly counts: WriterCounts & { broken: number }
  /** Until so many more transactions were committed. */
  more(transactions: number): Promise<void>
  stop(): Promise<void>
}

const CONFLICTS = new Set(['40001', '40P01', '55P03'])

export function startSteadyWriters(test: TestDatabase, random: Random, count: number): SteadyWriters {
  const counts = { committed: 0, rolledBack: 0, prepared: 0, conflicts: 0, broken: 0 }
  const state = { stopped: false }
  const write = async (own: Random, index: number) => {
    const prefix = `steady_${test.name}_${index}_`
    let client = await connected(test.url, index, prefix)
    for (let i = 0; !state.stopped; i++) {
      try {
        await transact(client, own, `${prefix}${i}`, counts)
      } catch (error) {
        if (error instanceof pg.DatabaseError && CONFLICTS.has(error.code ?? '')) {
          counts.conflicts++
          await client.query('rollback').catch(broke)
        } else if (isBroken(error)) {
          counts.broken++
          client = await connected(test.url, index, prefix)
        } else throw error
      }
      await sleep(own.int(0, 4))
    }
    await client.end()
  }
  const ended = Promise.allSettled(Array.from({ length: count }, (_, index) => write(random.fork(), index)))
  return {
    counts,
    async more(transactions) {
      const enough = counts.committed + transactions
      while (counts.committed < enough) {
        const outcome = await Promise.race([ended, sleep(10)])
        if (outcome !== undefined) throwFailures(outcome)
      }
    },
    async stop() {
      state.stopped = true
      throwFailures(await ended)
    },
  }
}

async function connected(url: string, index: number, prefix: string): Promise<pg.Client> {
  for (;;) {
    const client = new pg.Client({ connectionString: url, application_name: 'steady-writer' })
    client.on('error', broke)
    try {
      await client.connect()
      await client.query(
        `set lock_timeout = '2s'; set deadlock_timeout = '30ms'; set synchronous_commit = ${index % 2 === 0 ? 'on' : 'off'}`,
      )
      // of the connection that broke: still prepared, and holding its locks
      const { rows } = await client.query<{ gid: string }>(
        'select gid from pg_prepared_xacts where starts_with(gid, $1)',
        [prefix],
      )
      for (const { gid } of rows) await client.query(`commit prepared '${gid}'`)
      return client
    } catch (error) {
      broke(error)
      await sleep(20)
    }
  }
}

function broke(error: unknown): void {
  if (!isBroken(error)) throw error
}

/** The connection or the server is gone; anything else is a failure. */
function isBroken(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return /^(57P0[123]|08|25P03)/.test(error.code ?? '')
  return error instanceof Error
}

function throwFailures(outcomes: readonly PromiseSettledResult<void>[]): void {
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') throw new Error('a writer failed', { cause: outcome.reason })
}
