import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ALL, fill, outcome, places } from './expression.fixture.ts'

test('every operator within every other, in every place', () => {
  const refused: string[] = []
  let pairs = 0
  for (const outer of ALL) {
    for (let place = 0; place < places(outer); place++) {
      for (const inner of ALL) {
        const operands = Array.from({ length: places(outer) }, (_, i) => (i === place ? fill(inner, ['p', 'q']) : 'r'))
        const text = fill(outer, operands)
        pairs++
        if (outcome(text) === 'refused') refused.push(text)
      }
    }
  }
  expect(pairs).toBeGreaterThan(5_000)
  expect(refused).toEqual([])
}, 60_000)

test('random expressions, nested deep: printed to an equal tree, or refused', () => {
  const refused: string[] = []
  const leaf = fc.constantFrom('a', 'b.c', '1', '-2.5', `'x'`, 'null', 'true', '"Odd ""name"""', 'now()')
  const { expression } = fc.letrec<{ expression: string }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      leaf,
      ...ALL.map((template) =>
        fc
          .array(tie('expression'), { minLength: places(template), maxLength: places(template) })
          .map((operands) => fill(template, operands)),
      ),
    ),
  }))
  fc.assert(
    fc.property(expression, (text) => {
      if (outcome(text) === 'refused') refused.push(text)
    }),
    { numRuns: 2_000 },
  )
  // what is left is a subscript of a constant, and the like
  expect(refused.length).toBeLessThan(200)
}, 60_000)
