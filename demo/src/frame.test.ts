import { describe, expect, it } from 'vitest'
import { parseCsv } from './csv.ts'
import { COLORS, frame, logLine, type Moment, PLAIN } from './frame.ts'
import { readOptions } from './options.ts'
import { cut } from './screen.ts'
import { percentile, tally } from './tally.ts'

function moment(): Moment {
  let time = 0
  const watched = tally(() => time)
  time = 1_000
  watched.committed([{ inserts: 30, updates: 10, deletes: 2 }], true)
  watched.visibleAfter(12)
  watched.visibleAfter(340)
  return {
    dashboard: 'http://127.0.0.1:8710',
    seconds: 1,
    endsAfter: 20,
    flightTime: Date.UTC(2001, 0, 3, 4, 20),
    flights: 34_000,
    flightsOfData: 231_083,
    writers: 4,
    total: watched.total,
    recent: watched.recent(),
    tables: [
      {
        name: 'network',
        mode: 'differential',
        schedule: 'live',
        rows: 1,
        refreshes: 7,
        changeRows: 42,
        error: null,
        perSecond: 7,
        durations: [1, 2, 3],
        waits: [10, 20, 30],
      },
    ],
    warnings: [],
  }
}

describe('the live view', () => {
  it('says how much is written and how fresh the answers are', () => {
    expect(frame(moment(), PLAIN).join('\n')).toMatchInlineSnapshot(`
      "Freshet · US flights replayed · 19 s left
      dashboard    http://127.0.0.1:8710

      flight time  2001-01-03 04:20   34,000 of 231,083 flights
      writes       42 rows/s   insert 30 · update 10 · delete 2 a second
                   4 writers, 1 transactions/s; so far 1, 1 of them long, and 0 rolled back
      refreshes    0 /s   so far 0, none failed
      freshness    p50 12 ms   p99 340 ms   COMMIT to visible in departures_board, 2 probes

      stream table  mode          schedule  rows  refreshes/s  each takes  lag p50  lag p99
      network       differential  live         1          7.0      2.0 ms    20 ms    30 ms"
    `)
    expect(logLine(moment())).toMatchInlineSnapshot(
      `"   1 s  2001-01-03 04:20  42 rows/s written, 0 refreshes/s, 0 failed; commit to visible p50 12 ms, p99 340 ms"`,
    )
  })

  it('shows why a table fails', () => {
    const failing = { ...moment(), tables: moment().tables.map((table) => ({ ...table, error: 'QUERY_FAILED: no' })) }
    expect(frame(failing, PLAIN)).toContain('network: QUERY_FAILED: no')
    expect(logLine(failing)).toContain('network: QUERY_FAILED: no')
  })

  it('cuts lines at the width of the terminal, not counting colours', () => {
    expect(cut(`${COLORS.bold('Freshet')} · flights`, 9)).toBe(`${COLORS.bold('Freshet')} ·`)
    expect(cut('short', 9)).toBe('short')
  })
})

describe('figures', () => {
  it('forgets what is older than its window', () => {
    let time = 0
    const watched = tally(() => time)
    watched.committed([{ inserts: 100, updates: 0, deletes: 0 }], false)
    time = 2_000
    expect(watched.recent().insertsPerSecond).toBe(50)
    time = 8_000
    expect(watched.recent().insertsPerSecond).toBe(0)
    expect(watched.total.inserts).toBe(100)
  })

  it('takes percentiles by rank', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i)
    expect([0.5, 0.99, 1].map((part) => percentile(values, part))).toEqual([50, 99, 100])
    expect(percentile([], 0.5)).toBeNull()
  })
})

describe('input', () => {
  it('reads quoted fields', () => {
    expect(parseCsv('iata,name,state\nBTR,"Baton Rouge, ""Ryan""",LA\nX,,Y\n')).toEqual([
      { iata: 'BTR', name: 'Baton Rouge, "Ryan"', state: 'LA' },
      { iata: 'X', name: '', state: 'Y' },
    ])
  })

  it('takes numbers from the environment, and says what it can not take', () => {
    expect(readOptions({})).toEqual({ seconds: null, rowsPerSecond: 1_000 })
    expect(readOptions({ FRESHET_DEMO_SECONDS: '0.5', FRESHET_DEMO_RATE: '50' })).toEqual({
      seconds: 0.5,
      rowsPerSecond: 50,
    })
    expect(() => readOptions({ FRESHET_DEMO_SECONDS: 'soon' })).toThrow('FRESHET_DEMO_SECONDS can not be soon')
    expect(() => readOptions({ FRESHET_DEMO_RATE: '-1' })).toThrow('FRESHET_DEMO_RATE can not be -1')
  })
})
