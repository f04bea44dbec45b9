import type { Change } from '@freshet/client'

/** A page in a reader's hands: the newest transaction of each writer that it shows; 0 where it shows none. */
export interface Arrival {
  readonly at: number
  readonly seqs: readonly number[]
}

/** Of rows that come, each of which has the number of the last transaction of a writer that is in it. */
export function newest(changes: readonly Change<{ readonly writer: number; readonly seq: number }>[]): number[] {
  const seqs: number[] = []
  for (const { weight, row } of changes) if (weight > 0 && (seqs[row.writer] ?? 0) < row.seq) seqs[row.writer] = row.seq
  return Array.from(seqs, (seq) => seq ?? 0)
}

/** How old each transaction was when it arrived first. `seen` has, for each writer, what arrived already. */
export function agesOf(
  { at, seqs }: Arrival,
  seen: number[],
  committedAt: (writer: number, seq: number) => number | undefined,
): number[] {
  return seqs.flatMap((newest, writer) => {
    const ages: number[] = []
    for (let seq = (seen[writer] ?? 0) + 1; seq <= newest; seq++) {
      const committed = committedAt(writer, seq)
      // it is there before its writer has heard of it: seen again at the next look
      if (committed === undefined) break
      ages.push(Math.max(at - committed, 0))
      seen[writer] = seq
    }
    return ages
  })
}
