import { isFreshetError } from '@freshet/core'
import { clusterUrls, freshSeed, random } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { BANK_TABLES, BANK_TOTAL, NoSuchRow, openBank, startBankWriters } from './bank.ts'
import { type CitusWorld, createCitusWorld } from './world.ts'

const MOVES = LONG ? 40 : 3

/**
 * Shards move and are split while money moves between them. No writer may fail of what Freshet does, and each verification,
 * before, during and after, finds no difference.
 */
describe.skipIf(clusterUrls() === null)('shards', () => {
  test('are moved and split under writers', { timeout: LONG ? 900_000 : 120_000 }, async () => {
    const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
    const draw = random(seed)
    await using world = await createCitusWorld({ shards: 4 })
    await openBank(world)
    const writers = await startBankWriters(world, draw.fork(), 3, isOfTheSplit)
    const counts = { moves: 0, splits: 0, again: 0, verified: 0 }
    const operate = async (work: () => Promise<void>) => {
      for (;;) {
        try {
          return await work()
        } catch (error) {
          // shards that are about to move wait for writers that wait for them: Citus ends one of the two
          if (!isFreshetError(error) || error.sqlState !== '40P01' || counts.again === MOVES) throw error
          counts.again++
        }
      }
    }
    const verify = async () => {
      for (const name of BANK_TABLES) {
        const { equal, extra, missing } = await world.freshet.verify(name)
        expect({ seed, name, equal, extra, missing }).toEqual({ seed, name, equal: true, extra: 0, missing: 0 })
        counts.verified++
      }
    }
    const state = { done: false }
    const audits = (async () => {
      while (!state.done) await verify()
    })()
    try {
      for (let i = 0; i < MOVES; i++) {
        await operate(async () => moveOne(world, draw.pick(await shards(world))))
        counts.moves++
        if (i % 3 === 0) {
          await operate(async () => splitOne(world, draw.pick(await shards(world))))
          counts.splits++
        }
      }
    } finally {
      state.done = true
      await audits
    }
    await writers.stop()
    await world.follow()
    expect(await world.rows('select total::int from total')).toEqual([{ total: BANK_TOTAL }])
    expect(await world.freshet.doctor()).not.toContainEqual(expect.objectContaining({ level: 'error' }))
    console.log({ seed, ...counts, differences: 0, ...writers.counts })
  })
})

/** What Citus does to a writer whose shard is being split, on tables without any trigger too: no shard, or the wrong one. */
function isOfTheSplit(error: unknown): boolean {
  const said = error instanceof Error && error.message === 'shard for the given value does not exist'
  return said || error instanceof NoSuchRow
}

interface Shard {
  readonly id: string
  readonly node: number
  readonly low: number
  readonly high: number
}

async function shards(world: CitusWorld): Promise<readonly Shard[]> {
  const rows = await world.rows(`
    select s.shardid::text as id, p.groupid as node, s.shardminvalue::int as low, s.shardmaxvalue::int as high
    from pg_dist_shard s join pg_dist_placement p using (shardid) where s.logicalrelid = 'account'::regclass order by 1`)
  return rows.map(({ id, node, low, high }) => ({
    id: String(id),
    node: Number(node),
    low: Number(low),
    high: Number(high),
  }))
}

async function moveOne(world: CitusWorld, { id, node }: Shard): Promise<void> {
  const [target] = await world.rows(`
    select nodename as name, nodeport as port, (select nodeport from pg_dist_node where groupid = ${node}) as source
    from pg_dist_node where groupid not in (0, ${node}) order by random() limit 1`)
  await world.run(`select citus_move_shard_placement(${id}, '127.0.0.1', ${Number(target?.['source'])},
    '127.0.0.1', ${Number(target?.['port'])}, shard_transfer_mode => 'block_writes')`)
}

async function splitOne(world: CitusWorld, { id, node, low, high }: Shard): Promise<void> {
  const middle = Math.floor((low + high) / 2)
  await world.run(`select citus_split_shard_by_split_points(${id}, array['${middle}'],
    array(select nodeid from pg_dist_node where groupid = ${node} union all select nodeid from pg_dist_node where groupid = ${node}),
    'block_writes')`)
}
