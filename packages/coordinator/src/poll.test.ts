import { describe, expect, test } from 'vitest'
import type { CatalogTable } from './catalog.ts'
import { pollPlan } from './poll.ts'

/** So many stream tables, each over a source of its own. */
function tables(count: number): CatalogTable[] {
  return Array.from({ length: count }, (_, i) => ({
    id: i,
    name: `public.t${i}`,
    schedule: { kind: 'live' },
    scheduleError: null,
    slaMs: null,
    tier: 'hot',
    unit: null,
    effectiveMode: 'differential',
    status: 'active',
    reinitialize: false,
    gated: false,
    consecutiveErrors: 0,
    ageMs: 0,
    sources: [{ stableName: `source${String(i).padStart(4, '0')}`, streamTable: null, captured: true, buffered: true }],
    output: null,
  }))
}

function buffersIn(statement: string): number {
  return new Set(statement.match(/sizes_source\d+/g)).size
}

describe('what is asked about', () => {
  test('few sources are asked at once, precisely', () => {
    const { atOnce } = pollPlan(tables(16))
    expect(buffersIn(atOnce ?? '')).toBe(16)
  })

  test('of many, no statement looks into more than 128 buffers: each is locked, with its indexes, until it ends', () => {
    const { atOnce, parts } = pollPlan(tables(1_000))
    expect(atOnce).toBeNull()
    const counts = parts.flatMap(({ first, all }) => [buffersIn(first), buffersIn(all)])
    expect(Math.max(...counts)).toBe(128)
    expect(new Set(parts.flatMap(({ stableNames }) => stableNames)).size).toBe(1_000)
    for (const { stableNames, first, each } of parts) {
      expect(buffersIn(first)).toBe(stableNames.length)
      for (const [i, statement] of each.entries()) {
        expect(buffersIn(statement)).toBe(1)
        expect(statement).toContain(`sizes_${stableNames[i]}`)
      }
    }
  })

  test('an immediate stream table is not asked about, and a source that is not captured neither', () => {
    const [first, second, third] = tables(3)
    if (first === undefined || second === undefined || third === undefined) throw new Error('three were made')
    const uncaptured = third.sources.map((source) => ({ ...source, captured: false }))
    const plan = pollPlan([first, { ...second, effectiveMode: 'immediate' }, { ...third, sources: uncaptured }])
    expect([...plan.immediate]).toEqual([second.id])
    expect(buffersIn(plan.atOnce ?? '')).toBe(1)
  })
})
