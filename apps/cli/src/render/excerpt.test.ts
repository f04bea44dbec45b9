import { expect, it } from 'vitest'
import { excerpt, withMore } from './excerpt.ts'

const rows = Array.from({ length: 12_000 }, (_, i) => i)

it('shows all where they are no more than asked for, in their order', () => {
  const all = excerpt([3, 1, 2], 3, (row) => row === 2)
  expect(all).toEqual({ shown: [3, 1, 2], more: null })
  expect(withMore('text', all)).toBe('text')
  expect(excerpt(rows, Infinity).shown).toHaveLength(12_000)
})

it('leaves out, says so, and brings forward what wants attention', () => {
  const some = excerpt(rows, 4, (row) => row === 7_000 || row === 11_000)
  expect(some.shown).toEqual([7_000, 11_000, 0, 1])
  expect(withMore('text', some)).toBe(
    'text\n\n4 of 12,000 stream tables, first those that want attention (2). --limit shows more, and --json all.',
  )
  expect(excerpt(rows, 1).more).toBe('1 of 12,000 stream tables. --limit shows more, and --json all.')
})
