import { expect, test } from 'vitest'
import { nextFiring, parseCron, printCron } from './cron.ts'

const at = (text: string) => Date.parse(text)
const after = (cron: string, moment: string) => {
  const next = nextFiring(parseCron(cron), at(moment))
  return next === null ? null : new Date(next).toISOString()
}

test.each([
  ['0 6 * * *', '2026-01-05T05:59:59Z', '2026-01-05T06:00:00.000Z'],
  ['0 6 * * *', '2026-01-05T06:00:00Z', '2026-01-06T06:00:00.000Z'],
  ['0 6 * * * Europe/Berlin', '2026-01-05T00:00:00Z', '2026-01-05T05:00:00.000Z'],
  ['0 6 * * * Europe/Berlin', '2026-07-05T00:00:00Z', '2026-07-05T04:00:00.000Z'],
  ['*/15 * * * *', '2026-01-05T00:01:00Z', '2026-01-05T00:15:00.000Z'],
  ['30 22 * * mon-fri', '2026-01-02T23:00:00Z', '2026-01-05T22:30:00.000Z'],
])('%s after %s', (cron, moment, next) => {
  expect(after(cron, moment)).toBe(next)
})

test('an hour that summer time leaves out or repeats fires once', () => {
  // Berlin, 2026-03-29: from 02:00 to 03:00; 2026-10-25: from 03:00 back to 02:00
  expect(after('30 2 * * * Europe/Berlin', '2026-03-28T12:00:00Z')).toBe('2026-03-29T01:00:00.000Z')
  const autumn = '2026-10-24T12:00:00Z'
  const first = after('30 2 * * * Europe/Berlin', autumn) ?? ''
  expect(first).toBe('2026-10-25T00:30:00.000Z')
  expect(after('30 2 * * * Europe/Berlin', first)).toBe('2026-10-26T01:30:00.000Z')
})

test.each([
  ['* * * *', 'it has 4 parts'],
  ['* * * * * * UTC', 'it has 7 parts'],
  ['61 * * * *', 'CronPattern'],
  ['0 6 * * * Europe/Nowhere', 'there is no time zone Europe/Nowhere'],
  ['0 0 30 2 *', 'it never comes'],
])('refuses %s', (cron, why) => {
  expect(() => parseCron(cron)).toThrow(expect.objectContaining({ code: 'INVALID_SCHEDULE' }))
  expect(() => parseCron(cron)).toThrow(why)
})

test('what is printed reads back', () => {
  const cron = parseCron(' 0   6 * * * Europe/Berlin')
  expect(parseCron(printCron(cron))).toEqual(cron)
  expect(printCron(parseCron('0 6 * * *'))).toBe('0 6 * * * UTC')
})
