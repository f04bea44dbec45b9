import { setTimeout as sleep } from 'node:timers/promises'

/** Keeps all writers together at so many rows a second. What was not written in time is not made up for in a burst. */
export interface Pace {
  /** Waits until `rows` more may be written. */
  spend(rows: number): Promise<void>
}

const CATCH_UP_MS = 500

export function pace(rowsPerSecond: number, now: () => number = () => performance.now()): Pace {
  let free = now()
  return {
    spend: async (rows) => {
      const start = Math.max(free, now() - CATCH_UP_MS)
      free = start + (rows * 1_000) / rowsPerSecond
      const wait = start - now()
      if (wait > 0) await sleep(wait)
    },
  }
}
