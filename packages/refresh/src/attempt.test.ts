import { expect, test } from 'vitest'
import { type Attempt, attemptFor, SMALLEST, wider } from './attempt.ts'
import type { Definition } from './definition.ts'

/** Of two sources, and a statement for few changes that takes a hundred of each. */
const definition = {
  plan: { sources: [{ stableName: 'a' }, { stableName: 'b' }], refresh: { smallDeltaRows: 100 } },
} as unknown as Definition

/** What is tried one after the other while so much waits. */
function tried(...waiting: readonly (readonly number[])[]): readonly string[] {
  const shown: string[] = []
  let attempt: Attempt | null = SMALLEST
  for (const rows of waiting) {
    if (attempt === null) break
    attempt = wider(definition, attempt, rows)
    shown.push(attempt === null ? 'none' : [attempt.extent, ...attempt.few].join(' '))
  }
  return shown
}

test('a source of which few rows wait stays one of few', () => {
  expect(tried([101, 4])).toEqual(['many b'])
  expect(tried([101, 101])).toEqual(['many'])
  expect(attemptFor(definition, 'many', [100, 0])).toEqual({ extent: 'many', few: new Set(['a', 'b']) })
})

test('what was not counted to its end turns out to be more', () => {
  expect(tried([101, 4], [101, 500])).toEqual(['many b', 'many'])
})

test('where it is not too many of one source, most of them cancel', () => {
  expect(tried([101, 4], [101, 4])).toEqual(['many b', 'churned'])
})

test('the last one takes everything', () => {
  expect(tried([101, 4], [101, 4], [1_000_000, 4])).toEqual(['many b', 'churned', 'none'])
})
