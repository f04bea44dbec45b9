import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { verdict } from './converge.ts'

describe('verdict', () => {
  test('a small round is the last one', () => {
    expect(verdict([], 100)).toBe('again')
    expect(verdict([5_000, 900, 101], 100)).toBe('again')
    expect(verdict([5_000, 900, 100], 100)).toBe('swap')
  })

  test('ten rounds without progress are enough; nine are not, and one that was smaller counts', () => {
    expect(verdict(Array(10).fill(500), 100)).toBe('again')
    expect(verdict(Array(11).fill(500), 100)).toBe('give up')
    expect(verdict([...Array(10).fill(500), 499], 100)).toBe('again')
    expect(verdict([Infinity, ...Array(10).fill(Infinity)], 100)).toBe('give up')
    expect(verdict([Infinity, ...Array(10).fill(1_000_000)], 100)).toBe('again')
  })

  test('whatever is written: it ends', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { minLength: 600, maxLength: 600 }), fc.nat(20), (sizes, small) => {
        // among so many sizes there is none that has not been undercut within ten rounds each time
        const end = sizes.findIndex((_, i) => verdict(sizes.slice(0, i + 1), small) !== 'again')
        expect(end).toBeGreaterThanOrEqual(0)
        expect(verdict(sizes.slice(0, end + 1), small)).toBe((sizes[end] ?? Infinity) <= small ? 'swap' : 'give up')
      }),
    )
  })

  test('who writes less than is refreshed converges', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000_000 }),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        (first, share) => {
          const rounds = [first]
          while (verdict(rounds, 1_000) === 'again') rounds.push(Math.floor((rounds.at(-1) ?? 0) * share))
          expect(verdict(rounds, 1_000)).toBe('swap')
        },
      ),
    )
  })
})
