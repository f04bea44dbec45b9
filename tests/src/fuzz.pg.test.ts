import { expect, test } from 'vitest'
import { runCampaign } from './fuzz/campaign.ts'

test('100 random cases, and every failure of the past, equal their queries', { timeout: 1_200_000 }, async () => {
  const { failures, surprises, refreshes } = await runCampaign({ cases: 100, seed: 20_240_229, maxFailures: 1 })
  expect(failures.map(({ failed, file }) => `${failed.what} ${failed.key}: ${failed.detail}\n${file}`)).toEqual([])
  expect(Object.fromEntries(surprises)).toEqual({})
  expect(refreshes).toBeGreaterThan(200)
})
