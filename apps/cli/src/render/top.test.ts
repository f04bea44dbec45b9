import picocolors from 'picocolors'
import { describe, expect, it } from 'vitest'
import { NOW, refreshOf, statusOf } from './status.fixture.ts'
import { rates, topScreen, type Sample } from './top.ts'

const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000)
const entry = (refreshId: string, seconds: number) => refreshOf({ refreshId, finishedAt: at(seconds) })

const earlier: Sample = { at: NOW, tables: [statusOf()], history: [entry('7', -1)] }
const later: Sample = {
  at: at(2),
  tables: [statusOf()],
  history: [entry('9', 1.5), entry('8', 1), entry('7', -1), entry('3', -60)],
}

describe('top', () => {
  it('counts each refresh since the last sample once, per second', () => {
    expect(Object.fromEntries(rates(earlier, later))).toEqual({
      'public.daily': { refreshes: 1, changes: 20, rows: 5 },
    })
  })

  it('has no rates at first', () => {
    expect(rates(null, later).size).toBe(0)
    expect(rates(later, later).size).toBe(0)
  })

  it('draws a screen that fits', () => {
    const plain = picocolors.createColors(false)
    expect(topScreen(earlier, later, 24, plain)).toMatchInlineSnapshot(`
      "freshet top  04:05:12 UTC  1 stream table  ·  0 pending, 0 failing  ·  1.0 refreshes/s, 20 changes/s, 5.0 rows/s

      STREAM TABLE  STATUS  FRESHNESS  PENDING  REFRESH/S  CHANGES/S  ROWS/S      P50    P99   ROWS
      public.daily  active  fresh            0        1.0         20     5.0  0.80 ms  12 ms  1,234

      q quits"
    `)
    expect(topScreen(earlier, later, 3, plain).split('\n')).toHaveLength(3)
  })
})
