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
