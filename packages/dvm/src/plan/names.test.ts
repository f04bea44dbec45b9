import { expect, test } from 'vitest'
import { Names } from './names.ts'

const bytes = (name: string) => new TextEncoder().encode(name).length

test('the first keeps its name, the next are numbered, and numbers that are taken are passed over', () => {
  const names = new Names()
  expect(['qty', 'qty_2', 'qty', 'qty', 'qty_2'].map((name) => names.fresh(name))).toEqual([
    'qty',
    'qty_2',
    'qty_3',
    'qty_4',
    'qty_2_2',
  ])
})

test('names of internal columns are never given', () => {
  expect(new Names().fresh('__w')).toBe('c__w')
})

test('names stay within 63 bytes, whatever the letters, and differ', () => {
  const names = new Names()
  const given = ['a'.repeat(63), 'a'.repeat(63), 'ß'.repeat(40), 'ß'.repeat(40), '🙂'.repeat(20)].map((name) =>
    names.fresh(name),
  )
  expect(given.every((name) => bytes(name) <= 63)).toBe(true)
  expect(new Set(given).size).toBe(given.length)
  for (let i = 0; i < 100; i++) expect(bytes(names.fresh('ß'.repeat(40)))).toBeLessThanOrEqual(63)
})

test('an empty name', () => {
  expect(new Names().fresh('')).toBe('column')
})
