import { setTimeout as sleep } from 'node:timers/promises'
import { isFreshetError } from '@freshet/core'
import { clusterUrls, findCitus, freshSeed, random, startCluster } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { BANK_TABLES, BANK_TOTAL, openBank, startBankWriters } from './bank.ts'
import { createCitusWorld } from './world.ts'

const KILLS = LONG ? 20 : 2

/** A node is gone without a word, in the middle of refreshes and of writers' two-phase commits, and comes back: the coordinator as well. */
describe.skipIf(clusterUrls() === null)('a node that is killed', () => {
  test('costs no change, and none is counted twice', { timeout: LONG ? 900_000 : 120_000 }, async () => {
    const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
    const draw = random(seed)
    const binaries = await findCitus()
    if (binaries === null) throw new Error('there is no Citus any more')
    await using cluster = await startCluster(binaries)
    await using world = await createCitusWorld({ cluster })
    // what a killed worker has prepared is committed or rolled back by the coordinator's maintenance daemon
    await world.run(`alter system set citus.recover_2pc_interval = '1s'`, 'select pg_reload_conf()')
    await openBank(world)
    const writers = await startBankWriters(world, draw.fork(), 3, () => true)
    const counts = { kills: 0, verified: 0, failed: 0 }
    const state = { done: false }
    const audits = (async () => {
      while (!state.done) {
        for (const name of BANK_TABLES) {
          const found = await world.freshet.verify(name).catch(async (error: unknown) => {
            // an error with a code, and nothing recorded; the next one says whether that is so
            if (!isFreshetError(error) || error.code === 'INTERNAL') throw error
            counts.failed++
            await sleep(10) // a pool that is closed answers at once, and nothing else would ever run
            return null
          })
          if (found === null) continue
          expect({ seed, ...found }).toMatchObject({ seed, equal: true, extra: 0, missing: 0 })
          counts.verified++
        }
      }
    })()
    try {
      for (let i = 0; i < KILLS; i++) {
        await sleep(draw.int(300, 1200))
        const node = i % 2 === 0 ? cluster.coordinator : draw.pick(cluster.workers)
        await node.kill()
        await sleep(draw.int(50, 400))
        await node.start()
        counts.kills++
      }
      await sleep(1000)
    } finally {
      state.done = true
      await audits
    }
    await writers.stop()
    // until then, the coordinator may still have to tell the workers how transactions have ended
    await expect
      .poll(async () => Number((await world.rows(PREPARED))[0]?.['n']), { timeout: 60_000, interval: 200 })
      .toBe(0)
    await world.follow()
    expect(await world.rows('select total::int, accounts::int from total')).toEqual([
      { total: BANK_TOTAL, accounts: 600 },
    ])
    console.log({ seed, ...counts, differences: 0, ...writers.counts })
  })
})

const PREPARED = `select sum(result::int)::int as n from run_command_on_all_nodes('select count(*) from pg_prepared_xacts')`
