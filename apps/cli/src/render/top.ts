import type { HistoryEntry, StreamTableStatus } from '@freshet/client'
import type { Colors } from './colors.ts'
import { count, counted } from './quantity.ts'
import { freshness, milliseconds, pending } from './status.ts'
import { paintStatus } from './stream-table.ts'
import { table } from './table.ts'

/** What was seen at one moment. */
export interface Sample {
  readonly at: Date
  readonly tables: readonly StreamTableStatus[]
  /** The newest refreshes, newest first. */
  readonly history: readonly HistoryEntry[]
}

/** What happened to one stream table between two samples, per second. */
export interface Rate {
  readonly refreshes: number
  readonly changes: number
  readonly rows: number
}

const STILL: Rate = { refreshes: 0, changes: 0, rows: 0 }

/** The refreshes that `later` has seen and `earlier` had not, by stream table. */
export function rates(earlier: Sample | null, later: Sample): ReadonlyMap<string, Rate> {
  const found = new Map<string, Rate>()
  if (earlier === null) return found
  const seconds = (later.at.getTime() - earlier.at.getTime()) / 1_000
  if (seconds <= 0) return found
  const known = new Set(earlier.history.map((entry) => entry.refreshId))
  const since = earlier.at.getTime() - OVERLAP_MS
  for (const entry of later.history) {
    if (known.has(entry.refreshId) || entry.finishedAt.getTime() < since) continue
    const sum = found.get(entry.name) ?? STILL
    found.set(entry.name, {
      refreshes: sum.refreshes + 1 / seconds,
      changes: sum.changes + entry.changeRows / seconds,
      rows: sum.rows + (entry.rowsInserted + entry.rowsDeleted) / seconds,
    })
  }
  return found
}

/** A refresh is seen when it commits, a little later than the moment that it notes as its end. */
const OVERLAP_MS = 2_000

export function topScreen(earlier: Sample | null, sample: Sample, height: number, paint: Colors): string {
  const speed = rates(earlier, sample)
  const total = [...speed.values()].reduce(add, STILL)
  const late = sample.tables.filter((entry) => entry.pendingChanges > 0).length
  const failing = sample.tables.filter((entry) => entry.lastError !== null && entry.consecutiveErrors > 0).length
  const head = [
    `${paint.bold('freshet top')}  ${sample.at.toISOString().slice(11, 19)} UTC  ${counted(sample.tables.length, 'stream table')}`,
    `${count(late)} pending, ${failing === 0 ? '0' : paint.red(count(failing))} failing`,
    `${perSecond(total.refreshes)} refreshes/s, ${perSecond(total.changes)} changes/s, ${perSecond(total.rows)} rows/s`,
  ].join('  ·  ')
  const body = table(
    [
      { title: 'STREAM TABLE' },
      { title: 'STATUS' },
      { title: 'FRESHNESS' },
      { title: 'PENDING', align: 'right' },
      { title: 'REFRESH/S', align: 'right' },
      { title: 'CHANGES/S', align: 'right' },
      { title: 'ROWS/S', align: 'right' },
      { title: 'P50', align: 'right' },
      { title: 'P99', align: 'right' },
      { title: 'ROWS', align: 'right' },
    ],
    sample.tables.map((entry) => {
      const { refreshes, changes, rows } = speed.get(entry.name) ?? STILL
      return [
        entry.name,
        paintStatus(entry.status, paint),
        freshness(entry, sample.at, paint),
        pending(entry),
        perSecond(refreshes),
        perSecond(changes),
        perSecond(rows),
        milliseconds(entry.refreshes.p50Ms),
        milliseconds(entry.refreshes.p99Ms),
        count(entry.estimatedRows),
      ]
    }),
    paint,
  )
  const lines = [head, '', ...body.split('\n'), '', paint.dim('q quits')]
  return lines.slice(0, height).join('\n')
}

function add(a: Rate, b: Rate): Rate {
  return { refreshes: a.refreshes + b.refreshes, changes: a.changes + b.changes, rows: a.rows + b.rows }
}

function perSecond(rate: number): string {
  if (rate === 0) return '·'
  return rate < 10 ? rate.toFixed(1) : count(rate)
}
