import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { choose, fewChangesAreSlow, forgoneMsOf, leavesState, trialMs, type Decision } from './choose.ts'
import { observations } from './cost-model.fixture.ts'
import { learn, NO_EXPERIENCE, type Experience, type Observation } from './cost-model.ts'

const delta = (changeRows: number, ms: number): Observation => ({ action: 'differential', changeRows, ms })
const full = (ms: number, preferredAt: number | null = null): Observation => ({
  action: 'full',
  ms,
  sourceRows: 1_000_000,
  preferredAt,
})
const fill = (ms: number): Observation => ({ action: 'fill', ms, sourceRows: 1_000_000 })
const trial = (ms: number, finished = true): Observation => ({
  action: 'trial',
  ms,
  sourceRows: 1_000_000,
  finished,
  answerOnly: true,
})
const after = (...seen: readonly Observation[]) => seen.reduce(learn, NO_EXPERIENCE)
const repeated = (count: number, seen: Observation) => Array.from({ length: count }, () => seen)
const sizes = (changeRows: number, sources = 1) => ({ changeRows, sourceRows: 1_000_000, sources })

describe('AUTO takes', () => {
  test.each<[string, readonly Observation[], number, number, Partial<Decision>]>([
    ['by sizes, few changes of one table', [], 100_000, 1, { action: 'differential', basis: 'sizes', fullMs: null }],
    ['by sizes, many changes of one table', [], 200_000, 1, { action: 'full', basis: 'sizes' }],
    ['by sizes, as many of a join', [], 100_000, 3, { action: 'full', basis: 'sizes' }],
    [
      'the fill as a measure',
      [full(1_000)],
      100_000,
      1,
      { action: 'differential', differentialMs: 600, fullMs: 1_000 },
    ],
    ['what took less', [full(100), delta(50_000, 80)], 50_000, 1, { action: 'differential', basis: 'history' }],
    ['what took less', [full(100), delta(50_000, 120)], 50_000, 1, { action: 'full', basis: 'history' }],
    ['what took less, by a measurement of fewer', [full(100), delta(5_000, 40)], 50_000, 1, { action: 'full' }],
    ['what took less, by a measurement of more', [full(100), delta(50_000, 120)], 5_000, 1, { action: 'differential' }],
    [
      'what takes less by the median, not by one outlier',
      [full(100), delta(5_000, 40), delta(5_000, 9_000), delta(5_000, 45)],
      5_000,
      1,
      { action: 'differential' },
    ],
  ])('%s', (_, seen, changeRows, sources, expected) => {
    const decision = choose(after(...seen), sizes(changeRows, sources))
    expect(decision).toMatchObject({ reason: 'CHEAPER', changeRows, ...expected })
  })

  test('the other kind again, when that costs little beside what was spent since', () => {
    const slow = [full(100), delta(5_000, 200)]
    const tried = (fulls: number) => choose(after(...slow, ...repeated(fulls, full(100, 5_000))), sizes(5_000))
    expect(tried(19)).toMatchObject({ action: 'full', reason: 'CHEAPER' })
    expect(tried(21)).toMatchObject({ action: 'differential', reason: 'EXPLORED' })
  })

  test('a full refresh again, unless it seems much slower', () => {
    const seen = (ms: number) => after(full(ms), ...repeated(100, delta(5_000, 100)))
    expect(choose(seen(150), sizes(5_000))).toMatchObject({ action: 'full', reason: 'EXPLORED' })
    expect(choose(seen(500), sizes(5_000))).toMatchObject({ action: 'differential', reason: 'CHEAPER' })
  })
})

test('more changes never make a differential refresh the better choice', () => {
  const count = fc.integer({ min: 1, max: 1e9 })
  fc.assert(
    fc.property(observations, count, count, (seen, a, b) => {
      const known = settled(after(...seen))
      const [fewer, more] = [Math.min(a, b), Math.max(a, b)].map((n) => choose(known, sizes(n)).action)
      expect([fewer, more]).not.toEqual(['full', 'differential'])
    }),
  )
})

/** What is known, with nothing spent on one kind that would make the other one worth a try. */
function settled(known: Experience): Experience {
  const octaves = [...known.octaves].map(([at, { times }]) => [at, { times, passedOverMs: 0 }] as const)
  return { ...known, octaves: new Map(octaves), differentialMs: 0 }
}

test('however wrong the first differential refresh was, in the long run AUTO costs little more than the better kind', () => {
  const time = fc.double({ min: 1, max: 1_000, noNaN: true })
  fc.assert(
    fc.property(time, time, fc.double({ min: 0.01, max: 100, noNaN: true }), (deltaMs, fullMs, error) => {
      let known = after(full(fullMs), delta(5_000, deltaMs * error))
      let spent = 0
      const rounds = 5_000
      for (let i = 0; i < rounds; i++) {
        const { action } = choose(known, sizes(5_000))
        spent += action === 'full' ? fullMs : deltaMs
        known = learn(known, action === 'full' ? full(fullMs, 5_000) : delta(5_000, deltaMs))
      }
      // 5 % for looking, and once what a wrong estimate costs before it is corrected
      expect(spent).toBeLessThanOrEqual(
        1.06 * rounds * Math.min(deltaMs, fullMs) + 21 * 100 * Math.max(deltaMs, fullMs),
      )
    }),
    { numRuns: 10 },
  )
})

describe('a full refresh of the answer alone', () => {
  const answer = (ms: number, forgoneMs = 0): Observation => ({
    action: 'full',
    ms,
    sourceRows: 1_000_000,
    preferredAt: null,
    answerOnly: true,
    forgoneMs,
  })
  const many = delta(5_000, 200)
  const known = [many, many, full(300), answer(100), full(300), ...repeated(3, delta(1, 20))]

  test('leaves the state behind as soon as keeping it has cost what it costs to fill it', () => {
    // a delta of many takes 100 ms more than the answer, and to fill the state takes 200
    expect(choose(after(...known), sizes(5_000))).toMatchObject({ action: 'differential', reason: 'STATE_KEPT' })
    expect(choose(after(...known, many), sizes(5_000))).toMatchObject({ action: 'full', reason: 'CHEAPER' })
    expect(choose(after(...known, many, delta(1, 20)), sizes(5_000))).toMatchObject({ reason: 'STATE_KEPT' })
    expect(choose(after(...known), sizes(1))).toMatchObject({ action: 'differential', reason: 'CHEAPER' })
  })

  test('is not preferred to one of everything where that costs nothing more', () => {
    const dear = [delta(5_000, 900), delta(5_000, 900), full(300), answer(250), full(300)]
    expect(choose(after(...dear), sizes(5_000))).toMatchObject({ action: 'full', reason: 'CHEAPER' })
    expect(choose(after(...dear, ...repeated(3, delta(1, 20))), sizes(5_000))).toMatchObject({ reason: 'CHEAPER' })
  })

  test('the state is filled again as soon as being without has cost what that costs', () => {
    const left = (...forgone: readonly number[]) =>
      after(...known, delta(4, 10), ...forgone.map((ms) => answer(100, ms)))
    expect(choose(left(0), sizes(4), true)).toMatchObject({ action: 'full', reason: 'CHEAPER' })
    expect(choose(left(0, 90), sizes(4), true)).toMatchObject({ action: 'full', reason: 'CHEAPER' })
    expect(choose(left(0, 90, 90), sizes(4), true)).toMatchObject({ action: 'full', reason: 'STATE_BEHIND' })
    expect(choose(left(0, 90, 90, -500), sizes(4), true)).toMatchObject({ reason: 'CHEAPER' })
    expect(choose(left(0, 90, 90), sizes(5_000), true)).toMatchObject({ reason: 'CHEAPER' })
  })

  test('of a table of which nothing is known is filled', () => {
    expect(choose(NO_EXPERIENCE, sizes(4), true)).toMatchObject({ action: 'full', reason: 'STATE_BEHIND' })
  })

  test('costs at most three times as much as if the future were known', () => {
    const ms = fc.double({ min: 1, max: 1_000, noNaN: true })
    const many = fc.array(fc.boolean(), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(ms, ms, ms, ms, many, (few, more, answerMs, price, future) => {
        const filled = answerMs + price
        const [small, large] = [Math.min(few, more), Math.max(few, more)]
        const took = (isMany: boolean) => (isMany ? large : small)
        // all of it was measured before
        let now = after(full(filled), answer(answerMs), full(filled), delta(4_000, large), delta(4, small))
        let isBehind = false
        let spent = 0
        for (const isMany of future) {
          const decision = choose(now, sizes(isMany ? 4_000 : 4), isBehind)
          const answerOnly = leavesState(decision)
          const cost = decision.action === 'differential' ? took(isMany) : answerOnly ? answerMs : filled
          spent += cost
          now = learn(
            now,
            decision.action === 'differential'
              ? delta(isMany ? 4_000 : 4, cost)
              : answerOnly
                ? answer(cost, forgoneMsOf(decision))
                : full(cost),
          )
          isBehind = answerOnly
        }
        let [best, bestBehind] = [0, Infinity]
        for (const isMany of future) {
          const stays = best + Math.min(took(isMany), filled)
          const gone = Math.min(best, bestBehind) + answerMs
          ;[best, bestBehind] = [Math.min(stays, bestBehind + filled), gone]
        }
        expect(spent).toBeLessThanOrEqual(3 * Math.min(best, bestBehind) + 3 * (price + answerMs + large))
      }),
    )
  })
})

describe('sizes are looked at before a small delta', () => {
  test.each<[string, readonly Observation[], boolean]>([
    ['nothing is known', [], false],
    ['no full refresh was measured', repeated(5, delta(10, 500)), false],
    ['small deltas are fast', [full(100), ...repeated(5, delta(10, 2))], false],
    ['small deltas are slow', [full(20), ...repeated(5, delta(10, 40))], true],
    ['one was slow', [full(20), delta(10, 40)], false],
    ['they are a little slower', [full(20), ...repeated(5, delta(10, 21))], false],
    [
      'large deltas are slow, and the last was small',
      [full(20), ...repeated(3, delta(900, 90)), ...repeated(3, delta(2, 3))],
      false,
    ],
    [
      'the last were full refreshes at a size where deltas are slow',
      [full(20), ...repeated(3, delta(900, 90)), full(20, 900)],
      true,
    ],
  ])('%s', (_, seen, expected) => {
    expect(fewChangesAreSlow(after(...seen), false)).toBe(expected)
  })

  test('small deltas take long enough to find out what a full refresh takes', () => {
    const slow = [fill(2_000), ...repeated(5, delta(10, 500))]
    expect(fewChangesAreSlow(after(...slow), true)).toBe(true)
    expect(fewChangesAreSlow(after(...slow, trial(600)), true), 'which is longer').toBe(false)
    expect(fewChangesAreSlow(after(...slow, trial(40)), true), 'which is shorter').toBe(true)
  })
})

describe('the query is tried for its time', () => {
  // in the middle of an octave, so that times stay what they are
  const [SOME, MORE] = [2 ** 11.5, 2 ** 15.5]
  test.each<[string, readonly Observation[], number | null, number | null]>([
    ['nothing is known', [], 100, null],
    ['no delta was measured', [fill(1_000)], 100, null],
    ['deltas are fast', [fill(1_000), delta(10, 4)], 4, null],
    ['deltas take a small share of it, whatever it is', [fill(10_000), delta(10, 200)], 200, null],
    ['deltas may be slower', [fill(1_000), delta(SOME, 200)], 200, 200],
    ['more is expected than was ever seen', [fill(1_000), delta(SOME, 200)], 900, 200],
    ['it was tried', [fill(1_000), delta(SOME, 200), trial(50)], 200, null],
    ['the answer alone was never computed', [full(900), delta(SOME, 200)], 200, 200],
    ['it was given up', [fill(1_000), delta(SOME, 200), trial(200, false)], 200, null],
    [
      'it was given up, and deltas have become much slower',
      [fill(1_000), delta(SOME, 200), trial(200, false), delta(MORE, 900)],
      900,
      900,
    ],
  ])('%s', (_, seen, differentialMs, expected) => {
    expect(trialMs(after(...seen), differentialMs, true)).toBe(expected)
  })

  test('where a full refresh brings all there is, one that was measured is enough', () => {
    expect(trialMs(after(full(900), delta(SOME, 200)), 200, false)).toBeNull()
  })
})
