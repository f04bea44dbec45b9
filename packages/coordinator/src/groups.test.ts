import { describe, expect, test } from 'vitest'
import { toStart } from './due.ts'
import { type Scene, world } from './due-world.fixture.ts'
import { groupsOf } from './groups.ts'

const CHAIN = { a: 'live', b: 'live < a', c: 'live < b', d: 'live < c' }
const DIAMOND = { a: 'live', b: 'live', d: 'live < a b' }
const SIX = { a: 'live', b: 'live', c: 'live', d: 'live', e: 'live', f: 'live' }

type Case = Omit<Scene, 'tables'> & {
  readonly tables?: Scene['tables']
  readonly most?: number
  readonly least?: number
  /** One after another, divided by a stroke; what leads comes first. */
  readonly groups: string
}

const cases: Readonly<Record<string, Case>> = {
  'nothing is due': { groups: '' },
  'a chain': { pending: 'a', groups: 'a b c d' },
  'a chain in its middle': { pending: 'c', groups: 'c d' },
  'G2 one that is not live ends it': { tables: { ...CHAIN, c: '1h < b' }, pending: 'a', groups: 'a b' },
  'G2 so does one that is paused': { with: { c: { scheduled: false } }, pending: 'a', groups: 'a b' },
  'G2 or rests': { with: { d: { notBefore: Infinity } }, pending: 'a', groups: 'a b c' },
  'G4 or is computed anew': { with: { c: { reinitialize: true } }, pending: 'a', groups: 'a b' },
  'G4 or takes its time': { with: { c: { quick: false } }, pending: 'a', groups: 'a b' },
  'G4 or is timed': { tables: { ...CHAIN, c: 'live! < b' }, pending: 'a', groups: 'a b' },
  'G4 or is of a unit': { tables: { ...CHAIN, e: 'live' }, together: 'c e', pending: 'a', groups: 'a b' },
  'G4 what begins is of a unit': { tables: { ...CHAIN, e: 'live' }, together: 'a e', pending: 'a', groups: 'a' },
  'G4 what begins is computed anew': { with: { a: { reinitialize: true } }, pending: 'a', groups: 'a' },
  'G1 a diamond is one group': { tables: DIAMOND, pending: 'a b', groups: 'a b d' },
  'G2 not where one of its sides is running': { tables: DIAMOND, pending: 'a', running: 'b', groups: 'a' },
  'a side without changes waits for nobody': { tables: DIAMOND, pending: 'a', groups: 'a d' },
  'G2 a side that has changes and is not due yet is read as it is': {
    tables: { ...DIAMOND, b: '1s' },
    pending: 'a b',
    with: { b: { nextAt: Infinity } },
    groups: 'a d',
  },
  'G2 what is two below the side that is missing does not come either': {
    tables: { ...DIAMOND, e: 'live < d', f: 'live < a' },
    pending: 'a',
    running: 'b',
    groups: 'a f',
  },
  'G3 side by side where there is room': { tables: SIX, pending: 'a b c', groups: 'a|b|c' },
  'G3 a few take one': { tables: SIX, pending: 'a b c d e f', least: 5, groups: 'a b c d e|f' },
  'G3 as many each where there is not': { tables: SIX, pending: 'a b c d e f', groups: 'a b|c d|e f' },
  'G3 with what reads them': {
    tables: { ...SIX, x: 'live < a', y: 'live < f' },
    pending: 'a b c d e f',
    most: 2,
    groups: 'a x b c|d e f y',
  },
  'G3 a single one takes one of them': {
    tables: { ...SIX, c: 'live!' },
    pending: 'a b c d e',
    with: { c: { nextAt: 0 } },
    groups: 'a b|c|d e',
  },
  'G3 none where none may be started': { tables: SIX, pending: 'a b', most: 0, groups: '' },
  'who is nearest to its deadline leads': {
    tables: SIX,
    pending: 'a b c d',
    most: 2,
    with: { c: { freshAt: 1, within: 100 }, a: { freshAt: 900 }, b: { freshAt: 900 }, d: { freshAt: 900 } },
    groups: 'c a|b d',
  },
}

describe('groupsOf', () => {
  test.each(Object.entries(cases))('%s', (_, { groups, most = 3, least = 1, ...scene }) => {
    const { input, names } = world({ tables: CHAIN, ...scene })
    const found = groupsOf(toStart(input), most, input, { least, most: 32 })
    expect(found.map(({ lead, along }) => names([lead, ...along])).join('|')).toBe(groups)
  })
})

test('what is too large for a transaction is divided, and what it has in common waits', () => {
  const names = Array.from({ length: 100 }, (_, i) => `t${i}`)
  const { input } = world({
    tables: { ...Object.fromEntries(names.map((name) => [name, 'live'])), all: `live < ${names.join(' ')}` },
    pending: names.join(' '),
  })
  const groups = groupsOf(toStart(input), 4, input)
  expect(groups.map(({ along }) => along.length + 1)).toEqual([25, 25, 25, 25])
  expect(groupsOf(toStart(input), 2, input).map(({ along }) => along.length + 1)).toEqual([32, 32])
})
