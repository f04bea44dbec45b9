import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { raw, sql } from '@freshet/core'
import { expect } from 'vitest'
import { start, type Started, type Struck } from './processes.ts'

/** Schedulers as processes, their wall clocks wrong by up to this much. */
export const SKEW_MS = 15 * 60_000

/** To the server, and in the history, it is `scheduler` and the number of its process. */
export async function startScheduler(own: Struck, skewMs: number): Promise<Started> {
  const started = await start(own, new URL('./scheduler.fixture.ts', import.meta.url), skewMs)
  const toldNow = Number(await started.heard())
  // else nothing is tried
  expect(Math.abs(toldNow - Date.now() - skewMs)).toBeLessThan(SKEW_MS / 3)
  return started
}

export async function dismiss({ process: child }: Started): Promise<void> {
  const exited = once(child, 'exit')
  child.send('end')
  await exited
}

/** Until every table has been refreshed since now; how long that took, in milliseconds. Rows are written all the while. */
export async function refreshedSince({ database }: Struck): Promise<number> {
  const began = performance.now()
  const [now] = await database.query<{ now: string }>(raw('select clock_timestamp()::text as now'))
  for (;;) {
    const [row] = await database.query<{ all: boolean }>(
      sql`select bool_and(refreshed_at > ${now?.now ?? ''}::timestamptz) as all from freshet.stream_table_state`,
    )
    if (row?.all === true) return performance.now() - began
    await sleep(10)
  }
}
