/** The clock and the pauses of the loop; tests bring one whose time they turn by hand. */
export interface Clock {
  /** Milliseconds; only differences mean anything. */
  now(): number
  /** Ends after `ms`, or as soon as `signal` is aborted; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** In [0, 1). */
  random(): number
  /** The moment at which `now()` was 0, in milliseconds since 1970; changes only where somebody sets the host's clock. */
  origin(): number
}

/** So much the two clocks of a host may differ before one counts as set. */
const SET_MS = 500

let origin = Date.now() - performance.now()

const LONGEST_TIMER_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => performance.now(),
  random: () => Math.random(),
  origin: () => {
    const seen = Date.now() - performance.now()
    if (Math.abs(seen - origin) > SET_MS) origin = seen
    return origin
  },
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const end = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS))
      signal.addEventListener('abort', end)
    }),
}
