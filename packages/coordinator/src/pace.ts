/**
 * How often to look: at the fastest pace while there is work, and slower by half with every look that finds none.
 */
export interface Pace {
  readonly minMs: number
  readonly maxMs: number
}

const SLOWER = 1.5

export function nextPause(pace: Pace, pauseMs: number, busy: boolean): number {
  return busy ? pace.minMs : Math.min(Math.max(pauseMs, pace.minMs) * SLOWER, pace.maxMs)
}
