import { chance } from './chance.ts'
import type { Flight } from './flights.ts'

/**
 * What happens to one flight, as changes of its row. The data says how it ended; how it came to that is made up, the
 * same in every run: the flight appears three hours ahead as punctual, its delay becomes known step by step, and it
 * departs, or, one in fifty, is cancelled.
 */
export type Change =
  | { readonly kind: 'insert'; readonly id: number; readonly flight: Flight }
  | { readonly kind: 'update'; readonly id: number; readonly delay: number; readonly status: 'scheduled' | 'departed' }
  | { readonly kind: 'delete'; readonly id: number }

export interface Step {
  /** In the time of the flights. */
  readonly at: number
  readonly change: Change
}

const MINUTE = 60_000
export const AHEAD = 180 * MINUTE
const CANCELLED = 1 / 50

export function lifeOf(id: number, flight: Flight): readonly [Step, ...Step[]] {
  const random = chance(id)
  const { departsAt, delay } = flight
  const appears: Step = { at: departsAt - AHEAD, change: { kind: 'insert', id, flight } }
  if (random() < CANCELLED) {
    return [appears, { at: departsAt - random() * AHEAD, change: { kind: 'delete', id } }]
  }
  const revisions: Step[] = []
  const revise = (at: number, part: number) =>
    revisions.push({ at, change: { kind: 'update', id, delay: Math.round(delay * part), status: 'scheduled' } })
  if (delay >= 10) revise(departsAt - (0.2 + random() * 0.8) * 60 * MINUTE, 0.3 + random() * 0.9)
  if (delay >= 60) revise(departsAt + random() * (delay / 2) * MINUTE, 0.7 + random() * 0.5)
  const leavesAt = departsAt + delay * MINUTE
  const departs: Step = { at: leavesAt, change: { kind: 'update', id, delay, status: 'departed' } }
  return [appears, ...revisions, departs]
}
