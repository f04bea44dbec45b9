import { FreshetError } from '@freshet/core'
import { expect, test } from 'vitest'
import { started } from './loop-world.fixture.ts'

const DIAMOND = {
  a: { reads: ['t'], unit: 1 },
  b: { reads: ['t', 'u'], unit: 1 },
  d: { reads: ['a', 'b'], unit: 1 },
  reader: { reads: ['d'] },
} as const

test('a unit is refreshed once for all of its members, and whoever reads it follows', async () => {
  const { world, clock, loop, names, stop } = await started(DIAMOND)
  world.commit('t')
  await clock.advance(1_000)
  expect(names().replaceAll(/[abd] /g, 'unit ')).toBe('unit reader')
  expect([...loop.state.pending]).toEqual([])
  world.commit('u')
  await clock.advance(1_000)
  expect(names().split(' ').slice(2).join(' ')).toBe('b reader')
  const refreshed = world.events.flatMap((event) => (event.kind === 'refreshed' ? event.table.name : []))
  expect(refreshed.sort()).toEqual(['a', 'a', 'b', 'b', 'd', 'd', 'reader', 'reader'])
  await stop()
})

test('a unit takes one of the refreshes that may run at once', async () => {
  const { world, clock, loop, stop } = await started(
    {
      a: { reads: ['t'], unit: 1, takesMs: 100 },
      b: { reads: ['t'], unit: 1, takesMs: 100 },
      other: { reads: ['t'], takesMs: 100 },
    },
    { max_concurrent_refreshes: 2 },
  )
  world.commit('t')
  await clock.advance(50)
  expect(new Set(loop.state.running.keys())).toEqual(new Set([1, 2, 3]))
  await stop()
})

test('the member that failed is blamed, none is refreshed meanwhile, and suspended it holds the others', async () => {
  const { world, clock, names, stop } = await started(DIAMOND, { max_consecutive_errors: 2 })
  world.faults.set('b', new FreshetError('QUERY_FAILED', 'division by zero', { streamTable: 2 }))
  world.commit('t')
  await clock.advance(5_000)
  expect(names().split(' ')).toHaveLength(2)
  expect([world.table('a').status, world.table('b').status]).toEqual(['active', 'suspended'])
  world.faults.clear()
  world.change('b', { status: 'active', errors: 0, retryAt: 0 })
  await clock.advance(4_000)
  expect(world.table('a').pending || world.table('b').pending).toBe(false)
  await stop()
})

const CHAIN = { a: { reads: ['t'] }, b: { reads: ['a'] }, c: { reads: ['b'] }, d: { reads: ['c'] } } as const

test('a chain is refreshed by one refresh where the refresher takes the rest along', async () => {
  const { world, clock, loop, names, stop } = await started(CHAIN)
  world.grouping = true
  for (let round = 0; round < 3; round++) {
    world.commit('t')
    await clock.advance(1_000)
  }
  // the first time, nobody knows how quick they are
  expect(names()).toBe('a b c d a a')
  expect([...loop.state.pending]).toEqual([])
  expect(world.events.filter(({ kind }) => kind === 'refreshed')).toHaveLength(12)
  await stop()
})

test('and link by link where it does not; who failed holds nobody above it', async () => {
  const { world, clock, names, stop } = await started(CHAIN)
  world.commit('t')
  await clock.advance(1_000)
  expect(names()).toBe('a b c d')
  world.faults.set('c', new FreshetError('QUERY_FAILED', 'division by zero'))
  world.commit('t')
  await clock.advance(50)
  expect(names()).toBe('a b c d a b c')
  // it rests: what comes along ends before it
  world.grouping = true
  world.commit('t')
  await clock.advance(50)
  expect(names()).toBe('a b c d a b c a')
  expect(world.table('b').pending).toBe(false)
  await stop()
})
