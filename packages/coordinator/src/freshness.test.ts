import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bucketOf, freshnessLedger } from './freshness.ts'
import { started } from './loop-world.fixture.ts'
import type { RosterTable } from './roster.ts'

function table(id: number, slaMs: number | null): Pick<RosterTable, 'id' | 'catalog'> {
  return { id, catalog: { slaMs } as RosterTable['catalog'] }
}

test('a time lies within its bucket', () => {
  fc.assert(
    fc.property(fc.double({ min: 1.0001, max: 2 ** 29, noNaN: true }), (ms) => {
      const bucket = bucketOf(ms)
      expect(ms).toBeLessThanOrEqual(2 ** (bucket / 2) * 1.000_001)
      expect(ms).toBeGreaterThan(2 ** ((bucket - 1) / 2) * 0.999_999)
    }),
  )
  expect([0, 1, 1.4, 2, 1e15].map(bucketOf)).toEqual([0, 0, 1, 2, 60])
})

test('refreshes are counted by table and bucket, late ones against the objective of their time', () => {
  const ledger = freshnessLedger()
  for (const ms of [500, 501, 400]) ledger.add(table(1, 500), ms)
  ledger.add(table(1, null), 500)
  ledger.add(table(2, null), 3)
  expect(ledger.empty).toBe(false)
  const taken = ledger.take()
  expect(taken).toEqual([
    { streamTable: 1, bucket: 18, refreshes: 4, promised: 3, late: 1 },
    { streamTable: 2, bucket: 4, refreshes: 1, promised: 0, late: 0 },
  ])
  expect(ledger.empty).toBe(true)
  ledger.add(table(1, 500), 512)
  ledger.giveBack(taken)
  expect(ledger.take()).toContainEqual({ streamTable: 1, bucket: 18, refreshes: 5, promised: 4, late: 2 })
})

test('what was counted is written by and by, once: again where it could not be, and when the loop ends', async () => {
  const { world, clock, stop } = await started({ a: { reads: ['t'], slaMs: 100, takesMs: 7 }, b: { reads: ['u'] } })
  world.commit('t')
  await clock.advance(1_000)
  expect(world.waits).toEqual([])
  world.full = true
  await clock.advance(10_000)
  expect(world.events).toContainEqual(expect.objectContaining({ kind: 'upkeep_failed', task: 'count' }))
  world.full = false
  await clock.advance(10_000)
  expect(world.waits).toHaveLength(1)
  expect(world.waits[0]).toMatchObject({ streamTable: 1, refreshes: 1, promised: 1, late: 0 })
  await clock.advance(20_000)
  expect(world.waits).toHaveLength(1)
  world.commit('u')
  await clock.advance(100)
  expect(world.waits).toHaveLength(2)
  world.commit('u')
  await clock.advance(100)
  expect(world.waits).toHaveLength(2)
  await stop()
  expect(world.waits).toHaveLength(3)
  expect(world.waits[1]).toMatchObject({ streamTable: 2, refreshes: 1, promised: 0 })
})
