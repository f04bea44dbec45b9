import { type Cron, parseCron, printCron } from './cron.ts'
import { FreshetError } from './errors.ts'

/**
 * When a stream table wants to be refreshed.
 *
 * - `live`: as soon as a change of one of its sources is seen.
 * - `manual`: only when somebody asks.
 * - `every`: a duration; at each multiple of it the table is refreshed if changes wait.
 * - `cron`: the same at moments on the calendar.
 * - `calculated`: whenever one of those that read it wants to be refreshed, before it.
 *
 * The union is closed: whoever reads a schedule switches over `kind`, so a new kind is a type error until it is handled.
 */
export type Schedule =
  | { readonly kind: 'live' }
  | { readonly kind: 'manual' }
  | { readonly kind: 'every'; readonly ms: number }
  | { readonly kind: 'cron'; readonly cron: Cron }
  | { readonly kind: 'calculated' }

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const CRON = /^cron:\s*(.*)$/is

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/

/** Faster than this is what `live` is for. */
const SHORTEST_MS = 10

/** A year: longer is a slip of the keyboard, and timers take no more than 24 days at once anyway. */
const LONGEST_MS = 366 * 86_400_000

export function parseSchedule(text: string): Schedule {
  const word = text.trim().toLowerCase()
  if (word === 'live' || word === 'manual' || word === 'calculated') return { kind: word }
  const [, cron] = CRON.exec(text.trim()) ?? []
  if (cron !== undefined) return { kind: 'cron', cron: parseCron(cron) }
  const ms = parseDuration(word)
  if (ms === null) throw new FreshetError('INVALID_SCHEDULE', `${JSON.stringify(text)} is not a schedule`)
  if (ms < SHORTEST_MS) {
    throw new FreshetError(
      'INVALID_SCHEDULE',
      `the schedule ${JSON.stringify(text)} is shorter than ${SHORTEST_MS}ms`,
      {
        hint: 'Use live: it refreshes as soon as a change is seen.',
      },
    )
  }
  if (ms > LONGEST_MS) {
    throw new FreshetError('INVALID_SCHEDULE', `the schedule ${JSON.stringify(text)} is longer than a year`, {
      hint: 'Use manual for a table that is refreshed by hand.',
    })
  }
  return { kind: 'every', ms }
}

/** The shortest way to write it: 90000 ms is `90s`, 120000 ms is `2m`. */
export function printSchedule(schedule: Schedule): string {
  if (schedule.kind === 'cron') return `cron: ${printCron(schedule.cron)}`
  return schedule.kind === 'every' ? printDuration(schedule.ms) : schedule.kind
}

/** Whole milliseconds; null where the text is no duration. */
export function parseDuration(text: string): number | null {
  const [, amount, unit] = DURATION.exec(text.trim().toLowerCase()) ?? []
  const factor = unit === undefined ? undefined : UNITS[unit]
  return amount === undefined || factor === undefined ? null : Math.round(Number(amount) * factor)
}

export function printDuration(ms: number): string {
  const fitting = Object.entries(UNITS).filter(([, factor]) => ms % factor === 0)
  const [unit, factor] = fitting.at(-1) ?? ['ms', 1]
  return `${ms / factor}${unit}`
}
