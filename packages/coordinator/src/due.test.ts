import { describe, expect, test } from 'vitest'
import { nextWake, toPoll, toStart } from './due.ts'
import { NOW, type Scene, world } from './due-world.fixture.ts'

const cases: Readonly<Record<string, Scene & { readonly starts: string }>> = {
  'nothing to do': { tables: { a: 'live', b: '1s' }, starts: '' },
  'live and pending': { tables: { a: 'live', b: 'live' }, pending: 'b', starts: 'b' },
  'D1 running': { tables: { a: 'live' }, pending: 'a', running: 'a', starts: '' },
  'D1 not scheduled': { tables: { a: 'live' }, pending: 'a', with: { a: { scheduled: false } }, starts: '' },
  'D1 backed off': { tables: { a: 'live' }, pending: 'a', with: { a: { notBefore: NOW + 1 } }, starts: '' },
  'D1 back-off over': { tables: { a: 'live' }, pending: 'a', with: { a: { notBefore: NOW } }, starts: 'a' },
  'D2 manual': { tables: { a: 'manual' }, pending: 'a', with: { a: { reinitialize: true } }, starts: '' },
  'D3 duration, its time and pending': { tables: { a: '1s' }, pending: 'a', starts: 'a' },
  'D3 duration, not its time': { tables: { a: '1s' }, pending: 'a', with: { a: { nextAt: NOW + 1 } }, starts: '' },
  'D3 live looks at no clock': { tables: { a: 'live' }, pending: 'a', with: { a: { nextAt: NOW + 9 } }, starts: 'a' },
  'D4 no buffer, its time': { tables: { a: '1s!', b: 'live!' }, starts: 'a b' },
  'D4 no buffer, not its time': {
    tables: { a: '1s!', b: 'live!' },
    pending: 'a b',
    with: { a: { nextAt: NOW + 1 }, b: { nextAt: NOW + 1 } },
    starts: '',
  },
  'reinitialize counts as a change': { tables: { a: 'live' }, with: { a: { reinitialize: true } }, starts: 'a' },
  'D5 waits for a due upstream': { tables: { a: 'live', b: 'live < a' }, pending: 'a b', starts: 'a' },
  'D5 waits for a running upstream': { tables: { a: 'live', b: 'live < a' }, pending: 'b', running: 'a', starts: '' },
  'D5 waits for the far upstream': {
    tables: { a: 'live', b: 'live < a', c: 'live < b', d: 'live' },
    pending: 'a c d',
    starts: 'a d',
  },
  'D5 diamond: the bottom waits for the slower side': {
    tables: { top: 'live', left: 'live < top', right: 'live < top', bottom: 'live < left right' },
    pending: 'bottom',
    running: 'right',
    starts: '',
  },
  'D5 a waiting table blocks those below it': {
    tables: { a: 'live', b: 'live < a', c: 'live < b' },
    pending: 'b c',
    running: 'a',
    starts: '',
  },
  'D5 upstream not due blocks nobody': {
    tables: { slow: '1h', off: 'live', back: 'live', d: 'live < slow off back' },
    pending: 'slow off back d',
    with: { slow: { nextAt: NOW + 9 }, off: { scheduled: false }, back: { notBefore: NOW + 9 } },
    starts: 'd',
  },
  'D6 nearest to its deadline first': {
    tables: { a: 'live', b: 'live', c: 'live', d: 'live' },
    pending: 'a b c d',
    with: {
      a: { freshAt: 0 },
      b: { freshAt: 900, within: 500 },
      c: { freshAt: 990, within: 100 },
      d: { freshAt: 999, within: 3_600_000 },
    },
    starts: 'c b a d',
  },
  'D6 an attempt that failed counts as a start': {
    tables: { failing: 'live', a: 'live' },
    pending: 'failing a',
    with: { failing: { freshAt: 0, lastStartAt: 950, within: 200 }, a: { freshAt: 900, within: 200 } },
    starts: 'a failing',
  },
  'D7 a unit is started by the member that is due': {
    tables: { a: '1h', b: 'live', c: 'live', d: 'live < a b', e: 'live' },
    pending: 'b e',
    together: 'a b d',
    with: { a: { nextAt: NOW + 9, freshAt: 100 }, b: { freshAt: 800 }, e: { freshAt: 700 } },
    starts: 'e b',
  },
  'D7 by a change rather than by the clock': {
    tables: { a: '1s!', b: 'live' },
    pending: 'b',
    together: 'a b',
    starts: 'b',
  },
  'D7 a unit waits for what any member reads, and whoever reads a member waits for it': {
    tables: { s: 'live', a: 'live < s', b: 'live', r: 'live < b' },
    pending: 's b r',
    together: 'a b',
    starts: 's',
  },
  'D7 not while one of it is running': {
    tables: { a: 'live', b: 'live' },
    pending: 'b',
    running: 'a',
    together: 'a b',
    starts: '',
  },
  'D7 nor while one is paused, or rests': {
    tables: { a: 'live', b: 'live', r: 'live < b' },
    pending: 'b r',
    together: 'a b',
    with: { a: { scheduled: false } },
    starts: 'r',
  },
  'D7 a manual one goes along': {
    tables: { a: 'manual', b: 'live' },
    pending: 'a b',
    together: 'a b',
    starts: 'b',
  },
  'D6 without objectives, longest wait first': {
    tables: { a: 'live', b: 'live', c: 'live' },
    pending: 'a b c',
    with: { a: { lastStartAt: 900 }, b: { lastStartAt: 800 } },
    starts: 'c b a',
  },
}

describe('toStart', () => {
  test.each(Object.entries(cases))('%s', (_, scene) => {
    const { input, names } = world(scene)
    expect(names(toStart(input))).toBe(scene.starts)
  })
})

test('toPoll asks about those whose time has come, running ones too', () => {
  const { input, names } = world({
    tables: { a: 'live', b: '1s', c: '1s', d: 'manual', e: 'live', f: 'live' },
    running: 'a',
    with: { c: { nextAt: NOW + 1 }, e: { scheduled: false }, f: { notBefore: NOW + 5 } },
  })
  expect(names(toPoll(input.tables.values(), NOW))).toBe('a b')
})

test('nextWake is the next moment at which time alone matters', () => {
  const { input } = world({
    tables: { a: 'live', b: '1s', c: '1s', d: 'manual', e: 'live', f: '1s' },
    with: { c: { nextAt: NOW + 70 }, e: { notBefore: NOW + 60 }, f: { nextAt: NOW + 1, scheduled: false } },
  })
  expect(nextWake(input.tables.values(), NOW)).toBe(NOW + 60)
  expect(nextWake([], NOW)).toBe(Infinity)
})
