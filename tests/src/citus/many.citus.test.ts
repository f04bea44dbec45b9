import { clusterUrls, freshSeed, random } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { BANK_TOTAL, openBankTables, startBankWriters } from './bank.ts'
import { isOfCitus, nodeOperations } from './node-operations.ts'
import { createCitusWorld } from './world.ts'

const MANY = Number(process.env['FRESHET_TEST_STREAM_TABLES'] ?? (LONG ? 1000 : 12))

const KINDS = {
  local: (i: number) => `select sum(balance) as total, count(*) + ${i} as n from account`,
  reference: (i: number) =>
    `select o.region, sum(a.balance + ${i}) as total from account a join owner o on o.id = a.owner group by o.region`,
  distributed: (i: number) => `select owner, sum(balance + ${i}) as total, count(*) as n from account group by owner`,
}

/** From the log on the coordinator and on every node, and on the workers from a queue that they share. */
function kindOf(i: number): keyof typeof KINDS {
  return (['local', 'reference', 'distributed'] as const)[i % 3] ?? 'local'
}

/** Node churn costs each of many stream tables nothing: all of them follow, and none is filled anew. */
describe.skipIf(clusterUrls() === null)('many stream tables', () => {
  test('follow while a node leaves and comes', { timeout: LONG ? 7_200_000 : 120_000 }, async () => {
    const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
    await using world = await createCitusWorld({ shards: 3 })
    await openBankTables(world)
    const names: string[] = []
    const begun = performance.now()
    for (let i = 0; i < MANY; i++) {
      const placement = kindOf(i)
      names.push(`many_${i}`)
      await world.freshet.create({
        name: `many_${i}`,
        query: KINDS[placement](i),
        mode: 'differential',
        schedule: 'manual',
        placement,
      })
    }
    const createdMs = performance.now() - begun
    const writers = await startBankWriters(world, random(seed), 2, (error) => isOfCitus(error) !== null)
    const operations = nodeOperations(world)
    for (const name of [
      'a node is drained',
      'a node is removed',
      'a node is added',
      'shards are rebalanced',
    ] as const) {
      await operations[name]({ owner: 1, mode: 'block_writes' })
      for (const { outcome } of await world.freshet.refreshAll()) expect(outcome.action).not.toBe('full')
    }
    await writers.stop()
    for (const name of names) {
      const { equal, extra, missing } = await world.freshet.verify(name)
      expect({ seed, name, equal, extra, missing }).toEqual({ seed, name, equal: true, extra: 0, missing: 0 })
    }
    expect(await world.rows('select total::int from many_0')).toEqual([{ total: BANK_TOTAL }])
    const [kinds] = await world.rows(
      `select count(*)::int as pushed, count(distinct queue_id)::int as queues from freshet.shard_queue_reader`,
    )
    expect(kinds).toEqual({ pushed: Math.floor(MANY / 3), queues: 1 })
    console.log({ seed, streamTables: MANY, createdMs: Math.round(createdMs), differences: 0, ...writers.counts })
  })
})
