import type { CitusStatus } from '@freshet/client'
import type { Colors } from './colors.ts'
import { count, counted, duration } from './quantity.ts'
import { table } from './table.ts'

export function citusTable(rows: readonly CitusStatus[], now: Date, paint: Colors): string {
  if (rows.length === 0) return 'No stream table reads a table that Citus has placed.'
  const shown = table(
    [
      { title: 'SOURCE' },
      { title: 'PLACEMENT' },
      { title: 'GROUP', align: 'right' },
      { title: 'NODE' },
      { title: 'SHARDS', align: 'right' },
      { title: 'IN ORDER' },
      { title: 'WAITING', align: 'right' },
      { title: 'QUEUED', align: 'right' },
      { title: 'COLLECTED' },
      { title: 'STATE' },
    ],
    rows.map((row) => [
      row.source,
      row.placement,
      String(row.group),
      row.node,
      count(row.shards),
      row.inOrder ? 'yes' : paint.red('lost'),
      row.waiting === null ? '?' : `${row.waitingIsLowerBound ? 'over ' : ''}${count(row.waiting)}`,
      row.queued === null ? '?' : count(row.queued),
      row.collectedAt === null ? 'never' : `${ago(row.collectedAt, now)} ago`,
      stateOf(row, now, paint),
    ]),
    paint,
  )
  const troubles = new Map(
    rows.flatMap((row) =>
      row.lastError === null ? [] : [[row.group, troubleOf({ ...row, lastError: row.lastError }, now, paint)]],
    ),
  )
  return troubles.size === 0 ? shown : `${shown}\n\n${[...troubles.values()].join('\n')}`
}

function stateOf(
  { active, failures, failingSince, collector, collectingSince, waitingCollectors }: CitusStatus,
  now: Date,
  paint: Colors,
) {
  if (!active) return paint.yellow('disabled')
  if (failures > 0) return paint.red(`not reached${failingSince === null ? '' : ` for ${ago(failingSince, now)}`}`)
  if (collector === null) return paint.green('reached')
  const since = collectingSince === null ? '' : ` for ${ago(collectingSince, now)}`
  const behind = waitingCollectors === 0 ? '' : `, ${count(waitingCollectors)} behind it`
  return `collected by ${collector}${since}${behind}`
}

function troubleOf(
  {
    group,
    node,
    failuresTotal,
    lastFailedAt,
    lastError,
  }: CitusStatus & { readonly lastError: { readonly message: string } },
  now: Date,
  paint: Colors,
): string {
  const when = lastFailedAt === null ? '' : `, last ${ago(lastFailedAt, now)} ago`
  return `${paint.yellow(`group ${group}, ${node}`)}: failed ${counted(failuresTotal, 'time')}${when}: ${lastError.message}`
}

function ago(at: Date, now: Date): string {
  return duration(now.getTime() - at.getTime())
}
