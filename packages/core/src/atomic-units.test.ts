import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { atomicUnits, type UnitTable } from './atomic-units.ts'

/** `name: 'what it reads'`, `name: 'what it reads @group'`. What is no table of the scene is a source. */
function units(scene: Readonly<Record<string, string>>): string {
  const names = Object.keys(scene)
  const tables = names.map((name, id): UnitTable => {
    const [reads = '', group] = (scene[name] ?? '').split('@')
    const read = reads.split(' ').filter(Boolean)
    return { id, atomic: group ?? null, reads: read.map((each) => (names.includes(each) ? names.indexOf(each) : each)) }
  })
  const found = atomicUnits(tables)
  const members = [...new Set(found.values())].map((unit) => names.filter((_, id) => found.get(id) === unit).join(' '))
  return members.join(', ')
}

describe('a unit is', () => {
  const cases: Readonly<Record<string, readonly [Readonly<Record<string, string>>, string]>> = {
    'nothing where nobody asked': [{ a: 't', b: 't', d: 'a b' }, ''],
    'a group': [{ a: 't @g', b: 'u @g', c: 't', d: 'v @h', e: 'w @h' }, 'a b, d e'],
    'nothing, of one': [{ a: 't @g', d: 't @diamond', e: 'a @diamond' }, ''],
    'a diamond over a table': [{ a: 't', b: 't', c: 't', d: 'a b @diamond' }, 'a b d'],
    'a diamond over a stream table, without it': [{ s: 't', a: 's', b: 's', d: 'a b @diamond', e: 'd' }, 'a b d'],
    'a diamond with ways of unequal length': [{ a: 't', b: 'a', c: 'b', d: 'c t @diamond' }, 'a b c d'],
    'no diamond where ways do not meet': [{ a: 't', b: 'u', d: 'a b @diamond' }, ''],
    'what lies between two of a group': [{ a: 't @g', m: 'a', b: 'm @g', x: 'a' }, 'a m b'],
    'what a group reads by two ways': [{ s: 't', a: 's @g', b: 't @g' }, 's a b'],
    'not what a group reads by one': [{ s: 't', a: 's @g', b: 's @g' }, 'a b'],
    'one with another that shares a member': [
      { a: 't', b: 't', d: 'a b @diamond', e: 'a t @g', f: 'u @g' },
      'a b d e f',
    ],
    'one with another that waits for it': [{ a: 't @g', b: 'a @h', c: 'u @h', d: 'c @g' }, 'a b c d'],
    'its own, where one waits for the other': [{ a: 't @g', b: 'u @g', c: 'a @h', d: 'v @h' }, 'a b, c d'],
  }
  test.each(Object.entries(cases))('%s', (_, [scene, expected]) => {
    expect(units(scene)).toBe(expected)
  })
})

test('units can be refreshed one after the other, and nothing between members is left out', { timeout: 60_000 }, () => {
  const tables = fc
    .array(
      fc.record({
        picks: fc.array(fc.nat(20), { maxLength: 3 }),
        atomic: fc.constantFrom(null, null, 'diamond', 'g', 'h'),
      }),
      {
        maxLength: 10,
      },
    )
    .map((specs) =>
      specs.map(({ picks, atomic }, id): UnitTable => {
        // only earlier ones are read, so there are no circles
        const reads = picks.map((pick) => (pick < id ? pick : `source ${pick % 3}`))
        return { id, atomic, reads: reads.length === 0 ? ['source 0'] : reads }
      }),
    )
  fc.assert(
    fc.property(tables, (scene) => {
      const found = atomicUnits(scene)
      const unitOf = (id: number) => found.get(id) ?? id
      // by whole units, upstream never leads back
      const above = (id: number, seen = new Set<number>()): Set<number> => {
        for (const member of scene.filter((table) => unitOf(table.id) === unitOf(id)))
          for (const read of member.reads) {
            if (typeof read !== 'number' || unitOf(read) === unitOf(id) || seen.has(unitOf(read))) continue
            seen.add(unitOf(read))
            above(read, seen)
          }
        return seen
      }
      for (const { id } of scene) expect(above(id).has(unitOf(id))).toBe(false)
      for (const group of ['g', 'h']) {
        const ids = scene.filter(({ atomic }) => atomic === group).map(({ id }) => id)
        expect(new Set(ids.map(unitOf)).size).toBeLessThanOrEqual(1)
      }
    }),
  )
})
