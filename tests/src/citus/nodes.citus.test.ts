import { isFreshetError } from '@freshet/core'
import { clusterUrls, freshSeed, random } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { BANK_TABLES, BANK_TOTAL, NoSuchRow, openBank, startBankWriters } from './bank.ts'
import { createCitusWorld } from './world.ts'

const ROUNDS = LONG ? 8 : 1

/** A node is emptied, leaves the cluster, comes back under another number, and gets shards again, under writers. */
describe.skipIf(clusterUrls() === null)('a node that leaves and comes back', () => {
  test('costs no change', { timeout: LONG ? 900_000 : 180_000 }, async () => {
    const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
    await using world = await createCitusWorld({ shards: 4 })
    await openBank(world)
    const writers = await startBankWriters(world, random(seed), 2, isOfTheMove)
    const counts = { removed: 0, rebalanced: 0, verified: 0, again: 0, refused: 0 }
    const verify = async () => {
      for (const name of BANK_TABLES) {
        const found = await world.freshet.verify(name).catch((error: unknown) => {
          // gives way to what the cluster does: nothing is recorded, and the next one says whether that is so
          if (!isFreshetError(error) || error.retry !== 'retry') throw error
          counts.refused++
          return null
        })
        if (found === null) continue
        const { equal, extra, missing } = found
        expect({ seed, name, equal, extra, missing }).toEqual({ seed, name, equal: true, extra: 0, missing: 0 })
        counts.verified++
      }
    }
    const operate = async (statement: string) => {
      for (;;) {
        try {
          return await world.run(statement)
        } catch (error) {
          // shards that are about to move wait for writers that wait for them: Citus ends one of the two
          if (!isFreshetError(error) || error.sqlState !== '40P01' || counts.again++ > 20 * ROUNDS) throw error
        }
      }
    }
    const state = { done: false }
    const audits = (async () => {
      while (!state.done) await verify()
    })()
    // the writers are on other nodes
    const port = Number(new URL(world.own.workerUrls[2] ?? '').port)
    try {
      for (let i = 0; i < ROUNDS; i++) {
        await operate(`select citus_drain_node('127.0.0.1', ${port}, 'block_writes')`)
        await operate(`select citus_remove_node('127.0.0.1', ${port})`)
        counts.removed++
        await operate(`select citus_add_node('127.0.0.1', ${port})`)
        await operate(`select rebalance_table_shards(shard_transfer_mode => 'block_writes')`)
        counts.rebalanced++
      }
    } finally {
      state.done = true
      await audits
    }
    await writers.stop()
    await world.follow()
    expect(await world.rows('select total::int from total')).toEqual([{ total: BANK_TOTAL }])
    const placed = `select count(*)::int as n from citus_shards where nodeport = ${port} and table_name = 'account'::regclass`
    expect(Number((await world.rows(placed))[0]?.['n'])).toBeGreaterThan(0)
    expect(await world.freshet.doctor()).not.toContainEqual(expect.objectContaining({ level: 'error' }))
    console.log({ seed, ...counts, differences: 0, ...writers.counts })
  })
})

/** What Citus does to a writer that waits for a shard that waits for it. */
function isOfTheMove(error: unknown): boolean {
  return error instanceof NoSuchRow || (error instanceof Error && 'code' in error && error.code === '40P01')
}
