import { Cron as Pattern } from 'croner'
import { FreshetError } from './errors.ts'

/** Moments on the calendar of a time zone: the five fields of cron, minute first. */
export interface Cron {
  readonly fields: string
  readonly timeZone: string
}

/** `0 6 * * *`, or `0 6 * * mon-fri Europe/Berlin`. Without a time zone: UTC, because schedulers may run anywhere. */
export function parseCron(text: string): Cron {
  const parts = text.trim().split(/\s+/)
  if (parts.length !== 5 && parts.length !== 6) {
    throw invalid(
      text,
      `it has ${parts.length} parts`,
      'Five fields and, if need be, a time zone: 0 6 * * * Europe/Berlin',
    )
  }
  const cron: Cron = { fields: parts.slice(0, 5).join(' '), timeZone: zoneNamed(parts[5] ?? 'UTC', text) }
  try {
    if (nextFiring(cron, Date.now()) !== null) return cron
  } catch (error) {
    throw invalid(text, error instanceof Error ? error.message : String(error))
  }
  throw invalid(text, 'it never comes')
}

export function printCron({ fields, timeZone }: Cron): string {
  return `${fields} ${timeZone}`
}

/** The first moment after `after`, both in milliseconds since 1970; null when there is none. */
export function nextFiring(cron: Cron, after: number): number | null {
  const text = printCron(cron)
  const pattern = patterns.get(text) ?? new Pattern(cron.fields, { mode: '5-part', timezone: cron.timeZone })
  patterns.set(text, pattern)
  return pattern.nextRun(new Date(after))?.getTime() ?? null
}

const patterns = new Map<string, Pattern>()

function zoneNamed(name: string, text: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone
  } catch (error) {
    if (error instanceof RangeError)
      throw invalid(text, `there is no time zone ${name}`, 'Such as Europe/Berlin or UTC.')
    throw error
  }
}

function invalid(text: string, why: string, hint?: string): FreshetError {
  const message = `${JSON.stringify(text)} is not a cron schedule: ${why}`
  return new FreshetError('INVALID_SCHEDULE', message, hint === undefined ? {} : { hint })
}
