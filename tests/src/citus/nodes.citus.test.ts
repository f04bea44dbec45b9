import { setTimeout as sleep } from 'node:timers/promises'
import { isFreshetError } from '@freshet/core'
import { clusterUrls, freshSeed, random, type Random } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { networkLink } from '../crash/relay/network-link.ts'
import { LONG } from '../length.ts'
import { BANK_TABLES, BANK_TOTAL, type BankWriters, openBank, openBankTables, startBankWriters } from './bank.ts'
import { isOfCitus, MOVING, namings, nodeOperations, portOf } from './node-operations.ts'
import { type CitusWorld, createCitusWorld } from './world.ts'

/** Of all operations; moves are by logical replication in every second one. */
const ROUNDS = LONG ? 6 : 1

/**
 * Nodes leave and come, are disabled, get other ports and names, tenants get shards of their own and shards find new places,
 * while money moves. Whatever is ours goes by groups and placements, so each verification finds no difference, and no
 * writer fails of anything but what Citus does to it without us.
 */
describe.skipIf(clusterUrls() === null)('nodes', () => {
  test('leave, come, are renamed and rebalanced under writers', { timeout: LONG ? 1_500_000 : 120_000 }, async () => {
    const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
    const draw = random(seed)
    await using world = await createCitusWorld({ shards: 4 })
    await openBank(world)
    const counts = { operations: 0, again: 0, verified: 0, failed: 0 }
    const verify = async (during: string) => {
      for (const name of BANK_TABLES) {
        const { equal, extra, missing } = await again(counts, () => world.freshet.verify(name))
        const found = { seed, during, name, equal, extra, missing }
        expect(found).toEqual({ seed, during, name, equal: true, extra: 0, missing: 0 })
        counts.verified++
      }
    }
    const { writers, refused } = await operate(world, draw, counts, verify)
    await world.follow()
    expect(await world.rows('select total::int from total')).toEqual([{ total: BANK_TOTAL }])
    // the one that was refreshed on the workers still is
    expect(await world.rows('select from freshet.shard_queue_reader')).toHaveLength(2)
    const status = await world.freshet.citusStatus()
    expect(status.filter(({ inOrder, failuresTotal }) => !inOrder || failuresTotal > 0)).toEqual([])
    const places = await world.rows('select groupid as "group" from pg_dist_node order by 1')
    expect(new Set(status.map(({ group }) => group))).toEqual(new Set(places.map(({ group }) => group)))
    console.log({ seed, ...counts, differences: 0, ...writers, refused })
  })

  test.runIf(LONG)('do the same to writers without Freshet', { timeout: 1_500_000 }, async () => {
    const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
    await using world = await createCitusWorld({ shards: 4 })
    await openBankTables(world)
    const counts = { operations: 0, again: 0, verified: 0, failed: 0 }
    // what Citus does by itself to writers that nobody reads, and that nothing captures
    const { writers, refused } = await operate(world, random(seed), counts, () => Promise.resolve())
    console.log({ seed, ...counts, ...writers, refused, without: 'Freshet' })
  })
})

type Counts = Record<'operations' | 'again' | 'verified' | 'failed', number>

/** All operations under writers, `verify` after each, and in the long form while they go on as well. */
async function operate(
  world: CitusWorld,
  draw: Random,
  counts: Counts,
  verify: (during: string) => Promise<void>,
): Promise<{ readonly writers: BankWriters['counts']; readonly refused: Readonly<Record<string, number>> }> {
  await using link = await networkLink(`127.0.0.1:${portOf(world, MOVING)}`)
  const operations = { ...nodeOperations(world), ...namings(world, Number(link.address.split(':')[1])) }
  const refused: Record<string, number> = {}
  const writers = await startBankWriters(world, draw.fork(), 3, (error) => {
    const by = isOfCitus(error)
    if (by !== null) refused[by] = (refused[by] ?? 0) + 1
    return by !== null
  })
  const state = { done: false, during: '' }
  const audits = (async () => {
    while (LONG && !state.done) {
      await verify(`while ${state.during}`).catch((error: unknown) => {
        // an error with a code, and nothing recorded; the next one says whether that is so
        if (!isFreshetError(error) || error.code === 'INTERNAL') throw error
        counts.failed++
      })
      await sleep(50)
    }
  })()
  try {
    for (let round = 0; round < ROUNDS; round++)
      for (const [name, operation] of Object.entries(operations)) {
        state.during = name
        const mode = round % 2 === 0 ? 'block_writes' : 'force_logical'
        try {
          await again(counts, () => operation({ owner: draw.int(1, 60), mode }))
        } catch (error) {
          throw new Error(`${name}, ${mode}`, { cause: error })
        }
        counts.operations++
        await verify(`after ${name}`)
      }
  } finally {
    state.done = true
    await audits
  }
  await writers.stop()
  expect(writers.counts.committed).toBeGreaterThan(0)
  return { writers: writers.counts, refused }
}

/** Shards that are about to move wait for writers that wait for them: Citus ends one of the two. */
async function again<T>(counts: { again: number }, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isFreshetError(error) || error.sqlState !== '40P01' || counts.again === 50) throw error
      counts.again++
    }
  }
}
