import { codeOfSqlState, ERRORS, type ErrorCode, FreshetError, isFreshetError, SQLSTATES } from '@freshet/core'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { type Consequence, consequenceOf, retriesPage } from './consequence.ts'
import { started } from './loop-world.fixture.ts'

const QUICK = { error_backoff_min_ms: 10, error_backoff_max_ms: 20, max_consecutive_errors: 3 }

/** What the loop makes of a refresh that always fails with the code; long enough for it to give up. */
async function met(code: ErrorCode): Promise<Consequence> {
  const { world, clock, stop } = await started({ a: { reads: ['t'] } }, QUICK)
  world.faults.set('a', new FreshetError(code, 'as the test wants it'))
  world.commit('t')
  await clock.advance(2_000)
  const { status, errors } = world.table('a')
  const attempts = world.starts.length
  await stop()
  if (errors === 0) return 'reconnect'
  if (status === 'active') return 'retry'
  return attempts === 1 ? 'suspend' : 'give up'
}

test('what the table says of a code is what the loop does', { timeout: 60_000 }, async () => {
  const codes = Object.keys(ERRORS).filter((code): code is ErrorCode => Object.hasOwn(ERRORS, code))
  for (const code of codes) expect([code, await met(code)]).toEqual([code, consequenceOf(code)])
})

test('the page has every SQLSTATE with the code that it leads to', async () => {
  const page = await readFile(new URL('../../../docs/retries.md', import.meta.url), 'utf8')
  expect(page).toBe(retriesPage())
  for (const state of Object.keys(SQLSTATES)) {
    const code = codeOfSqlState(state)
    expect(page).toMatch(
      new RegExp(`^\\| \`${state}\` \\| .* \\[${code}\\].* \\| \`${consequenceOf(code)}\` \\|$`, 'm'),
    )
  }
  expect(isFreshetError(new FreshetError(codeOfSqlState('40P01'), ''), 'TRANSACTION_CONFLICT')).toBe(true)
})
