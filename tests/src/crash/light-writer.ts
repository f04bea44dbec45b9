import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '@freshet/testkit'
import pg from 'pg'
import { ACCOUNTS } from '../writers.ts'

/**
 * One application that moves money all the time, with short pauses, and begins again when its connection breaks. What
 * Freshet's triggers would make it fail by is kept (law L6).
 */
export interface LightWriter {
  readonly counts: { committed: number; conflicts: number; reconnected: number }
  /** Lets the transaction end, and begins none until the work is done. */
  resting<T>(work: () => Promise<T>): Promise<T>
  /** Ends, and throws what it should not have met. */
  stop(): Promise<void>
}

const CONFLICTS: ReadonlySet<string> = new Set(['40001', '40P01', '55P03'])
const SHUT_DOWN: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03'])

export function startLightWriter(url: string, random: Random): LightWriter {
  const counts = { committed: 0, conflicts: 0, reconnected: 0 }
  const state = { stopped: false, resting: 0 }
  let client: pg.Client | undefined
  let busy: Promise<void> = Promise.resolve()

  const connected = async () => {
    if (client !== undefined) return client
    const fresh = new pg.Client({ connectionString: url, application_name: 'writer' })
    fresh.on('error', () => {
      if (client === fresh) client = undefined
    })
    await fresh.connect()
    await fresh.query(`set lock_timeout = '2s'`)
    return (client = fresh)
  }
  const once = async () => {
    try {
      const own = await connected()
      await own.query(transfer(random))
      counts.committed++
    } catch (error) {
      const code = error instanceof pg.DatabaseError ? (error.code ?? '') : ''
      if (CONFLICTS.has(code)) {
        counts.conflicts++
        await client?.query('rollback')
        return
      }
      if (error instanceof pg.DatabaseError && !SHUT_DOWN.has(code)) throw error
      // the server is away
      counts.reconnected++
      client = undefined
      await sleep(20)
    }
  }
  const running = (async () => {
    while (!state.stopped) {
      if (state.resting === 0) await (busy = once())
      await sleep(random.int(2, 12))
    }
    await client?.end()
  })()
  running.catch(() => undefined)
  return {
    counts,
    async resting(work) {
      state.resting++
      try {
        await busy
        return await work()
      } finally {
        state.resting--
      }
    },
    async stop() {
      state.stopped = true
      await running
    },
  }
}

/** One transaction in one message. The sums of all balances and of the ledger stay. */
export function transfer(random: Random): string {
  const [from, to] = [random.int(1, ACCOUNTS), random.int(1, ACCOUNTS)].sort((a, b) => a - b)
  const amount = random.int(1, 9)
  return `
    begin;
    update account set balance = balance - ${amount} where id = ${from};
    update account set balance = balance + ${amount} where id = ${to};
    insert into ledger values (${from}, ${-amount}), (${to}, ${amount});
    ${random.chance(0.02) ? 'delete from ledger;' : ''}
    update owner set name = 'owner ' || ${random.int(0, 4)} where id = ${random.int(1, 8)};
    commit`
}
