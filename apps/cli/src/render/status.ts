import type { NewQueryStatus, StreamTableStatus } from '@freshet/client'
import type { CaptureStream } from '@freshet/core'
import type { Colors } from './colors.ts'
import { decisionText } from './decision.ts'
import { bytes, clip, count, counted, duration } from './quantity.ts'
import { modeLabel, paintStatus, streamTablePairs } from './stream-table.ts'
import { facts, table, type Fact } from './table.ts'

export function statusList(tables: readonly StreamTableStatus[], now: Date, paint: Colors): string {
  if (tables.length === 0) return 'There are no stream tables. `freshet create NAME --query …` makes one.'
  return table(
    [
      { title: 'STREAM TABLE' },
      { title: 'STATUS' },
      { title: 'MODE' },
      { title: 'FRESHNESS' },
      { title: 'PENDING', align: 'right' },
      { title: 'ROWS', align: 'right' },
      { title: 'P50', align: 'right' },
      { title: 'P99', align: 'right' },
      { title: 'LAST ERROR' },
    ],
    tables.map((entry) => [
      entry.name,
      paintStatus(entry.status, paint) +
        (entry.newQuery === null ? '' : `, ${newQueryWord(entry.newQuery, paint)}`) +
        (entry.tier === 'hot' ? '' : `, ${entry.tier}`),
      modeLabel(entry),
      freshness(entry, now, paint),
      pending(entry),
      count(entry.estimatedRows),
      milliseconds(entry.refreshes.p50Ms),
      milliseconds(entry.refreshes.p99Ms),
      entry.lastError === null ? '' : paint.red(clip(`${entry.lastError.code}: ${entry.lastError.message}`, 60)),
    ]),
    paint,
  )
}

export function statusDetails(entry: StreamTableStatus, now: Date, paint: Colors): string {
  const { refreshes, lastError } = entry
  const pairs: Fact[] = [
    ...streamTablePairs(entry, paint),
    ['freshness', freshness(entry, now, paint)],
    ['new query', entry.newQuery === null ? null : newQueryDetails(entry.newQuery, now, paint)],
    ['pending', counted(entry.pendingChanges, 'change') + (entry.pendingIsLowerBound ? ' or more' : '')],
    ['rows', `about ${count(entry.estimatedRows)}`],
    [
      'last hour',
      refreshes.count === 0
        ? 'no refresh'
        : `${counted(refreshes.count, 'refresh', 'refreshes')}, p50 ${milliseconds(refreshes.p50Ms)}, p99 ${milliseconds(refreshes.p99Ms)}`,
    ],
    ['last choice', entry.decision === null ? null : decisionText(entry.decision)],
    ['errors', entry.consecutiveErrors === 0 ? null : `${count(entry.consecutiveErrors)} in a row`],
    ['last error', lastError === null ? null : paint.red(`${lastError.code}: ${lastError.message}`)],
    ['hint', lastError?.hint ?? null],
  ]
  return `${facts(pairs, paint)}\n\n${entry.query.trim()}`
}

/** What is filled beside it does not change what it shows. */
function newQueryWord({ phase, running }: NewQueryStatus, paint: Colors): string {
  return running ? paint.cyan(`new query: ${phase}`) : paint.yellow('new query: left behind')
}

function newQueryDetails(entry: NewQueryStatus, now: Date, paint: Colors): string {
  if (!entry.running) return paint.yellow('was left behind; a scheduler removes it, or freshet repair')
  const since = duration(Math.max(0, now.getTime() - entry.startedAt.getTime()))
  const rounds = entry.rounds === 0 ? '' : `, ${counted(entry.rounds, 'round')}`
  const last = entry.changeRows === null ? '' : `, ${counted(entry.changeRows, 'change')} in the last`
  const canceled = entry.canceled ? paint.yellow(', canceled') : ''
  return `${entry.phase} since ${since}, ${bytes(entry.bytes)}${rounds}${last}${canceled}`
}

/** Of the sources that are captured by WAL, and of the slot that keeps the server's log for them. */
export function streamLine(tables: readonly StreamTableStatus[], stream: CaptureStream, paint: Colors): string {
  const read = tables.flatMap(({ sources }) => sources.filter(({ capture }) => capture === 'wal'))
  const names = [...new Set(read.map(({ name }) => name))].toSorted()
  const state = !stream.usable
    ? paint.red('lost')
    : stream.active
      ? paint.green('read')
      : paint.yellow('read by nobody')
  const size = stream.usable ? `, ${bytes(stream.lagBytes)} behind, ${bytes(stream.retainedBytes)} of the log kept` : ''
  return `captured by WAL: ${names.join(', ')}\nslot ${stream.slot}: ${state}${size}`
}

/** A stream table without pending changes is equal to its query, however long ago it was written. */
export function freshness(entry: StreamTableStatus, now: Date, paint: Colors): string {
  if (entry.refreshedAt === null) return paint.yellow('never filled')
  if (entry.gated) return paint.yellow('capture paused')
  if (entry.pendingChanges === 0 && entry.effectiveMode !== 'full') return paint.green('fresh')
  return `${duration(Math.max(0, now.getTime() - entry.refreshedAt.getTime()))} old`
}

export function pending(entry: StreamTableStatus): string {
  return `${count(entry.pendingChanges)}${entry.pendingIsLowerBound ? '+' : ''}`
}

export function milliseconds(value: number | null): string {
  return value === null ? '–' : duration(value)
}
