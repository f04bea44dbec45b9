import { expect, test } from 'vitest'
import { paced, type Pacing, UNPACED } from './pace.ts'

const PACE = { minMs: 5, maxMs: 50 }

/** The pauses after looks in vain that each took so long. */
function pauses(looks: number, tookMs: number, from: Pacing = UNPACED): number[] {
  const found: number[] = []
  let now = 0
  let pacing = from
  for (let i = 0; i < looks; i++) {
    pacing = paced(PACE, pacing, false, tookMs, now)
    found.push(pacing.pauseMs)
    now += pacing.pauseMs + tookMs
  }
  return found
}

test('work sets the fastest pace at once', () => {
  expect(paced(PACE, { pauseMs: 50, paidAt: 0 }, true, 1, 0).pauseMs).toBe(5)
  expect(paced(PACE, { pauseMs: 50, paidAt: 0 }, true, 12, 0).pauseMs).toBe(12)
})

test('without work it slows down to the slowest, and stays there', () => {
  expect(pauses(8, 0.2)).toEqual([7.5, 11.25, 16.875, 25.3125, 37.96875, 50, 50, 50])
})

test('looks in vain that take long are paid for by longer rests, within bounds', () => {
  const share = (looks: number, tookMs: number) =>
    (looks * tookMs) / pauses(looks, tookMs).reduce((sum, pause) => sum + pause + tookMs, 0)
  expect(share(1_000, 4)).toBeLessThan(0.051)
  expect(share(1_000, 10)).toBeLessThan(0.051)
  expect(Math.max(...pauses(100, 1_000))).toBe(200)
})

test('one that took long comes alone: the next look is soon', () => {
  const once = paced(PACE, { pauseMs: 50, paidAt: -Infinity }, false, 10, 0)
  expect(once.pauseMs).toBe(50)
  const often = [1, 2, 3, 4].reduce((pacing, i) => paced(PACE, pacing, false, 10, i * 60), once)
  expect(often.pauseMs).toBeGreaterThan(100)
  // it is paid for after a while, or forgiven for work
  expect(paced(PACE, often, false, 10, 2_000).pauseMs).toBe(50)
  const worked = paced(PACE, often, true, 10, 300)
  expect(paced(PACE, worked, false, 10, 310).pauseMs).toBe(15)
})
