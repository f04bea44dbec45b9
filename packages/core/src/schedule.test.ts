import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseSchedule, printSchedule } from './schedule.ts'

describe('parseSchedule', () => {
  test.each([
    ['live', { kind: 'live' }],
    ['manual', { kind: 'manual' }],
    [' Live ', { kind: 'live' }],
    ['500ms', { kind: 'every', ms: 500 }],
    ['5s', { kind: 'every', ms: 5_000 }],
    ['1.5s', { kind: 'every', ms: 1_500 }],
    ['1m', { kind: 'every', ms: 60_000 }],
    ['2h', { kind: 'every', ms: 7_200_000 }],
    ['1d', { kind: 'every', ms: 86_400_000 }],
    ['calculated', { kind: 'calculated' }],
    ['cron: 0 6 * * *', { kind: 'cron', cron: { fields: '0 6 * * *', timeZone: 'UTC' } }],
    ['CRON:0 6 * * mon Europe/Berlin', { kind: 'cron', cron: { fields: '0 6 * * mon', timeZone: 'Europe/Berlin' } }],
  ])('%s', (text, schedule) => {
    expect(parseSchedule(text)).toEqual(schedule)
  })

  test.each([
    '',
    '5',
    's',
    '5 s',
    '-5s',
    '0s',
    '9ms',
    '5sec',
    '1h30m',
    '1e3s',
    '99999d',
    '* * * * *',
    'cron:',
    'cron: daily',
    'NaNs',
  ])('refuses %j', (text) => {
    expect(() => parseSchedule(text)).toThrow(expect.objectContaining({ code: 'INVALID_SCHEDULE' }))
  })

  test('what is printed reads back as the same schedule', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 366 * 86_400_000 }), (ms) => {
        expect(parseSchedule(printSchedule({ kind: 'every', ms }))).toEqual({ kind: 'every', ms })
      }),
    )
  })
})

test.each(['live', 'manual', 'calculated', 'cron: 0 6 * * * Europe/Berlin'])('%s prints as it is', (text) => {
  expect(printSchedule(parseSchedule(text))).toBe(text)
})

test.each([
  [90_000, '90s'],
  [120_000, '2m'],
  [86_400_000, '1d'],
  [1_234, '1234ms'],
])('%d ms prints as %s', (ms, text) => {
  expect(printSchedule({ kind: 'every', ms })).toBe(text)
})
