import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Started } from '../chaos/processes.ts'
import type { CitusWorld } from './world.ts'

/**
 * Whether a scheduler is in the middle of a refresh or a collection that has written on workers: its transaction is open
 * on the coordinator, and so are those that Citus has opened for it.
 */
export interface AmidNodes {
  /** SIGSTOP in such a moment. False: it was in none for so long that one does better to try again. It runs then. */
  freeze(scheduler: Started): Promise<boolean>
  /** Until the server has ended what a frozen one had begun, on all nodes. */
  ended(scheduler: Started): Promise<void>
  /** After the coordinator was away. */
  reconnect(): Promise<void>
}

const LOOKS = 1_000

/** `idle`: waiting for its client, so what it has begun is not about to end by itself. */
type Standing = 'nothing' | 'at work' | 'idle'

export async function amidNodes(world: CitusWorld): Promise<AmidNodes> {
  let coordinator = await world.writer()
  const workers = await Promise.all(world.own.workerUrls.map((_, i) => world.writer(i)))
  const standing = async ({ process: child }: Started): Promise<Standing> => {
    const sessions = await openTransactions(coordinator, `application_name = 'scheduler ${child.pid}'`)
    if (sessions.length === 0) return 'nothing'
    // Citus names its sessions after the one that they are for: the node, times ten to the tenth, and the process
    const pids = sessions.map(({ pid }) => pid).join(', ')
    const own = `application_name like 'citus_internal gpid=%' and (substring(application_name from '\\d+$')::bigint % 10000000000) in (${pids})`
    const there = (await Promise.all(workers.map((worker) => openTransactions(worker, own)))).flat()
    if (there.length === 0) return 'nothing'
    return [...sessions, ...there].every(({ idle }) => idle) ? 'idle' : 'at work'
  }
  return {
    async freeze(scheduler) {
      for (let look = 0; look < LOOKS; look++) {
        if ((await standing(scheduler)) === 'nothing') continue
        scheduler.process.kill('SIGSTOP')
        // what it had asked for before is answered, which may be the end of the transaction
        let found = await standing(scheduler)
        for (; found === 'at work'; found = await standing(scheduler)) await sleep(5)
        if (found === 'idle' && (await standing(scheduler)) === 'idle') return true
        scheduler.process.kill('SIGCONT')
      }
      return false
    },
    async ended(scheduler) {
      while ((await standing(scheduler)) !== 'nothing') await sleep(10)
    },
    async reconnect() {
      coordinator = await world.writer()
    },
  }
}

/** Of these sessions, those that have written. */
async function openTransactions(
  node: pg.Client,
  whose: string,
): Promise<readonly { readonly pid: number; readonly idle: boolean }[]> {
  const { rows } = await node.query<{ pid: number; idle: boolean }>(
    `select pid, state = 'idle in transaction' as idle from pg_stat_activity
      where datname = current_database() and backend_xid is not null and ${whose}`,
  )
  return rows
}
