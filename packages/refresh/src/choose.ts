import { estimateDelta, estimateFull, octaveAt, shareOfFull, type Experience, type Sizes } from './cost-model.ts'

/**
 * Which refresh AUTO takes: the one that is expected to take less. Pure.
 *
 * What is not taken is not measured, so an estimate that is wrong would stay wrong. So the other kind is tried
 * nevertheless as soon as it pays on average: when what it is expected to cost more is at most EXPLORE of the time that
 * was spent on the preferred kind since the other was last measured. Exploring thus costs EXPLORE at most, however
 * wrong the estimate, and the further off the other kind seems, the rarer it is tried.
 */
export interface Decision {
  readonly action: 'differential' | 'full'
  /** `CHEAPER`: by the estimates; `EXPLORED`: against them, to measure again. */
  readonly reason: 'CHEAPER' | 'EXPLORED'
  /** Whether refreshes of this table were measured, or only its sizes are known. */
  readonly basis: 'history' | 'sizes'
  /** Counted no further than the choice needed. */
  readonly changeRows: number
  readonly sourceRows: number
  /** Expected milliseconds of either; null where nothing is known. */
  readonly differentialMs: number | null
  readonly fullMs: number | null
}

const EXPLORE = 0.05

/** A full refresh that seems this much slower is not tried: it can take hours, and readers wait for it. */
const TRIED_IN_FULL = 4

export function choose(known: Experience, sizes: Sizes): Decision {
  const differentialMs = estimateDelta(known, sizes)
  const fullMs = estimateFull(known, sizes.sourceRows)
  const { changeRows, sourceRows } = sizes
  const decide = (action: Decision['action'], reason: Decision['reason'], basis: Decision['basis']): Decision => ({
    action,
    reason,
    basis,
    changeRows,
    sourceRows,
    differentialMs,
    fullMs,
  })
  if (differentialMs === null || fullMs === null)
    return decide(shareOfFull(sizes) > 1 ? 'full' : 'differential', 'CHEAPER', 'sizes')
  const basis = [...known.octaves.values()].some(({ times }) => times.length > 0) ? 'history' : 'sizes'
  if (fullMs < differentialMs) {
    const pays = differentialMs - fullMs <= EXPLORE * octaveAt(known, changeRows).passedOverMs
    return pays ? decide('differential', 'EXPLORED', basis) : decide('full', 'CHEAPER', basis)
  }
  const pays = fullMs - differentialMs <= EXPLORE * known.differentialMs && fullMs <= TRIED_IN_FULL * differentialMs
  return pays ? decide('full', 'EXPLORED', basis) : decide('differential', 'CHEAPER', basis)
}

/**
 * Whether sizes are worth a look before a refresh is tried as one of few changes. The statement for them costs one round
 * trip, so it is tried unseen; except where it took longer than a full refresh when as many changes came as the last time.
 */
export function fewChangesAreSlow(known: Experience): boolean {
  const fullMs = estimateFull(known, 0)
  const changeRows = known.lastChangeRows
  if (fullMs === null || changeRows === null || octaveAt(known, changeRows).times.length < ENOUGH) return false
  const sizes = { changeRows, sourceRows: 0, sources: 1 }
  return (estimateDelta(known, sizes) ?? 0) > fullMs + NOTICEABLE_MS
}

/** So few change rows are not worth a choice: the next refresh is tried with the statement for small deltas again. */
export const FEW_ROWS = 100

/** One slow refresh may be chance. */
const ENOUGH = 2

/** What a look at the sizes costs, and a little more. */
const NOTICEABLE_MS = 2
