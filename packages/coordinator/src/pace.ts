/**
 * How often to look: at the fastest pace while there is work, and slower by half with every look that finds none. A look
 * is followed by a rest as long as it took; and looks that found no work by rests of many times that, so that looking in
 * vain costs the server a small share of a core however many tables there are. That share is an average: some looks may
 * come before the rests that they cost, because a commit often comes alone; and what is owed is forgiven when there is
 * work. The longest rest bounds how late a change is seen.
 */
export interface Pace {
  readonly minMs: number
  readonly maxMs: number
}

export interface Pacing {
  readonly pauseMs: number
  /** Looks in vain are paid for at this moment. */
  readonly paidAt: number
}

export const UNPACED: Pacing = { pauseMs: 0, paidAt: -Infinity }

const SLOWER = 1.5
const REST = 20
const LONGEST_REST_MS = 200
/** So much rest may be owed. */
const CREDIT_MS = 400

/** From the end of what took so long to its next time: `everyMs`, or more where that would take more than a small share. */
export function restAfter(tookMs: number, everyMs: number, longestMs: number): number {
  return Math.max(everyMs, Math.min(tookMs * REST, longestMs))
}

/** After a look that ended `now`. */
export function paced(pace: Pace, { pauseMs, paidAt }: Pacing, busy: boolean, tookMs: number, now: number): Pacing {
  if (busy) return { pauseMs: Math.max(pace.minMs, Math.min(tookMs, LONGEST_REST_MS)), paidAt: now }
  const slower = Math.min(Math.max(pauseMs, pace.minMs) * SLOWER, pace.maxMs)
  // of what is owed beyond the credit and the longest rest, nobody is reminded
  const owed = Math.min(Math.max(paidAt - now, 0) + tookMs * REST, CREDIT_MS + LONGEST_REST_MS)
  return { pauseMs: Math.max(slower, owed - CREDIT_MS), paidAt: now + owed }
}
