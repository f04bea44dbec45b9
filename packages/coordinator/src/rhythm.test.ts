import { parseSchedule, type Schedule } from '@freshet/core'
import { describe, expect, test } from 'vitest'
import type { CatalogTable } from './catalog.ts'
import { dependencyGraph } from './graph.ts'
import { firstTurn, nextBeat, nextTurn, type Plan, plansOf, type Rhythm, wasItsTurn } from './rhythm.ts'

/** The loop's clock shows 0 at midnight. */
const ORIGIN = Date.UTC(2026, 0, 5)
const HOUR = 3_600_000

function rhythm(...schedules: string[]): Rhythm {
  const parsed = schedules.map(parseSchedule)
  const durations = parsed.flatMap((each) => (each.kind === 'every' ? [each.ms] : []))
  return {
    everyMs: durations[0] ?? null,
    crons: parsed.flatMap((each) => (each.kind === 'cron' ? [each.cron] : [])),
  }
}

describe('calculated', () => {
  /** `schedule < what it reads`. */
  function plans(specs: Readonly<Record<string, string>>): Record<string, Plan> {
    const names = Object.keys(specs)
    const rows = names.map((name, id) => {
      const [schedule = '', reads = ''] = (specs[name] ?? '').split('<')
      return { id, name, schedule: parseSchedule(schedule) satisfies Schedule, reads: reads.split(' ').filter(Boolean) }
    })
    const graph = dependencyGraph(rows.map((row) => ({ ...row, reads: row.reads.map((name) => names.indexOf(name)) })))
    const tables = rows.map(({ id, name, schedule }): CatalogTable => ({
      id,
      name,
      schedule,
      scheduleError: null,
      slaMs: null,
      tier: 'hot',
      unit: null,
      effectiveMode: 'differential',
      status: 'active',
      reinitialize: false,
      gated: false,
      consecutiveErrors: 0,
      ageMs: null,
      sources: [],
      output: null,
    }))
    return Object.fromEntries([...plansOf(tables, graph)].map(([id, plan]) => [names[id] ?? '', plan]))
  }

  test('is the tightest of its dependants, through others that are calculated', () => {
    const found = plans({ base: 'calculated', mid: 'calculated < base', slow: '1m < mid', quick: '5s < mid' })
    expect(found['base']).toEqual({ kind: 'rhythm', ...rhythm('5s') })
    expect(found['mid']).toEqual(found['base'])
    expect(plans({ base: 'calculated', a: '1m < base', b: 'live < base' })['base']).toEqual({ kind: 'live' })
  })

  test('comes at every firing of its dependants', () => {
    const found = plans({
      base: 'calculated',
      a: 'cron: 0 18 * * * < base',
      b: 'cron: 0 6 * * * < base',
      c: 'cron: 0 6 * * * < base',
      d: '1h < base',
    })
    expect(found['base']).toEqual({ kind: 'rhythm', ...rhythm('1h', 'cron: 0 18 * * *', 'cron: 0 6 * * *') })
  })

  test('is manual where nobody reads it, or only manual ones do', () => {
    expect(plans({ base: 'calculated' })['base']).toEqual({ kind: 'manual' })
    expect(plans({ base: 'calculated', a: 'manual < base' })['base']).toEqual({ kind: 'manual' })
  })
})

describe('turns', () => {
  const daily = rhythm('cron: 0 6 * * *')

  test('a firing is not counted twice, though a clock is a little behind', () => {
    expect(nextTurn(daily, 0, 5 * HOUR, ORIGIN)).toBe(6 * HOUR)
    expect(nextTurn(daily, 6 * HOUR, 6 * HOUR, ORIGIN)).toBe(30 * HOUR)
    expect(nextTurn(daily, 6 * HOUR - 20, 6 * HOUR - 20, ORIGIN)).toBe(30 * HOUR)
    expect(nextTurn(daily, 6 * HOUR, 5 * HOUR, ORIGIN)).toBe(6 * HOUR)
  })

  test('the nearest of several', () => {
    expect(nextTurn(rhythm('4h', 'cron: 0 6 * * *'), 4 * HOUR, 4 * HOUR, ORIGIN)).toBe(6 * HOUR)
    expect(nextTurn(rhythm('4h', 'cron: 0 6 * * *'), 6 * HOUR, 6 * HOUR, ORIGIN)).toBe(10 * HOUR)
  })

  test('after a start, a firing that nobody made use of is made up for', () => {
    expect(firstTurn(daily, HOUR, 5 * HOUR, ORIGIN)).toBe(6 * HOUR)
    expect(firstTurn(daily, HOUR, 6.5 * HOUR, ORIGIN)).toBe(6.5 * HOUR)
    expect(firstTurn(daily, 0.5 * HOUR, 7 * HOUR, ORIGIN)).toBe(30 * HOUR)
    expect(firstTurn(rhythm('2h'), 0.5 * HOUR, 7 * HOUR, ORIGIN)).toBe(8.5 * HOUR)
  })

  test('a refresh by another scheduler, a moment before or after the firing, is that of the firing', () => {
    expect(wasItsTurn(daily, 30, 6 * HOUR + 50, ORIGIN)).toBe(true)
    expect(wasItsTurn(daily, 80, 6 * HOUR + 50, ORIGIN)).toBe(true)
    expect(wasItsTurn(daily, 2_000, 6 * HOUR + 50, ORIGIN)).toBe(false)
    expect(wasItsTurn(rhythm('1s'), 900, 5_000, ORIGIN)).toBe(true)
    expect(wasItsTurn(rhythm('1s'), 1_100, 5_000, ORIGIN)).toBe(false)
  })
})

test.each([
  [100, 50, 99, 100],
  [100, 50, 100, 150],
  [100, 50, 149, 150],
  [100, 50, 1_010, 1_050],
])('nextBeat from %d every %d at %d is %d', (planned, every, now, next) => {
  expect(nextBeat(planned, every, now)).toBe(next)
})
