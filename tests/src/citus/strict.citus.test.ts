import { writeSetting } from '@freshet/core'
import { clusterUrls, freshSeed, random } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { BANK_TOTAL, openBank, startBankWriters } from './bank.ts'
import { type CitusWorld, createCitusWorld } from './world.ts'

const AUDITS = LONG ? 500 : 15

/** The sum is the same at every commit: a refresh that shows another has seen a transaction on one node and not on the other. */
describe.skipIf(clusterUrls() === null)('a strict cut', () => {
  test(`shows no transaction in part, in ${AUDITS} audits`, { timeout: LONG ? 900_000 : 120_000 }, async () => {
    const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
    await using world = await createCitusWorld()
    await openBank(world)
    const writers = await startBankWriters(world, random(seed), 4)
    const eventual = await torn(world)
    await writeSetting(world.freshet.database, 'citus_strict_cut', true)
    const strict = await torn(world)
    await writers.stop()
    await world.follow()
    expect({ seed, strict }).toEqual({ seed, strict: 0 })
    console.log({ seed, audits: AUDITS, strict, eventual, ...writers.counts })
  })
})

/** Of so many refreshes that had something to do, those that show another sum. */
async function torn(world: CitusWorld): Promise<number> {
  let found = 0
  for (let audits = 0; audits < AUDITS;) {
    const { action } = await world.freshet.refresh('total')
    if (action === 'none') continue
    audits++
    const [row] = await world.rows('select total::int from total')
    if (row?.['total'] !== BANK_TOTAL) found++
  }
  return found
}
