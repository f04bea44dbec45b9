/**
 * How often to look: at the fastest pace while there is work, and slower by half with every look that finds none. A look
 * is followed by a rest as long as it took, and by one of many times that where it found no work: so looking in vain
 * costs the server a small share of a core however many tables there are. The longest rest bounds how late a change is
 * seen.
 */
export interface Pace {
  readonly minMs: number
  readonly maxMs: number
}

const SLOWER = 1.5
const REST = 20
const LONGEST_REST_MS = 200

/** From the end of what took so long to its next time: `everyMs`, or more where that would take more than a small share. */
export function restAfter(tookMs: number, everyMs: number, longestMs: number): number {
  return Math.max(everyMs, Math.min(tookMs * REST, longestMs))
}

export function nextPause(pace: Pace, pauseMs: number, busy: boolean, tookMs: number): number {
  if (busy) return Math.max(pace.minMs, Math.min(tookMs, LONGEST_REST_MS))
  const slower = Math.min(Math.max(pauseMs, pace.minMs) * SLOWER, pace.maxMs)
  return restAfter(tookMs, slower, LONGEST_REST_MS)
}
