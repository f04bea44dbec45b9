import { expect, test } from 'vitest'
import { isScheduled, LIFECYCLE_EVENTS, STATUSES, transition } from './lifecycle.ts'

const every = STATUSES.flatMap((status) =>
  LIFECYCLE_EVENTS.map((event) => ({ status, event, next: transition(status, event) })),
)

test('I1: every status answers every event with a status', () => {
  expect(every).toHaveLength(24)
  for (const { next } of every) expect(STATUSES).toContain(next)
})

test('I2: only an active table is scheduled', () => {
  expect(STATUSES.filter(isScheduled)).toEqual(['active'])
})

test('I3: only `filled` ends initializing, and nothing leads back', () => {
  const out = every.filter(({ status, next }) => status === 'initializing' && next !== 'initializing')
  expect(out.map(({ event }) => event)).toEqual(['filled'])
  expect(every.filter(({ status, next }) => status !== 'initializing' && next === 'initializing')).toEqual([])
})

test('I4: only `resumed` ends paused', () => {
  const out = every.filter(({ status, next }) => status === 'paused' && next !== 'paused')
  expect(out.map(({ event }) => event)).toEqual(['resumed'])
})

test('I5: only `gave_up` suspends, and only an active table', () => {
  const suspended = every.filter(({ status, next }) => next === 'suspended' && status !== 'suspended')
  expect(suspended).toEqual([{ status: 'active', event: 'gave_up', next: 'suspended' }])
})

test('I6: `resumed` makes every filled table active', () => {
  const resumed = every.filter(({ status, event }) => event === 'resumed' && status !== 'initializing')
  expect(resumed.map(({ next }) => next)).toEqual(['active', 'active', 'active'])
})
