import type { SlaSummary } from '@freshet/client'
import type { Colors } from './colors.ts'
import { count, duration } from './quantity.ts'
import { table } from './table.ts'

export function slaTable(entries: readonly SlaSummary[], paint: Colors): string {
  if (entries.length === 0) return 'There are no stream tables. `freshet create NAME --query …` makes one.'
  const rows = table(
    [
      { title: 'STREAM TABLE' },
      { title: 'SCHEDULE' },
      { title: 'TIER' },
      { title: 'SLA', align: 'right' },
      { title: 'MET', align: 'right' },
      { title: 'BUDGET LEFT', align: 'right' },
      { title: 'REFRESHES', align: 'right' },
      { title: 'P50', align: 'right' },
      { title: 'P95', align: 'right' },
      { title: 'P99', align: 'right' },
    ],
    entries.map((entry) => [
      entry.name,
      entry.schedule,
      entry.tier,
      time(entry.slaMs),
      met(entry, paint),
      entry.budgetLeft === null ? '–' : percent(entry.budgetLeft),
      count(entry.refreshes),
      time(entry.p50Ms),
      time(entry.p95Ms),
      time(entry.p99Ms),
    ]),
    paint,
  )
  const advice = entries.flatMap(({ name, recommendation }) =>
    recommendation === null ? [] : [`${paint.yellow(name)}: ${recommendation}`],
  )
  return advice.length === 0 ? rows : `${rows}\n\n${advice.join('\n')}`
}

function met({ shareMet, recommendation }: SlaSummary, paint: Colors): string {
  if (shareMet === null) return '–'
  return recommendation === null ? paint.green(percent(shareMet)) : paint.red(percent(shareMet))
}

/** Rounded down: what is shown as 100 % is all of it. */
function percent(share: number): string {
  return `${Math.floor(share * 10_000) / 100} %`
}

function time(ms: number | null): string {
  return ms === null ? '–' : duration(ms)
}
