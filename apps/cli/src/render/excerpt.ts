import { count } from './quantity.ts'

/**
 * As much of a long list as was asked for. What is left out is said; and where something is, what wants attention comes
 * first, so that it is not among that.
 */
export interface Excerpt<Row> {
  readonly shown: readonly Row[]
  /** What to say below; null when all are shown. */
  readonly more: string | null
}

export function excerpt<Row>(
  rows: readonly Row[],
  limit: number,
  wantsAttention: (row: Row) => boolean = () => false,
): Excerpt<Row> {
  if (rows.length <= limit) return { shown: rows, more: null }
  const first = rows.filter(wantsAttention)
  const shown = [...first, ...rows.filter((row) => !wantsAttention(row))].slice(0, limit)
  const urgent = first.length === 0 ? '' : `, first those that want attention (${count(first.length)})`
  return {
    shown,
    more: `${count(limit)} of ${count(rows.length)} stream tables${urgent}. --limit shows more, and --json all.`,
  }
}

export function withMore(text: string, { more }: Excerpt<unknown>): string {
  return more === null ? text : `${text}\n\n${more}`
}
