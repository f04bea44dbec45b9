/**
 * How long to wait before trying again: `base · 2^(attempt − 1)`, at most `max`, and up to a fifth more or less, so that
 * what failed together does not come back together.
 */
export interface Backoff {
  readonly baseMs: number
  readonly maxMs: number
}

const JITTER = 0.2

/** `attempt` counts from 1; `random` is in [0, 1). */
export function backoffMs(backoff: Backoff, attempt: number, random: number): number {
  const exponent = Math.min(Math.max(attempt, 1) - 1, 30)
  const delay = Math.min(backoff.baseMs * 2 ** exponent, backoff.maxMs)
  return Math.round(delay * (1 - JITTER + 2 * JITTER * random))
}

const RECONNECT: Backoff = { baseMs: 100, maxMs: 30_000 }

/** For what can not be reached: that is waited out, and not counted as an error of what was to be done. */
export function reconnectMs(attempt: number, random: number): number {
  return backoffMs(RECONNECT, attempt, random)
}
