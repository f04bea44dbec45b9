import type { Decision } from '@freshet/client'
import { count, duration } from './quantity.ts'

/** What AUTO chose, and what it expected of either kind of refresh, in a line. */
export function decisionText({
  action,
  reason,
  basis,
  changeRows,
  sourceRows,
  differentialMs,
  fullMs,
}: Decision): string {
  const expected = (ms: number | null) => (ms === null ? 'unknown' : `about ${duration(ms)}`)
  const kind = action === 'full' ? 'in full' : 'by delta'
  const [own, other] = action === 'full' ? [fullMs, differentialMs] : [differentialMs, fullMs]
  const against = `${kind} ${expected(own)}, ${action === 'full' ? 'by delta' : 'in full'} ${expected(other)}`
  const from = basis === 'history' ? 'from its history' : 'from sizes alone'
  const why = reason === 'EXPLORED' ? ', to measure it again' : ''
  return `${kind}${why}: ${count(changeRows)} changes to ${count(sourceRows)} rows; expected ${from}: ${against}`
}
