import { expect, test } from 'vitest'
import { keptPosition, startingAt } from './resume.ts'

const consumer = { name: 'orders', outbox: null, position: 'of the database', generation: 7 }

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

test('a sink that was set back is not read for again: what it had confirmed may be trimmed', () => {
  const at = (snapshot: string, more = {}) => JSON.stringify({ outbox: 'o', database: 'd', from: snapshot, ...more })
  const recorded = { ...consumer, outbox: 1, position: at('20:25:22') }
  for (const ahead of ['20:25:22', '20:25:', '30:30:'])
    expect(startingAt(recorded, keptPosition(recorded, at(ahead)))).toBe(at(ahead))
  // of one window, what was delivered last is not trimmed before all of it is
  const within = at('20:25:22', { to: '30:30:', after: '7' })
  expect(startingAt({ ...recorded, position: within }, keptPosition(recorded, at('20:25:22')))).toBe(at('20:25:22'))
  for (const behind of ['19:19:', '20:25:22,23'])
    expect(() => startingAt(recorded, keptPosition(recorded, at(behind)))).toThrow(
      expect.objectContaining({ code: 'CONSUMER_LOST', detail: expect.stringMatching(/set back/) as string }) as Error,
    )
  // somebody has moved the consumer since, and knows
  expect(startingAt(recorded, keptPosition({ ...recorded, generation: 6 }, at('19:19:')))).toBe(recorded.position)
})
