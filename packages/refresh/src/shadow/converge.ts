/**
 * When a shadow has caught up. A round reads what was written while the one before it ran, so rounds become smaller as
 * long as refreshing is faster than writing:
 *
 *   the last round was small            the next one, in the transaction that swaps, will be as short
 *   no round of the last ten was        it will not end: whoever writes is faster
 *   smaller than all before them
 *
 * The size of a round is its change rows; infinite where it was a full refresh, which does not count them.
 */
export type Verdict = 'swap' | 'again' | 'give up'

export function verdict(rounds: readonly number[], smallDeltaRows: number): Verdict {
  const last = rounds.at(-1)
  if (last === undefined) return 'again'
  if (last <= smallDeltaRows) return 'swap'
  const recent = rounds.slice(-PATIENCE)
  const earlier = rounds.slice(0, -PATIENCE)
  if (earlier.length === 0) return 'again'
  return Math.min(...recent) < Math.min(...earlier) ? 'again' : 'give up'
}

const PATIENCE = 10
