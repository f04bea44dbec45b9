import { test } from 'vitest'
import { expectFollowed } from './schema-change-law.ts'
import { TRIGGER_CASES } from './schema-changes.ts'

test.each(TRIGGER_CASES)('$name, with writers before, during and after', { timeout: 60_000 }, (change) =>
  expectFollowed(change, 'trigger'),
)
