import { describe, expect, test } from 'vitest'
import { branchOf } from './branch.ts'
import { type Scene, world } from './due-world.fixture.ts'

const CHAIN = { a: 'live', b: 'live < a', c: 'live < b', d: 'live < c' }

const cases: Readonly<
  Record<string, Omit<Scene, 'tables'> & { readonly tables?: Scene['tables']; readonly branch: string }>
> = {
  'a chain': { branch: 'b c d' },
  'of its middle, the rest': { tables: { x: 'live', a: 'live < x', b: 'live < a' }, branch: 'b' },
  'two readers go side by side': { tables: { ...CHAIN, e: 'live < b' }, branch: 'b' },
  'one that is not live ends it': { tables: { ...CHAIN, c: '1s < b' }, branch: 'b' },
  'so does one that is paused': { with: { c: { scheduled: false } }, branch: 'b' },
  'or rests': { with: { d: { notBefore: Infinity } }, branch: 'b c' },
  'or is computed anew': { with: { b: { reinitialize: true } }, branch: '' },
  'or is timed': { tables: { ...CHAIN, b: 'live! < a' }, branch: '' },
  'or is running': { running: 'c', branch: 'b' },
  'or is of a unit': { tables: { ...CHAIN, e: 'live' }, together: 'c e', branch: 'b' },
  'what begins is of a unit': { tables: { ...CHAIN, e: 'live' }, together: 'a e', branch: '' },
  'what begins is computed anew': { with: { a: { reinitialize: true } }, branch: '' },
  'who reads something else as well comes along': { tables: { ...CHAIN, e: 'live', c: 'live < b e' }, branch: 'b c d' },
  'unless that has changes': { tables: { ...CHAIN, e: 'live', c: 'live < b e' }, pending: 'e', branch: 'b' },
  'or what it reads is running': {
    tables: { ...CHAIN, e: 'live', f: 'live < e', c: 'live < b f' },
    running: 'e',
    branch: 'b',
  },
  'what the first one reads is older, whatever waits for it': {
    tables: { x: 'manual', a: 'live < x', b: 'live < a', c: 'live < b x' },
    pending: 'x',
    branch: 'b c',
  },
}

describe('branchOf', () => {
  test.each(Object.entries(cases))('%s', (_, { branch, ...scene }) => {
    const { input, names, id } = world({ tables: CHAIN, ...scene })
    expect(names(branchOf(id('a'), input))).toBe(branch)
  })
})
