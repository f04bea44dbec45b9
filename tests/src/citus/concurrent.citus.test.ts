import { clusterUrls, freshSeed, random } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { BANK_TABLES, BANK_TOTAL, openBank, startBankWriters } from './bank.ts'
import { createCitusWorld } from './world.ts'

const SECONDS = LONG ? 120 : 4

describe.skipIf(clusterUrls() === null)('writers on every node', () => {
  test(`are followed exactly for ${SECONDS} s`, { timeout: (SECONDS + 120) * 1000 }, async () => {
    const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
    await using world = await createCitusWorld()
    await openBank(world)
    const writers = await startBankWriters(world, random(seed), 4)
    const end = performance.now() + SECONDS * 1000
    let verified = 0
    while (performance.now() < end) {
      for (const name of BANK_TABLES) {
        const { equal, extra, missing } = await world.freshet.verify(name)
        expect({ seed, name, equal, extra, missing }).toEqual({ seed, name, equal: true, extra: 0, missing: 0 })
        verified++
      }
      await world.freshet.refresh('by_region')
    }
    await writers.stop()
    await world.follow()
    expect(await world.rows('select total::int, accounts::int from total')).toEqual([
      { total: BANK_TOTAL, accounts: 600 },
    ])
    // a test that silently runs on full refreshes proves nothing
    expect(await world.rows(`select count(*)::int as n from freshet.refresh_history where action = 'full'`)).toEqual([
      { n: 0 },
    ])
    console.log({ seed, verified, differences: 0, ...writers.counts })
  })
})
