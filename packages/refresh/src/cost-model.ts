/**
 * What a refresh will take, from what earlier ones took. Pure.
 *
 *   full(N)  = the lower median of the last full refreshes, each scaled by N ÷ N then        N: rows of the sources
 *              before there was one: FILL · the first fill; of the answer alone, where that was tried: of those;
 *              a trial of the query, where there was one, counts as a full refresh, TRIED times as long
 *   delta(n) = through one point for each octave of n, never falling as n grows              n: change rows
 *
 * A point is the lower median of its last refreshes; points that fall are pooled (isotonic regression by the pool
 * adjacent violators algorithm: Ayer, Brunk, Ewing, Reid and Silverman, 1955); between points a straight line over the
 * logarithms of n and time; beyond them t · (n ÷ n₀)^GROWTH. The median keeps one slow outlier from being believed, the
 * octaves let a table behave differently at different sizes: a handful of changes is looked up by index, many are
 * hashed.
 *
 * Before anything was measured, delta(n) = full(N) · WORK · sources · n ÷ N: a changed row costs as much as WORK rows
 * that are only read, for each table that it is joined with.
 */

/** Ten times the changes take four times as long: the median over the queries of TPC-H, 0.1 % to 10 % of changed rows. */
const GROWTH = 0.6

/** By the same measurements a delta breaks even at 17 % of changed rows over one table, 8 % over two, 3 % over six. */
const WORK = 6

/** A fill writes every row, and no parallel worker helps it: over TPC-H a full refresh took this much of its time. */
const FILL = 0.6

/** What is done about the query in a full refresh: its answer is stored on the way, and compared with what is there. */
const TRIED = 1.2

/** How many refreshes of one octave, and how many full ones, are remembered. */
const REMEMBERED = 5

/** One refresh of the past. Times are milliseconds. */
export type Observation =
  | { readonly action: 'differential'; readonly ms: number; readonly changeRows: number }
  | { readonly action: 'fill'; readonly ms: number; readonly sourceRows: number | null }
  | {
      /** The query, run for its time alone; not finished: it would have taken more. */
      readonly action: 'trial'
      readonly ms: number
      readonly sourceRows: number
      readonly finished: boolean
      /** A full refresh would bring the answer alone to the present. */
      readonly answerOnly: boolean
    }
  | {
      readonly action: 'full'
      readonly ms: number
      /** Rows of the sources then; null where nobody counted. */
      readonly sourceRows: number | null
      /** Change rows whose differential refresh it was preferred to; null when it had another reason. */
      readonly preferredAt: number | null
      /** It brought the answer alone to the present, and left the state behind. */
      readonly answerOnly?: boolean
      /** Milliseconds by which a differential one was expected to take less; negative: by which it was to take more. */
      readonly forgoneMs?: number
    }

export interface Octave {
  /** Last first; scaled to the octave's middle. */
  readonly times: readonly number[]
  /** Time spent on full refreshes that were preferred at this size since a differential one was measured. */
  readonly passedOverMs: number
}

/** What is remembered of a stream table's refreshes. */
export interface Experience {
  /** By the whole part of log₂ of the change rows. */
  readonly octaves: ReadonlyMap<number, Octave>
  readonly fulls: readonly Whole[]
  /** Full refreshes of the answer alone. */
  readonly answers: readonly Whole[]
  /** What it has cost to be without the state since it was left behind, and to keep it since it is there; never negative. */
  readonly withoutStateMs: number
  readonly withStateMs: number
  readonly fill: Whole | null
  /** How long a trial of the query went on that was given up. */
  readonly givenUpMs: number
  /** Time spent on differential refreshes since a full one was measured. */
  readonly differentialMs: number
  /** How many change rows the last refresh met, as far as somebody counted them; null before. */
  readonly lastChangeRows: number | null
}

/** The query computed as a whole, over so many rows of its sources; null where nobody counted. */
interface Whole {
  readonly ms: number
  readonly sourceRows: number | null
}

export const NO_EXPERIENCE: Experience = {
  octaves: new Map(),
  fulls: [],
  answers: [],
  withoutStateMs: 0,
  withStateMs: 0,
  fill: null,
  givenUpMs: 0,
  differentialMs: 0,
  lastChangeRows: null,
}

export interface Sizes {
  /** Change rows that wait. */
  readonly changeRows: number
  /** Rows of the sources by the server's statistics; 0 where it has none. */
  readonly sourceRows: number
  /** How many tables the query reads. */
  readonly sources: number
}

/** Experience and one refresh more. */
export function learn(known: Experience, seen: Observation): Experience {
  if (seen.action === 'fill') return { ...known, fill: { ms: seen.ms, sourceRows: seen.sourceRows } }
  if (seen.action === 'trial') {
    if (!seen.finished) return { ...known, givenUpMs: seen.ms }
    const whole = { ms: TRIED * seen.ms, sourceRows: seen.sourceRows }
    return seen.answerOnly
      ? { ...known, answers: [whole, ...known.answers].slice(0, REMEMBERED) }
      : { ...known, fulls: [whole, ...known.fulls].slice(0, REMEMBERED) }
  }
  if (seen.action === 'full') {
    const { ms, sourceRows, preferredAt, answerOnly = false, forgoneMs = 0 } = seen
    const octaves = new Map(known.octaves)
    if (preferredAt !== null) {
      const at = octaveOf(preferredAt)
      const { times, passedOverMs } = octaves.get(at) ?? UNMEASURED
      octaves.set(at, { times, passedOverMs: passedOverMs + ms })
    }
    return {
      ...known,
      octaves,
      ...(answerOnly
        ? {
            answers: [{ ms, sourceRows }, ...known.answers].slice(0, REMEMBERED),
            withoutStateMs: Math.max(0, known.withoutStateMs + forgoneMs),
            withStateMs: 0,
          }
        : { fulls: [{ ms, sourceRows }, ...known.fulls].slice(0, REMEMBERED), ...stateKept(known, ms) }),
      differentialMs: 0,
      lastChangeRows: preferredAt ?? known.lastChangeRows,
    }
  }
  const at = octaveOf(seen.changeRows)
  const scaled = seen.ms * grown(seen.changeRows, middleOf(at))
  const times = [scaled, ...(known.octaves.get(at) ?? UNMEASURED).times].slice(0, REMEMBERED)
  return {
    ...known,
    octaves: new Map(known.octaves).set(at, { times, passedOverMs: 0 }),
    ...stateKept(known, lowerMedian(times) ?? 0),
    // by the median: an outlier says nothing of what was spent as a rule
    differentialMs: known.differentialMs + (lowerMedian(times) ?? 0),
    lastChangeRows: seen.changeRows,
  }
}

/** The state was brought along, in so many milliseconds: more than the answer alone takes, or less. */
function stateKept(known: Experience, ms: number): Pick<Experience, 'withStateMs' | 'withoutStateMs'> {
  const answer = medianNow(known.answers, 0)
  return { withoutStateMs: 0, withStateMs: answer === null ? 0 : Math.max(0, known.withStateMs + ms - answer) }
}

/** Milliseconds of a full refresh, of the answer alone where that takes less; null when none is remembered, and no fill. */
export function estimateFull(known: Experience, sourceRows: number): number | null {
  const answer = medianNow(known.answers, sourceRows)
  const filled = estimateFullWithState(known, sourceRows)
  return answer === null ? filled : filled === null ? answer : Math.min(answer, filled)
}

/**
 * Of the answer alone, and with all state; null as long as it was not tried. What was tried once may have been slow by
 * chance, and would not be tried again: it counts as half.
 */
export function answerCosts(
  known: Experience,
  sourceRows: number,
): { readonly answerMs: number; readonly filledMs: number } | null {
  const seenMs = medianNow(known.answers, sourceRows)
  if (seenMs === null) return null
  const answerMs = known.answers.length === 1 ? seenMs / 2 : seenMs
  return { answerMs, filledMs: estimateFullWithState(known, sourceRows) ?? Infinity }
}

/** Milliseconds of a full refresh that brings all state to the present. */
export function estimateFullWithState(known: Experience, sourceRows: number): number | null {
  return medianNow(known.fulls, sourceRows) ?? (known.fill === null ? null : FILL * timeNow(known.fill, sourceRows))
}

function medianNow(wholes: readonly Whole[], sourceRows: number): number | null {
  return lowerMedian(wholes.map((whole) => timeNow(whole, sourceRows)))
}

function timeNow(then: Whole, sourceRows: number): number {
  const known = then.sourceRows !== null && then.sourceRows > 0 && sourceRows > 0
  return known ? then.ms * (sourceRows / (then.sourceRows ?? sourceRows)) : then.ms
}

/** Milliseconds of a differential refresh; null when nothing is known at all. Never falls as the change rows grow. */
export function estimateDelta(known: Experience, sizes: Sizes): number | null {
  const points = risingPoints(known)
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined) {
    const full = estimateFull(known, sizes.sourceRows)
    return full === null ? null : full * shareOfFull(sizes)
  }
  const n = Math.max(1, sizes.changeRows)
  if (n <= first.n) return first.ms * grown(first.n, n)
  if (n >= last.n) return last.ms * grown(last.n, n)
  const i = points.findIndex((point) => point.n >= n)
  const [below, above] = [points[i - 1] ?? first, points[i] ?? last]
  const share = Math.log(n / below.n) / Math.log(above.n / below.n)
  return below.ms * (above.ms / below.ms) ** share
}

/**
 * The number of change rows from which on a differential refresh surely takes longer than a full one: counting more of
 * them would cost what only a differential refresh is worth. Null where there is no such number, or nobody knows.
 */
export function enoughToCount(known: Experience, sources: number): number | null {
  const sourceRows = (known.answers[0] ?? known.fulls[0] ?? known.fill)?.sourceRows ?? 0
  const full = estimateFull(known, sourceRows)
  if (full === null || sourceRows === 0) return null
  for (let changeRows = LEAST_COUNT; changeRows < sourceRows; changeRows *= 2) {
    if ((estimateDelta(known, { changeRows, sourceRows, sources }) ?? 0) > SURELY * full) return changeRows
  }
  return null
}

/** So many rows are counted in no time. */
const LEAST_COUNT = 1_024

/** Estimates of a differential refresh are seldom off by more. */
const SURELY = 2

/** What a differential refresh costs compared with a full one, as far as sizes alone tell. */
export function shareOfFull({ changeRows, sourceRows, sources }: Sizes): number {
  return (WORK * Math.max(1, sources) * changeRows) / Math.max(1, sourceRows)
}

export function octaveAt(known: Experience, changeRows: number): Octave {
  return known.octaves.get(octaveOf(changeRows)) ?? UNMEASURED
}

const UNMEASURED: Octave = { times: [], passedOverMs: 0 }

interface Point {
  readonly n: number
  readonly ms: number
}

function risingPoints(known: Experience): Point[] {
  const measured = [...known.octaves]
    .flatMap(([octave, { times }]) => {
      const ms = lowerMedian(times)
      return ms === null ? [] : [{ n: middleOf(octave), ms: Math.max(ms, LEAST_MS), weight: times.length }]
    })
    .toSorted((a, b) => a.n - b.n)
  const pools: { readonly ms: number; readonly weight: number; readonly members: readonly number[] }[] = []
  for (const { n, ms, weight } of measured) {
    let pool = { ms, weight, members: [n] as readonly number[] }
    for (let previous = pools.at(-1); previous !== undefined && previous.ms > pool.ms; previous = pools.at(-1)) {
      pools.pop()
      const both = previous.weight + pool.weight
      pool = {
        ms: (previous.ms * previous.weight + pool.ms * pool.weight) / both,
        weight: both,
        members: [...previous.members, ...pool.members],
      }
    }
    pools.push(pool)
  }
  return pools.flatMap(({ ms, members }) => members.map((n) => ({ n, ms })))
}

/** Below this no clock is to be believed. */
const LEAST_MS = 0.01

function octaveOf(changeRows: number): number {
  return Math.floor(Math.log2(Math.max(1, changeRows)))
}

function middleOf(octave: number): number {
  return 2 ** (octave + 0.5)
}

/** By how much a refresh takes longer when its change rows grow. */
function grown(from: number, to: number): number {
  return (Math.max(1, to) / Math.max(1, from)) ** GROWTH
}

function lowerMedian(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? null
}
