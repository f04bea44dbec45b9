import { freshSeed, random } from '@freshet/testkit'
import { test } from 'vitest'
import { LONG } from './length.ts'
import { expectFollowed } from './schema-change-law.ts'
import { TRIGGER_CASES } from './schema-changes.ts'

/** Each of them takes seconds: every day half of them, others each time. */
const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
const cases = LONG ? TRIGGER_CASES : random(seed).sample(TRIGGER_CASES, TRIGGER_CASES.length / 2)
if (!LONG) process.stdout.write(`changes of shape: ${cases.length} of ${TRIGGER_CASES.length}, seed ${seed}\n`)

test.each(cases)('$name, with writers before, during and after', { timeout: 60_000 }, (change) =>
  expectFollowed(change, 'trigger'),
)
