import { describe, expect, it } from 'vitest'
import { paperTerminal } from '../terminal.fixture.ts'
import { progressLine, progressMeter } from './progress.ts'

const step = (rows: number) => ({ phase: 'fill' as const, message: 'reading', rows, expectedRows: 3000 })

describe('progress', () => {
  it('tells rows so far, rows expected and the share', () => {
    expect(progressLine(step(1500))).toBe('fill: reading  1,500 of about 3,000 rows (50 %)')
    expect(progressLine(step(4000))).toContain('(100 %)')
    expect(progressLine({ phase: 'capture', message: 'public.orders' })).toBe('capture: public.orders')
  })

  it('writes a line for each phase, and at most one a second inside it, without a terminal', () => {
    const { terminal, written } = paperTerminal()
    let clock = 0
    const meter = progressMeter(terminal.err, () => clock)
    meter.step({ phase: 'capture', message: 'public.orders' })
    meter.step(step(1))
    clock = 999
    meter.step(step(2))
    clock = 1000
    meter.step(step(3))
    meter.step({ phase: 'done', message: '' })
    meter.end()
    expect(written.err.split('\n').map((line) => line.replace(/ of .*/, ''))).toEqual([
      'capture: public.orders',
      'fill: reading  1',
      'fill: reading  3',
      '',
    ])
  })

  it('changes one line in place on a terminal, and leaves it empty', () => {
    const { terminal, written } = paperTerminal({ isTTY: true })
    const meter = progressMeter(terminal.err)
    meter.step({ phase: 'capture', message: 'x'.repeat(200) })
    meter.end()
    const wipe = '\r\u001B[2K'
    expect(written.err).toBe(`${wipe}capture: ${'x'.repeat(70)}${wipe}`)
  })
})
