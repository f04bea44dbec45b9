import { FreshetError } from './errors.ts'

/**
 * A `pg_snapshot`: which transactions are visible. A transaction is visible when its id is below `xmax` and not in
 * `inProgress`; so a snapshot stands for a set of transactions, and windows of changes are differences of such sets.
 * The order here is inclusion of those sets.
 */
export interface Snapshot {
  readonly xmin: bigint
  readonly xmax: bigint
  /** Ascending, each in [xmin, xmax). */
  readonly inProgress: readonly bigint[]
}

/** Sees nothing: every change lies after it. */
export const NOTHING_VISIBLE: Snapshot = Object.freeze({ xmin: 1n, xmax: 1n, inProgress: Object.freeze([]) })

const FORM = /^(\d+):(\d+):((?:\d+(?:,\d+)*)?)$/

export function parseSnapshot(text: string): Snapshot {
  const [, low, high, list] = FORM.exec(text) ?? []
  if (low === undefined || high === undefined || list === undefined) throw invalid(text)
  const xmin = BigInt(low)
  const xmax = BigInt(high)
  const inProgress = list === '' ? [] : list.split(',').map(BigInt)
  const ordered = inProgress.every(
    (xid, i) => xid >= xmin && xid < xmax && (i === 0 || xid > (inProgress[i - 1] ?? 0n)),
  )
  if (xmin < 1n || xmin > xmax || !ordered) throw invalid(text)
  return { xmin, xmax, inProgress }
}

export function printSnapshot(snapshot: Snapshot): string {
  return `${snapshot.xmin}:${snapshot.xmax}:${snapshot.inProgress.join(',')}`
}

export function isVisible(xid: bigint, snapshot: Snapshot): boolean {
  return xid < snapshot.xmax && (xid < snapshot.xmin || !snapshot.inProgress.includes(xid))
}

/** Whether everything visible in `a` is visible in `b`. */
export function snapshotLeq(a: Snapshot, b: Snapshot): boolean {
  const hidden = new Set(a.inProgress)
  if (b.inProgress.some((xid) => xid < a.xmax && !hidden.has(xid))) return false
  // beyond b.xmax, b sees nothing: a must not either
  const beyond = a.inProgress.filter((xid) => xid >= b.xmax)
  return a.xmax <= b.xmax || BigInt(beyond.length) === a.xmax - b.xmax
}

/** Sees what both see. */
export function snapshotMeet(a: Snapshot, b: Snapshot): Snapshot {
  const xmax = a.xmax < b.xmax ? a.xmax : b.xmax
  return snapshotOf(xmax, [...a.inProgress, ...b.inProgress])
}

/**
 * The snapshot that also sees `xid`. A refresh that read rows of its own transaction must store this: its own id is
 * taken out of the in-progress list, and when it lies beyond `xmax`, every id between, which nobody may have finished,
 * is put in.
 */
export function including(snapshot: Snapshot, xid: bigint): Snapshot {
  if (xid < snapshot.xmax) {
    return snapshotOf(
      snapshot.xmax,
      snapshot.inProgress.filter((other) => other !== xid),
    )
  }
  const between: bigint[] = []
  for (let other = snapshot.xmax; other < xid; other++) between.push(other)
  return snapshotOf(xid + 1n, [...snapshot.inProgress, ...between])
}

function snapshotOf(xmax: bigint, hidden: readonly bigint[]): Snapshot {
  const inProgress = [...new Set(hidden)].filter((xid) => xid < xmax).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return { xmin: inProgress[0] ?? xmax, xmax, inProgress }
}

function invalid(text: string): FreshetError {
  return new FreshetError('INTERNAL', `not a pg_snapshot: ${text}`)
}
