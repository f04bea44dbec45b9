import { expect, test } from 'vitest'
import { keptPosition, startingAt } from './resume.ts'

const consumer = { name: 'orders', outbox: 1, position: 'of the database', generation: 7 }

test('the sink is right, unless somebody has moved the consumer since', () => {
  expect(startingAt(consumer, null)).toBe('of the database')
  expect(startingAt(consumer, keptPosition(consumer, 'of the\nsink'))).toBe('of the\nsink')
  expect(startingAt(consumer, keptPosition({ ...consumer, generation: 6 }, 'of the sink'))).toBe('of the database')
})

test('where neither knows, or the database was set back, nothing is guessed', () => {
  const lost = expect.objectContaining({ code: 'CONSUMER_LOST' }) as Error
  expect(() => startingAt({ ...consumer, position: null }, null)).toThrow(lost)
  expect(() => startingAt(consumer, keptPosition({ ...consumer, generation: 8 }, 'x'))).toThrow(lost)
})
