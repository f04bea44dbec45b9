import { DEFAULT_SETTINGS } from '@freshet/core'
import { expect, test } from 'vitest'
import { started } from './loop-world.fixture.ts'

test('a warm or cold table keeps its rhythm, stretched', async () => {
  const { world, clock, stop } = await started({
    hot: { reads: ['t'], schedule: '500ms' },
    warm: { reads: ['t'], schedule: '500ms', tier: 'warm' },
    cold: { reads: ['t'], schedule: '500ms', tier: 'cold' },
  })
  world.grouping = true
  for (let i = 0; i < 1_000; i++) {
    world.commit('t')
    await clock.advance(10)
  }
  await clock.advance(10)
  const refreshed = world.events.flatMap((event) => (event.kind === 'refreshed' ? event.table.name : []))
  const count = (name: string) => refreshed.filter((other) => other === name).length
  expect([count('hot'), count('warm'), count('cold')]).toEqual([20, 10, 2])
  await stop()
})

test('a live one that is warm or cold is asked about every second, or every ten', async () => {
  const { world, clock, stop } = await started({
    warm: { reads: ['t'], tier: 'warm' },
    cold: { reads: ['t'], tier: 'cold' },
  })
  for (let i = 0; i < 3_000; i++) {
    world.commit('t')
    await clock.advance(10)
  }
  const count = (name: string) => world.starts.filter((start) => start.endsWith(` ${name}`)).length
  // thirty seconds
  expect([count('warm'), count('cold')]).toEqual([30, 3])
  await stop()
})

test('a frozen table is not refreshed, holds nobody up, and goes on when it is thawed', async () => {
  const { world, clock, names, stop } = await started({
    frozen: { reads: ['t'], tier: 'frozen' },
    timed: { reads: ['t'], uncaptured: true, schedule: '1s', tier: 'frozen' },
    base: { reads: ['t'], schedule: 'calculated' },
    reader: { reads: ['frozen', 't'] },
    asleep: { reads: ['base'], tier: 'frozen' },
  })
  world.commit('t')
  await clock.advance(60_000)
  expect(names()).toBe('reader')
  world.change('frozen', { tier: 'hot' })
  await clock.advance(4_000)
  expect(names()).toBe('reader frozen reader')
  await stop()
})

test('what is nearest to its deadline is started first, and what it reads before it', async () => {
  const { world, clock, names, stop } = await started({
    patient: { reads: ['t'], takesMs: 50 },
    hurried: { reads: ['t'], takesMs: 50, slaMs: 200 },
    base: { reads: ['t'], takesMs: 50 },
    most: { reads: ['base'], takesMs: 50, slaMs: 100 },
  })
  world.settings = { ...DEFAULT_SETTINGS, max_concurrent_refreshes: 1 }
  world.change('patient', {})
  await clock.advance(4_000)
  world.commit('t')
  await clock.advance(1_000)
  expect(names()).toBe('base most hurried patient')
  await stop()
})
