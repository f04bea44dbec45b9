import type { AlteredStreamTable, StreamTable } from '@freshet/client'
import { printDuration } from '@freshet/core'
import type { Colors } from './colors.ts'
import { instant } from './quantity.ts'
import { facts, table, type Fact } from './table.ts'

export function streamTableList(tables: readonly StreamTable[], paint: Colors): string {
  if (tables.length === 0) return 'There are no stream tables. `freshet create NAME --query …` makes one.'
  return table(
    [
      { title: 'STREAM TABLE' },
      { title: 'STATUS' },
      { title: 'MODE' },
      { title: 'SCHEDULE' },
      { title: 'STORAGE' },
      { title: 'READS' },
    ],
    tables.map((entry) => [
      entry.name,
      paintStatus(entry.status, paint),
      modeLabel(entry),
      scheduleLabel(entry),
      entry.storage,
      entry.sources.map((source) => source.name).join(', '),
    ]),
    paint,
  )
}

export function streamTableFacts(entry: StreamTable, paint: Colors): string {
  return facts(streamTablePairs(entry, paint), paint)
}

/** With what its readers have noticed of another query. */
export function alteredFacts(entry: AlteredStreamTable, paint: Colors): string {
  const { lockedMs } = entry
  const locked: Fact = ['readers locked out', lockedMs === null ? null : `for ${lockedMs.toFixed(1)} ms`]
  return facts([...streamTablePairs(entry, paint), locked], paint)
}

export function streamTablePairs(entry: StreamTable, paint: Colors): Fact[] {
  const because = entry.modeReason === null ? '' : ` (${entry.modeReason.code}: ${entry.modeReason.detail})`
  return [
    ['stream table', paint.bold(entry.name)],
    ['status', paintStatus(entry.status, paint) + (entry.statusReason === null ? '' : `: ${entry.statusReason}`)],
    ['mode', modeLabel(entry) + because],
    ['schedule', scheduleLabel(entry)],
    ['SLA', entry.slaMs === null ? null : `a change is visible within ${printDuration(entry.slaMs)}`],
    ['together with', entry.together.join(', ') || null],
    ['fuse', entry.fuse === null ? null : `${entry.fuse} change rows`],
    ['storage', entry.keyColumns.length === 0 ? entry.storage : `${entry.storage} by ${entry.keyColumns.join(', ')}`],
    ['placed', placementLabel(entry)],
    ['advisory', entry.advisory === null ? null : `${entry.advisory.code}: ${entry.advisory.detail}`],
    ['reads', entry.sources.map(sourceLabel).join(', ') || null],
    ['refreshed', entry.refreshedAt === null ? null : `${instant(entry.refreshedAt)} UTC`],
  ]
}

/** Why a stream table is recomputed rather than maintained, and what could be done. */
export function fullNotice(entry: StreamTable, paint: Colors): string {
  const { code, detail, hint } = entry.modeReason ?? { code: '', detail: '', hint: null }
  const explained = `\`freshet explain ${shellWord(entry.name)}\` shows the plan; each refresh recomputes the query and writes only the difference.`
  return (
    `${paint.yellow('notice')} ${paint.bold(code)}: ${entry.name} is refreshed in full: ${detail}\n` +
    `${paint.cyan('hint')}: ${hint === null ? '' : `${hint} `}${explained}`
  )
}

/** What could be better about where it is. */
export function advisoryNotice({ code, detail, hint }: NonNullable<StreamTable['advisory']>, paint: Colors): string {
  return `${paint.yellow('notice')} ${paint.bold(code)}: ${detail}\n${paint.cyan('hint')}: ${hint}`
}

/** What was asked for, and what came of it where that is something else. */
export function modeLabel({ mode, effectiveMode }: Pick<StreamTable, 'mode' | 'effectiveMode'>): string {
  return mode === effectiveMode ? mode : `${mode} → ${effectiveMode}`
}

function placementLabel({ placement, pushedDown }: Pick<StreamTable, 'placement' | 'pushedDown'>): string | null {
  switch (placement.kind) {
    case 'local':
      return null
    case 'reference':
      return 'on every node'
    case 'distributed':
      return `distributed by ${placement.column}${pushedDown ? ', refreshed on the workers' : ''}`
  }
}

/** With the tier that stretches it, where one does. */
function scheduleLabel({ schedule, tier }: Pick<StreamTable, 'schedule' | 'tier'>): string {
  return tier === 'hot' ? schedule : `${schedule}, ${tier}`
}

export function paintStatus(status: StreamTable['status'], paint: Colors): string {
  if (status === 'active') return paint.green(status)
  return status === 'suspended' ? paint.red(status) : paint.yellow(status)
}

function sourceLabel(source: StreamTable['sources'][number]): string {
  if (source.streamTable !== null) return `${source.name} (stream table)`
  return source.capture === 'wal' ? `${source.name} (by WAL)` : source.name
}

function shellWord(text: string): string {
  return /^[\w.]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
