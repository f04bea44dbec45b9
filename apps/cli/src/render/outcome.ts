import type { RefreshOutcome } from '@freshet/core'
import type { Colors } from './colors.ts'
import { count, counted, duration } from './quantity.ts'

/** One refresh, one line. */
export function renderOutcome(name: string, outcome: RefreshOutcome, paint: Colors): string {
  const { action, reason, rowsInserted, rowsDeleted, changeRows, durationMs } = outcome
  const time = paint.dim(duration(durationMs))
  if (action === 'none') return `${name}: nothing to do ${time}`
  if (action === 'busy') return `${name}: ${paint.yellow('busy')}, another refresher holds it ${time}`
  const why = reason === null ? '' : ` (${reason})`
  const read = action === 'full' ? '' : `${counted(changeRows, 'change')} read, `
  return `${name}: ${action}${why}, ${read}${paint.green(`+${count(rowsInserted)}`)} ${paint.red(`−${count(rowsDeleted)}`)} rows ${time}`
}
