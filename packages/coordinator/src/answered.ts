import { type DueTable, toPoll } from './due.ts'

/**
 * The last poll's answer, and what it holds for: as long as nothing is committed, no refresh of ours ends, and no table
 * that was not asked about is to be asked about by the clock.
 */
export interface Answered {
  readonly snapshot: string
  /** The tables that were asked about. */
  readonly ids: ReadonlySet<number>
  readonly retryAt: number
  /** Until then, the clock does not change what is to be asked or started. */
  until: number
  /** When it was last found to hold; what that says of the tables is noted when it holds no more. */
  confirmedAt: number
}

/** Whether nothing but a commit, or a refresh that ended, can have made it untrue. */
export function isAbout({ ids, until }: Answered, tables: Iterable<DueTable>, now: number): boolean {
  return now < until || toPoll(tables, now).every((id) => ids.has(id))
}
