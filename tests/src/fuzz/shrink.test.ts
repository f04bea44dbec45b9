import { expect, test } from 'vitest'
import type { FuzzCase } from './case.ts'
import { generateCase } from './case-generator.ts'
import { printQuery } from './query.ts'
import type { Outcome } from './run.ts'
import { shrink } from './shrink.ts'

test('a seed makes the same case again', () => {
  expect(generateCase(42)).toEqual(generateCase(42))
  expect(generateCase(42)).not.toEqual(generateCase(43))
})

test('what the failure does not need is taken away', async () => {
  const fails = (subject: FuzzCase) =>
    subject.steps.some((step) => step.do === 'sql' && step.sql.startsWith('delete')) &&
    subject.streams.some(({ query }) => printQuery(query).includes('count('))
  const run = (subject: FuzzCase): Promise<Outcome> =>
    Promise.resolve(
      fails(subject)
        ? { kind: 'failed', what: 'difference', key: '', detail: 'differs' }
        : { kind: 'passed', surprises: [], full: [], refreshes: 0, slowest: { ms: 0, seed: 0, stream: '' } },
    )
  let seed = 0
  while (!fails(generateCase(seed))) seed++
  const big = generateCase(seed)
  const { subject } = await shrink(big, { kind: 'failed', what: 'difference', key: '', detail: '' }, run, 5_000)
  expect(fails(subject)).toBe(true)
  expect([subject.steps.length, subject.streams.length, subject.fill.length, subject.setup.length]).toEqual([
    1, 1, 0, 0,
  ])
})
