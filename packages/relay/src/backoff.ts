/**
 * How long to wait after failures in a row: 100 ms, twice as long each time, 30 s at most, and no two relays the same (± 20 %).
 * What only a person can change is asked for at the longest interval at once.
 *
 * After so many failures the circuit is open: until the pause is over nothing is read and the sink is left alone. Then one
 * delivery is tried (half open); if it succeeds, the circuit is closed.
 */
export interface Breaker {
  readonly circuit: Circuit
  /** Returns for how long to wait. */
  failed(hopeless: boolean): number
  /** The pause is over. */
  trying(): void
  succeeded(): void
}

export type Circuit = 'closed' | 'open' | 'half open'

const FIRST_MS = 100
const LONGEST_MS = 30_000
const SPREAD = 0.2

export function pauseMs(failures: number, random: number): number {
  const pause = Math.min(FIRST_MS * 2 ** Math.max(0, failures - 1), LONGEST_MS)
  return pause * (1 - SPREAD + 2 * SPREAD * random)
}

export function breaker(threshold: number, random: () => number = Math.random): Breaker {
  let failures = 0
  let circuit: Circuit = 'closed'
  return {
    get circuit() {
      return circuit
    },
    failed: (hopeless) => {
      failures++
      if (hopeless || failures >= threshold || circuit === 'half open') circuit = 'open'
      return pauseMs(hopeless ? Number.MAX_SAFE_INTEGER : failures, random())
    },
    trying: () => {
      if (circuit === 'open') circuit = 'half open'
    },
    succeeded: () => {
      failures = 0
      circuit = 'closed'
    },
  }
}
