import { createTestDatabase } from '@freshet/testkit'
import { expect, test } from 'vitest'
import { runCampaign } from './campaign.ts'
import { createTpch } from './fill.ts'
import { TPCH_QUERIES } from './queries.ts'

/** The short form; `tests/src/tpch.ts` runs it at any scale and for any number of rounds. */
const names = TPCH_QUERIES.map(({ name }) => name)

test('every query has an answer at scale factor 0.01', async () => {
  await using database = await createTestDatabase({ migrated: false })
  const client = await database.client()
  await createTpch(client, 0.01)
  const empty: string[] = []
  for (const { name, sql } of TPCH_QUERIES) {
    const { rows } = await client.query<Record<string, unknown>>(sql)
    if (!rows.some((row) => Object.values(row).every((value) => value !== null))) empty.push(name)
  }
  expect(names).toHaveLength(22)
  expect(empty).toEqual([])
})

test('all 22 are differential, and equal their queries after each round of changes', { timeout: 240_000 }, async () => {
  const { modes, failures, filled, differentialRefreshes } = await runCampaign({
    scale: 0.003,
    rounds: 3,
    seed: 3,
    fraction: 0.005,
  })
  expect(modes).toEqual(Object.fromEntries(names.map((name) => [name, 'differential'])))
  expect(failures).toEqual([])
  expect(filled.length).toBeGreaterThanOrEqual(21)
  expect(differentialRefreshes).toBe(3 * 22)
})

test('all 22 are kept by the changes themselves', { timeout: 240_000 }, async () => {
  const { modes, failures, filled, differentialRefreshes } = await runCampaign({
    scale: 0.002,
    rounds: 2,
    seed: 5,
    fraction: 0.005,
    mode: 'immediate',
  })
  expect(modes).toEqual(Object.fromEntries(names.map((name) => [name, 'immediate'])))
  expect(failures).toEqual([])
  expect(filled.length).toBeGreaterThanOrEqual(20)
  expect(differentialRefreshes).toBe(0)
})
