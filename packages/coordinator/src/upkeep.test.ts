import { expect, test } from 'vitest'
import { World } from './loop-world.fixture.ts'

test('what a process left behind is removed within a minute, and not looked for while nothing is committed', async () => {
  const world = new World({ a: { reads: ['t'] } })
  const { clock } = world
  const { stop } = world.start()
  world.leftovers.push('the replication slot s')
  await clock.advance(61_000)
  const cleared = () => world.events.filter(({ kind }) => kind === 'cleared')
  expect(cleared()).toEqual([{ kind: 'cleared', what: 'the replication slot s' }])
  world.leftovers.push('the publication p')
  await clock.advance(120_000)
  expect(cleared()).toHaveLength(1)
  world.commit('elsewhere')
  await clock.advance(61_000)
  expect(cleared()).toHaveLength(2)
  await stop()
})

/** With so much history past its time, and the turn of its first ten batches over. */
async function pruning(rows: number) {
  const world = new World({ a: { reads: ['t'] } })
  const running = world.start()
  await world.clock.advance(1_000)
  Object.assign(world, { history: rows, pruneMs: 100 })
  world.commit('t')
  await world.clock.advance(60_000)
  return { world, ...running }
}

test('history goes in bounded batches, ten in a row, and then they rest for twenty times as long', async () => {
  const { world, stop } = await pruning(112_000)
  await world.clock.advance(60_000)
  expect(world.prunes).toHaveLength(23)
  const pauses = world.prunes.slice(1).map((at, i) => at - (world.prunes[i] ?? at))
  expect(pauses.slice(0, 9)).toEqual(Array.from({ length: 9 }, () => 100))
  expect(pauses[9]).toBeGreaterThanOrEqual(20_000)
  expect(pauses[9]).toBeLessThan(25_000)
  expect(world.history).toBe(0)
  expect(world.events.flatMap((event) => (event.kind === 'pruned' ? [event.rows] : []))).toEqual([
    50_000, 50_000, 12_000,
  ])
  await world.clock.advance(120_000)
  expect(world.prunes).toHaveLength(23)
  await stop()
})

test('who drains does not wait for history: the batch that runs is canceled, and no other begun', async () => {
  const { world } = await pruning(1_000_000)
  const before = world.prunes.length
  while (world.prunes.length % 10 !== 3) await world.clock.advance(50)
  const left = world.history
  world.abort()
  await world.clock.advance(5_000)
  expect(world.prunes.length).toBeGreaterThan(before)
  expect(world.prunes.length % 10).toBe(3)
  expect(world.history).toBe(left)
  expect(world.events.filter(({ kind }) => kind === 'upkeep_failed')).toEqual([])
})
