import {
  estimateDelta,
  estimateFull,
  estimateFullWithState,
  octaveAt,
  shareOfFull,
  type Experience,
  type Sizes,
} from './cost-model.ts'

/**
 * Which refresh AUTO takes: the one that is expected to take less. Pure.
 *
 * What is not taken is not measured, so an estimate that is wrong would stay wrong. So the other kind is tried
 * nevertheless as soon as it pays on average: when what it is expected to cost more is at most EXPLORE of the time that
 * was spent on the preferred kind since the other was last measured. Exploring thus costs EXPLORE at most, however
 * wrong the estimate, and the further off the other kind seems, the rarer it is tried.
 *
 * Which of them is right depends on the future too, where a full refresh leaves the state behind with which deltas are
 * computed: `price` is what it costs to have it again. So neither way is taken at once. The state is given up when keeping
 * it has cost as much as its price, and filled again when being without has: together that costs at most three times as
 * much as if the future were known (a metrical task system of two states: Borodin, Linial and Saks, 1992).
 */
export interface Decision {
  readonly action: 'differential' | 'full'
  /**
   * `CHEAPER`: by the estimates; `EXPLORED`: against them, to measure again; `STATE_BEHIND`: to fill the state;
   * `STATE_KEPT`: so that it need not be filled.
   */
  readonly reason: 'CHEAPER' | 'EXPLORED' | 'STATE_BEHIND' | 'STATE_KEPT'
  /** Whether refreshes of this table were measured, or only its sizes are known. */
  readonly basis: 'history' | 'sizes'
  /** Counted no further than the choice needed. */
  readonly changeRows: number
  readonly sourceRows: number
  /** Expected milliseconds of either; null where nothing is known. */
  readonly differentialMs: number | null
  readonly fullMs: number | null
}

/** By how much a differential refresh was expected to take less than the full one that was taken; negative: by how much more. */
export function forgoneMsOf({ fullMs, differentialMs }: Pick<Decision, 'fullMs' | 'differentialMs'>): number {
  return fullMs === null || differentialMs === null ? 0 : fullMs - differentialMs
}

/** Whether the decision is for a full refresh that brings the answer alone to the present, where that is possible. */
export function leavesState({ action, reason }: Pick<Decision, 'action' | 'reason'>): boolean {
  return action === 'full' && reason !== 'STATE_BEHIND' && reason !== 'STATE_KEPT'
}

const EXPLORE = 0.05

/** A full refresh that seems this much slower is not tried: it can take hours, and readers wait for it. */
const TRIED_IN_FULL = 4

/** `stateBehind`: a differential refresh is possible only after a full one that fills the state. */
export function choose(known: Experience, sizes: Sizes, stateBehind = false): Decision {
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
    return stateBehind
      ? decide('full', 'STATE_BEHIND', 'sizes')
      : decide(shareOfFull(sizes) > 1 ? 'full' : 'differential', 'CHEAPER', 'sizes')
  const basis = [...known.octaves.values()].some(({ times }) => times.length > 0) ? 'history' : 'sizes'
  const filledMs = estimateFullWithState(known, sourceRows) ?? fullMs
  const price = Math.max(0, filledMs - fullMs)
  if (stateBehind) {
    const saves = fullMs - differentialMs
    const pays =
      saves > 0
        ? price <= known.withoutStateMs + saves
        : price - saves <= EXPLORE * octaveAt(known, changeRows).passedOverMs
    return decide('full', pays ? 'STATE_BEHIND' : 'CHEAPER', basis)
  }
  if (fullMs < differentialMs) {
    const pays = differentialMs - fullMs <= EXPLORE * octaveAt(known, changeRows).passedOverMs
    if (pays) return decide('differential', 'EXPLORED', basis)
    const keeping = Math.min(differentialMs, filledMs)
    if (known.withStateMs + keeping - fullMs >= price) return decide('full', 'CHEAPER', basis)
    return decide(differentialMs <= filledMs ? 'differential' : 'full', 'STATE_KEPT', basis)
  }
  const pays = fullMs - differentialMs <= EXPLORE * known.differentialMs && fullMs <= TRIED_IN_FULL * differentialMs
  return pays ? decide('full', 'EXPLORED', basis) : decide('differential', 'CHEAPER', basis)
}

/**
 * How long the query may be tried, for its time alone, in milliseconds; null: it is not worth a trial. What a full refresh
 * takes is a guess as long as there was none, and may be a tenth of it where the fill had to write the state of many
 * stages. So where deltas were seen to take long enough to matter, it is found out, once, and in no more time than one of
 * these takes.
 */
export function trialMs(known: Experience, differentialMs: number | null, answerOnly: boolean): number | null {
  const measured = answerOnly ? known.answers : known.fulls
  const fullMs = estimateFull(known, 0)
  if (measured.length > 0 || differentialMs === null || fullMs === null) return null
  const seen = [...known.octaves.values()].flatMap(({ times }) => times)
  const limitMs = Math.min(differentialMs, Math.max(0, ...seen))
  const matters = limitMs >= WORTH_A_TRIAL_MS && limitMs >= LEAST_SHARE * fullMs
  return matters && limitMs >= GROWN * known.givenUpMs ? limitMs : null
}

const WORTH_A_TRIAL_MS = 10

/** No query has taken less of what was guessed. */
const LEAST_SHARE = 0.05

/** After a trial that was given up, deltas must have become this much slower before another. */
const GROWN = 4

/**
 * Whether sizes are worth a look before a refresh is tried as one of few changes. The statement for them costs one round
 * trip, so it is tried unseen; except where it took longer than a full refresh when as many changes came as the last time.
 */
export function fewChangesAreSlow(known: Experience, answerOnly: boolean): boolean {
  const fullMs = estimateFull(known, 0)
  const changeRows = known.lastChangeRows
  if (fullMs === null || changeRows === null || octaveAt(known, changeRows).times.length < ENOUGH) return false
  const differentialMs = estimateDelta(known, { changeRows, sourceRows: 0, sources: 1 }) ?? 0
  return differentialMs > fullMs + NOTICEABLE_MS || trialMs(known, differentialMs, answerOnly) !== null
}

/** So few change rows are not worth a choice: the next refresh is tried with the statement for small deltas again. */
export const FEW_ROWS = 100

/** One slow refresh may be chance. */
const ENOUGH = 2

/** What a look at the sizes costs, and a little more. */
const NOTICEABLE_MS = 2
