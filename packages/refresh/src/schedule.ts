import { FreshetError } from '@freshet/core'

/** A schedule's notation: `live`, `manual`, or a duration. When a table is due is the coordinator's matter. */
const DURATION = /^\d+(?:\.\d+)?(?:ms|s|m|h|d)$/

export function checkSchedule(schedule: string): string {
  if (schedule === 'live' || schedule === 'manual') return schedule
  if (DURATION.test(schedule) && Number.parseFloat(schedule) > 0) return schedule
  throw new FreshetError('INVALID_SCHEDULE', `invalid schedule: ${schedule}`)
}
