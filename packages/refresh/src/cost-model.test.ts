import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { observations } from './cost-model.fixture.ts'
import {
  answerCosts,
  enoughToCount,
  estimateDelta,
  estimateFull,
  learn,
  NO_EXPERIENCE,
  type Observation,
} from './cost-model.ts'

const delta = (changeRows: number, ms: number): Observation => ({ action: 'differential', changeRows, ms })
const full = (ms: number, sourceRows: number | null = null): Observation => ({
  action: 'full',
  ms,
  sourceRows,
  preferredAt: null,
})
const after = (...seen: readonly Observation[]) => seen.reduce(learn, NO_EXPERIENCE)
const estimate = (seen: readonly Observation[], changeRows: number, sourceRows = 1_000_000) =>
  estimateDelta(after(...seen), { changeRows, sourceRows, sources: 1 })

describe('a full refresh', () => {
  test('is unknown before there was one', () => {
    expect(estimateFull(NO_EXPERIENCE, 1_000)).toBeNull()
    expect(estimateFull(after(delta(10, 5)), 1_000)).toBeNull()
  })

  test('takes as long as the last ones did, whatever one of them took', () => {
    expect(estimateFull(after(full(100), full(9_000), full(110), full(105)), 0)).toBe(105)
  })

  test('takes some of the time of the fill, until one was measured', () => {
    const fill: Observation = { action: 'fill', ms: 100, sourceRows: 1_000 }
    expect(estimateFull(after(fill), 2_000)).toBeCloseTo(120)
    expect(estimateFull(after(full(300, 1_000), fill), 1_000)).toBe(300)
  })

  test('takes a little longer than a trial of its query, which replaces the guess', () => {
    const fill: Observation = { action: 'fill', ms: 100, sourceRows: 1_000 }
    const trial: Observation = { action: 'trial', ms: 10, sourceRows: 1_000, finished: true, answerOnly: false }
    expect(estimateFull(after(fill, trial), 1_000)).toBeCloseTo(12)
    expect(estimateFull(after(fill, { ...trial, finished: false }), 1_000), 'given up').toBeCloseTo(60)
    const alone = after(fill, { ...trial, answerOnly: true })
    expect(estimateFull(alone, 1_000), 'of the answer alone').toBeCloseTo(12)
    expect(answerCosts(alone, 1_000)?.filledMs, 'of all state').toBeCloseTo(60)
  })

  test('of the answer alone is tried a second time, unless it took more than twice as long', () => {
    const alone = (ms: number) => ({ ...full(ms), answerOnly: true }) as const
    expect(answerCosts(after(full(55), alone(84)), 0)).toEqual({ answerMs: 42, filledMs: 55 })
    expect(answerCosts(after(full(55), alone(84), alone(33)), 0)).toEqual({ answerMs: 33, filledMs: 55 })
    expect(answerCosts(after(full(55), alone(84), alone(90)), 0)).toEqual({ answerMs: 84, filledMs: 55 })
  })

  test('takes longer as the sources grow', () => {
    expect(estimateFull(after(full(100, 1_000)), 5_000)).toBe(500)
    expect(estimateFull(after(full(100, 0)), 5_000), 'no statistics then').toBe(100)
    expect(estimateFull(after(full(100, 1_000)), 0), 'no statistics now').toBe(100)
  })

  test('is forgotten after five others', () => {
    expect(estimateFull(after(full(1), full(1), ...Array.from({ length: 5 }, () => full(80))), 0)).toBe(80)
  })
})

describe('change rows are counted', () => {
  test.each<[string, readonly Observation[], number | null]>([
    ['all, while nothing is known', [], null],
    ['all, where nobody counted the sources', [full(100)], null],
    ['until a differential refresh surely takes longer', [full(100, 1_000_000), delta(4_096, 100)], 16_384],
    ['a few always', [full(100, 1_000_000), delta(16, 500)], 1_024],
    [
      'all, where a differential refresh is the faster whatever comes',
      [full(100, 1_000_000), delta(100_000, 10)],
      null,
    ],
  ])('%s', (_, seen, expected) => {
    expect(enoughToCount(after(...seen), 1)).toBe(expected)
  })
})

describe('a differential refresh', () => {
  test('is guessed by the sizes before there was one: more tables, more work', () => {
    expect(estimate([], 1_000)).toBeNull()
    expect(estimate([full(1_000)], 1_000)).toBeCloseTo(6)
    const joined = { changeRows: 1_000, sourceRows: 1_000_000, sources: 4 }
    expect(estimateDelta(after(full(1_000)), joined)).toBeCloseTo(24)
  })

  test('takes what it took when as many changes came', () => {
    expect(estimate([delta(1_000, 50)], 1_000)).toBeCloseTo(50)
    expect(estimate([delta(1_000, 50), delta(1_010, 4_000), delta(990, 52)], 1_000)).toBeCloseTo(52, 0)
  })

  test('ten times the changes are expected to take four times as long', () => {
    expect(estimate([delta(1_000, 50)], 10_000)).toBeCloseTo(199, 0)
    expect(estimate([delta(1_000, 50)], 100)).toBeCloseTo(12.6, 1)
  })

  test('between two sizes it takes something between', () => {
    const between = estimate([delta(100, 10), delta(10_000, 1_000)], 1_000) ?? 0
    expect(between).toBeGreaterThan(50)
    expect(between).toBeLessThan(200)
  })

  test('a larger one that took less is pooled with the smaller ones', () => {
    const seen = [delta(100, 50), delta(100, 50), delta(100, 50), delta(10_000, 10)]
    expect(estimate(seen, 100)).toBeCloseTo(estimate(seen, 10_000) ?? 0, 0)
    expect(estimate(seen, 100)).toBeGreaterThan(30)
  })

  test('never takes less for more changes', () => {
    const sizes = fc.double({ min: 1, max: 1e9, noNaN: true })
    fc.assert(
      fc.property(observations, sizes, sizes, fc.integer({ min: 1, max: 1e8 }), (seen, a, b, rows) => {
        const [fewer, more] = [Math.min(a, b), Math.max(a, b)].map((n) => estimate(seen, n, rows))
        expect((more ?? 0) - (fewer ?? 0)).toBeGreaterThanOrEqual(-1e-9 * (fewer ?? 0))
        expect(fewer === null).toBe(more === null)
      }),
    )
  })
})
