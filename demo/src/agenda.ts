import type { Flight } from './flights.ts'
import { AHEAD, type Change, lifeOf, type Step } from './life.ts'

/**
 * What is to be written next, for any number of writers. Every flight has at most one change outside at a time: its next
 * one is not given out before `done` says that this one was committed. So writers never meet on a row, and a change
 * that was rolled back is simply given back.
 *
 * When the data ends it begins again, fifteen days later by the calendar, and as each flight comes the one that it
 * repeats is removed: the demo may run for days, and its tables stay as large as they are.
 */
export interface Errand {
  readonly change: Change
  readonly steps: readonly Step[]
  readonly index: number
}

export interface Agenda {
  /** The time of the flights. */
  readonly now: number
  /** Flights that have appeared. */
  readonly flights: number
  /** The next changes in the order in which they happen. */
  take(count: number): Errand[]
  /** The next flight that appears, alone. */
  takeFlight(): Errand
  done(errands: readonly Errand[]): void
  giveBack(errands: readonly Errand[]): void
}

const DAY = 86_400_000

/** `first`: how many flights the tables hold already. */
export function agenda(data: readonly Flight[], first: number): Agenda {
  const waiting: Errand[] = [] // the earliest last
  let next = first
  let now = -Infinity

  const put = (errand: Errand) => {
    const at = timeOf(errand)
    let low = 0
    let high = waiting.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (timeOf(waiting[middle]) > at) low = middle + 1
      else high = middle
    }
    waiting.splice(low, 0, errand)
  }
  const appear = (): Errand => {
    const id = next + 1
    const steps = lifeOf(id, flightAt(data, next))
    next++
    now = Math.max(now, steps[0].at)
    if (id > data.length) put(removal(id - data.length, steps[0].at))
    return { change: steps[0].change, steps, index: 0 }
  }
  const takeOne = (): Errand => {
    const appearsAt = flightAt(data, next).departsAt - AHEAD
    const last = waiting.at(-1)
    if (last === undefined || timeOf(last) > appearsAt) return appear()
    waiting.pop()
    now = Math.max(now, timeOf(last))
    return last
  }

  return {
    get now() {
      return now
    },
    get flights() {
      return next
    },
    take: (count) => Array.from({ length: count }, takeOne),
    takeFlight: appear,
    done: (errands) => {
      for (const { steps, index } of errands) {
        const step = steps[index + 1]
        if (step !== undefined) put({ change: step.change, steps, index: index + 1 })
      }
    },
    giveBack: (errands) => {
      for (const errand of errands) put(errand)
    },
  }
}

/** The data over and over, each time moved on by the whole days that it spans. */
export function flightAt(data: readonly Flight[], index: number): Flight {
  const flight = data[index % data.length]
  const [first, last] = [data[0], data.at(-1)]
  if (flight === undefined || first === undefined || last === undefined) throw new RangeError('there are no flights')
  const span = Math.ceil((last.departsAt - first.departsAt + 1) / DAY) * DAY
  return { ...flight, departsAt: flight.departsAt + Math.floor(index / data.length) * span }
}

function removal(id: number, at: number): Errand {
  const change = { kind: 'delete', id } as const
  return { change, steps: [{ at, change }], index: 0 }
}

function timeOf(errand: Errand | undefined): number {
  return errand?.steps[errand.index]?.at ?? -Infinity
}
