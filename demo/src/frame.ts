import { count, flightTime, ms, textTable } from './text-table.ts'
import { percentile, type Recent, type TableTally, type Total } from './tally.ts'

/** What is seen at one moment, and how it looks on a terminal and as a line of a log. */
export interface Moment {
  readonly dashboard: string
  readonly seconds: number
  readonly endsAfter: number | null
  readonly flightTime: number
  readonly flights: number
  readonly flightsOfData: number
  readonly writers: number
  readonly total: Readonly<Total>
  readonly recent: Recent
  readonly tables: readonly TableMoment[]
  /** Of the scheduler, the last ones. */
  readonly warnings: readonly string[]
}

export interface TableMoment extends TableTally {
  readonly name: string
  readonly mode: string
  readonly schedule: string
  readonly rows: number | null
}

export function frame(moment: Moment, style: Style): string[] {
  const { recent, total, tables, warnings } = moment
  const writes = recent.insertsPerSecond + recent.updatesPerSecond + recent.deletesPerSecond
  const left =
    moment.endsAfter === null ? 'Ctrl-C ends it' : `${Math.max(0, moment.endsAfter - moment.seconds).toFixed(0)} s left`
  const [headings = '', ...rows] = tableOf(tables)
  return [
    `${style.bold('Freshet')} · US flights replayed · ${left}`,
    `dashboard    ${style.bold(moment.dashboard)}`,
    '',
    `flight time  ${flightTime(moment.flightTime)}   ${count(moment.flights)} of ${count(moment.flightsOfData)} flights`,
    `writes       ${style.bold(`${count(writes)} rows/s`)}   insert ${count(recent.insertsPerSecond)} · update ${count(recent.updatesPerSecond)} · delete ${count(recent.deletesPerSecond)} a second`,
    `             ${moment.writers} writers, ${count(recent.transactionsPerSecond)} transactions/s; so far ${count(total.transactions)}, ${count(total.late)} of them long, and ${count(total.rolledBack)} rolled back`,
    `refreshes    ${style.bold(`${count(recent.refreshesPerSecond)} /s`)}   so far ${count(total.refreshes)}, ${total.failures === 0 ? 'none failed' : style.red(`${count(total.failures)} failed`)}`,
    `freshness    ${style.bold(`p50 ${ms(percentile(recent.freshness, 0.5))}   p99 ${ms(percentile(recent.freshness, 0.99))}`)}   COMMIT to visible in departures_board, ${count(recent.freshness.length)} probes`,
    '',
    style.dim(headings),
    ...rows,
    ...tables.flatMap(({ name, error }) => (error === null ? [] : [style.red(`${name}: ${error}`)])),
    ...warnings.map((warning) => style.red(warning)),
  ]
}

function tableOf(tables: readonly TableMoment[]): string[] {
  const row = (table: TableMoment) => [
    table.name,
    table.mode,
    table.schedule,
    table.rows === null ? '' : count(table.rows),
    table.perSecond.toFixed(1),
    ms(percentile(table.durations, 0.5)),
    ms(percentile(table.waits, 0.5)),
    ms(percentile(table.waits, 0.99)),
  ]
  const headings = ['stream table', 'mode', 'schedule', 'rows', 'refreshes/s', 'each takes', 'lag p50', 'lag p99']
  return textTable(headings, tables.map(row), ['left', 'left', 'left', 'right', 'right', 'right', 'right', 'right'])
}

/** Without a terminal: one line now and then. */
export function logLine({ seconds, flightTime: at, recent, total, warnings, tables }: Moment): string {
  const writes = recent.insertsPerSecond + recent.updatesPerSecond + recent.deletesPerSecond
  const freshness = `p50 ${ms(percentile(recent.freshness, 0.5))}, p99 ${ms(percentile(recent.freshness, 0.99))}`
  const errors = tables.flatMap(({ name, error }) => (error === null ? [] : [`  ${name}: ${error}`]))
  return [
    `${seconds.toFixed(0).padStart(4)} s  ${flightTime(at)}  ${count(writes)} rows/s written, ${count(recent.refreshesPerSecond)} refreshes/s, ${count(total.failures)} failed; commit to visible ${freshness}`,
    ...errors,
    ...warnings.map((warning) => `  ${warning}`),
  ].join('\n')
}

export interface Style {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
}

const sgr = (code: number) => (text: string) => `\u001B[${code}m${text}\u001B[0m`
export const COLORS: Style = { bold: sgr(1), dim: sgr(2), red: sgr(31) }
const plain = (text: string) => text
export const PLAIN: Style = { bold: plain, dim: plain, red: plain }
