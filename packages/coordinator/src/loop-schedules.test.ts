import { describe, expect, test } from 'vitest'
import { started } from './loop-world.fixture.ts'

/** To whole milliseconds. */
function rounded(starts: readonly string[]): string[] {
  return starts.map((start) => start.replace(/\.\d+/, ''))
}

describe('schedules', () => {
  test('a duration is a rhythm, and without changes nothing is refreshed', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'], schedule: '2s' } })
    await clock.advance(9_500) // at 10.5 s; beats at 0, 2, 4, …
    expect(world.starts).toEqual([])
    world.commit('t')
    await clock.advance(6_000)
    expect(world.starts).toEqual(['12000 a'])
    await stop()
  })

  test('however often the source changes, it is refreshed once a beat', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'], schedule: '500ms' } })
    for (let i = 0; i < 205; i++) {
      world.commit('t')
      await clock.advance(10)
    }
    const beats = world.starts.map((start) => Math.floor(Number(start.split(' ')[0]) / 10) * 10)
    expect(beats).toEqual([1_500, 2_000, 2_500, 3_000])
    await stop()
  })

  test('a cron pattern comes once, at its moment, and what it reads just before it', async () => {
    const { world, clock, stop } = await started({
      base: { reads: ['t'], schedule: 'calculated' },
      middle: { reads: ['base'], schedule: 'calculated' },
      report: { reads: ['middle', 'u'], schedule: 'cron: 1 0 * * *' },
      ticker: { reads: ['u'] },
    })
    world.commit('t')
    await clock.advance(30_000)
    world.commit('t')
    expect(world.starts).toEqual([])
    await clock.advance(40_000)
    expect(rounded(world.starts)).toEqual(['60000 base', '60003 middle', '60006 report'])
    world.commit('t')
    world.commit('u')
    await clock.advance(10_000)
    expect(world.starts.slice(3).map((start) => start.split(' ')[1])).toEqual(['ticker'])
    await stop()
  })

  test('a calculated table is as live as the one that reads it', async () => {
    const { world, clock, stop, names } = await started({
      base: { reads: ['t'], schedule: 'calculated' },
      report: { reads: ['base'], schedule: '1h' },
    })
    world.commit('t')
    await clock.advance(5_000)
    expect(names()).toBe('')
    world.change('report', { schedule: 'live' })
    await clock.advance(2_000)
    expect(names()).toBe('base report')
    await stop()
  })

  test('a beat is not over before what it reads is refreshed, however long that takes', async () => {
    const { world, clock, stop } = await started({
      base: { reads: ['t'], schedule: '10s', takesMs: 4_000 },
      report: { reads: ['base'], schedule: '10s' },
    })
    world.commit('t')
    await clock.advance(15_000)
    expect(rounded(world.starts)).toEqual(['10000 base', '14000 report'])
    await stop()
  })

  test('an uncaptured source is refreshed by the clock alone', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['f'], schedule: '1s', uncaptured: true } })
    const before = world.starts.length
    await clock.advance(10_000)
    expect(world.starts.length - before).toBe(10)
    await stop()
  })

  test('a timed refresh that another scheduler has just made is left out', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['f'], schedule: '1s', uncaptured: true } })
    const before = world.starts.length
    for (let i = 0; i < 10; i++) {
      world.change('a', { refreshedAt: clock.now() })
      await clock.advance(900)
    }
    expect(world.starts.length - before).toBe(0)
    await stop()
  })

  test('a live table rests as long as its refresh took', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'], takesMs: 100 } })
    for (let i = 0; i < 200; i++) {
      world.commit('t')
      await clock.advance(10)
    }
    expect(world.starts.length).toBeGreaterThanOrEqual(9)
    expect(world.starts.length).toBeLessThanOrEqual(11)
    await stop()
  })
})
