import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createWorkers } from './workers.ts'

test('never more than there are, and each database always finds one', () => {
  const steps = fc.array(fc.tuple(fc.nat(3), fc.boolean()), { maxLength: 200 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.nat(5), steps, (databases, more, all) => {
      const limit = databases + more
      const workers = createWorkers(limit)
      const shares = Array.from({ length: databases }, () => workers.share())
      const taken = shares.map(() => 0)
      for (const [at, takes] of all) {
        const i = at % databases
        const share = shares[i]
        if (share === undefined) continue
        if (takes && share.free() > 0) {
          share.take()
          taken[i] = (taken[i] ?? 0) + 1
        } else if (!takes && (taken[i] ?? 0) > 0) {
          share.giveBack()
          taken[i] = (taken[i] ?? 0) - 1
        }
        expect(taken.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(limit)
        shares.forEach((other, j) => {
          if (taken[j] === 0) expect(other.free()).toBeGreaterThan(0)
        })
      }
    }),
  )
})

test('one database alone takes all but one for each of the others; who found none is told of the next', () => {
  const workers = createWorkers(5)
  const [greedy, other] = [workers.share(), workers.share(), workers.share()]
  expect(greedy?.free()).toBe(3)
  for (let i = 0; i < 3; i++) greedy?.take()
  expect(greedy?.free()).toBe(0)
  let told = 0
  greedy?.onFree(() => told++)
  expect(other?.free()).toBe(1)
  other?.take()
  // the one that is left is the third one's
  expect(other?.free()).toBe(0)
  expect(told).toBe(0)
  other?.giveBack()
  expect(told).toBe(1)
})
