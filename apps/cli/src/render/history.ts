import type { HistoryEntry } from '@freshet/client'
import type { Colors } from './colors.ts'
import { clip, count, duration, instant } from './quantity.ts'
import { table } from './table.ts'

export function historyTable(entries: readonly HistoryEntry[], paint: Colors): string {
  if (entries.length === 0) return 'Nothing was refreshed yet.'
  return table(
    [
      { title: 'ID', align: 'right' },
      { title: 'STARTED (UTC)' },
      { title: 'STREAM TABLE' },
      { title: 'ACTION' },
      { title: 'BY' },
      { title: 'CHANGES', align: 'right' },
      { title: '+ROWS', align: 'right' },
      { title: '−ROWS', align: 'right' },
      { title: 'TIME', align: 'right' },
      { title: 'NOTE' },
    ],
    entries.map((entry) => [
      entry.refreshId,
      instant(entry.startedAt),
      entry.name,
      entry.action,
      entry.initiatedBy,
      count(entry.changeRows),
      count(entry.rowsInserted),
      count(entry.rowsDeleted),
      duration(entry.finishedAt.getTime() - entry.startedAt.getTime()),
      entry.error ? paint.red(`${entry.error.code}: ${clip(entry.error.message, 60)}`) : note(entry),
    ]),
    paint,
  )
}

/** The reason, and what AUTO expected of the kind that it did not take. */
function note({ reason, decision }: HistoryEntry): string {
  if (reason === null || decision === null) return reason ?? ''
  const [kind, other] = decision.action === 'full' ? ['delta', decision.differentialMs] : ['full', decision.fullMs]
  return other === null ? reason : `${reason}: ${kind} ~${duration(other)}`
}
