import { describe, expect, it } from 'vitest'
import { type Agenda, agenda, type Errand } from './agenda.ts'
import type { Flight } from './flights.ts'
import { AHEAD, lifeOf } from './life.ts'

const MINUTE = 60_000
const START = Date.UTC(2001, 0, 1)

const data: Flight[] = Array.from({ length: 400 }, (_, i) => ({
  departsAt: START + i * 5 * MINUTE,
  origin: 'SFO',
  destination: 'JFK',
  distance: 2_586,
  delay: (i * 37) % 150,
}))

/** Plays everything against a table of rows, as a database would see it; what is impossible there throws. */
function play(plan: Agenda, rounds: number, commits: (round: number) => boolean): Map<number, Errand['change']> {
  const rows = new Map<number, Errand['change']>()
  for (let round = 0; round < rounds; round++) {
    const errands = plan.take(1 + (round % 7))
    if (!commits(round)) {
      plan.giveBack(errands)
      continue
    }
    for (const { change } of errands) {
      if (change.kind === 'insert' && rows.has(change.id)) throw new Error(`${change.id} is inserted twice`)
      if (change.kind === 'update' && !rows.has(change.id))
        throw new Error(`${change.id} is updated without being there`)
      if (change.kind === 'delete') rows.delete(change.id)
      else rows.set(change.id, change)
    }
    plan.done(errands)
  }
  return rows
}

describe('the agenda', () => {
  it('gives out no flight that is outside already', () => {
    const plan = agenda(data, 0)
    const ids = [plan.take(150), plan.take(150)].flat().map(({ change }) => change.id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('follows the order of time', () => {
    const plan = agenda(data, 0)
    let last = -Infinity
    for (let i = 0; i < 1_000; i++) {
      const errands = plan.take(1)
      const [errand] = errands
      const at = errand?.steps[errand.index]?.at ?? Number.NaN
      expect(at).toBeGreaterThanOrEqual(last)
      last = at
      plan.done(errands)
    }
    expect(plan.now).toBe(last)
  })

  it('brings every flight to the end that the data knows, whatever is rolled back', () => {
    const rows = play(agenda(data, 0), 400, (round) => round % 3 !== 1)
    const early = data.slice(0, 200).map((flight, i) => ({ id: i + 1, flight }))
    for (const { id, flight } of early) {
      const end = lifeOf(id, flight).at(-1)?.change
      expect(rows.get(id)).toEqual(
        end?.kind === 'delete' ? undefined : { kind: 'update', id, delay: flight.delay, status: 'departed' },
      )
    }
  })

  it('begins again when the data ends, without growing', () => {
    const plan = agenda(data, 0)
    const rows = play(plan, 2_000, () => true)
    expect(plan.flights).toBeGreaterThan(3 * data.length)
    expect(rows.size).toBeLessThanOrEqual(data.length)
    expect(Math.min(...rows.keys())).toBeGreaterThan(plan.flights - data.length - 100)
  })
})

describe('the life of a flight', () => {
  it('begins three hours ahead and ends with its departure or its cancellation', () => {
    let cancelled = 0
    for (const [i, flight] of data.entries()) {
      const life = lifeOf(i, flight)
      expect(life[0]).toEqual({ at: flight.departsAt - AHEAD, change: { kind: 'insert', id: i, flight } })
      expect(life.map(({ at }) => at)).toEqual(life.map(({ at }) => at).sort((a, b) => a - b))
      const last = life.at(-1)?.change
      if (last?.kind === 'delete') cancelled++
      else expect(last).toEqual({ kind: 'update', id: i, delay: flight.delay, status: 'departed' })
    }
    expect(cancelled).toBeGreaterThan(0)
    expect(cancelled).toBeLessThan(data.length / 20)
  })
})
